// tests/core/examples holds configurations with what Pawl must say about them in their first lines:
//   # expect: LINE:COLUMN: KEY: MESSAGE        (the beginning of a problem; each one must be there)
// valid/    nothing is wrong
// invalid/  wrong for the parser and for the published JSON Schema alike
// rules/    wrong by a rule that a schema cannot state: the schema accepts them
// broken/   not even YAML that a schema validator would be given
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/config_parser.h"
#include "core/yaml_tree.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;
const fs::path kExamples = fs::path(PAWL_SOURCE_DIR) / "tests/core/examples";
const fs::path kSchema = fs::path(PAWL_SOURCE_DIR) / "docs/schema/pawl.schema.json";

std::string read(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> examples(const std::string& kind) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(kExamples / kind)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> expectations(const std::string& text) {
  const std::string prefix = "# expect: ";
  std::vector<std::string> expected;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.rfind('#', 0) == 0;)
    if (line.rfind(prefix, 0) == 0) expected.push_back(line.substr(prefix.size()));
  return expected;
}

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> said;
  for (const auto& problem : parse_config_with_problems(text).problems)
    said.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": " +
                   (problem.key.empty() ? "" : problem.key + ": ") + problem.message);
  return said;
}

class WrongExample : public testing::TestWithParam<std::string> {};

TEST_P(WrongExample, IsToldWithLineColumnKeyAndWhatWasExpected) {
  for (const auto& path : examples(GetParam())) {
    const std::string text = read(path);
    const auto expected = expectations(text);
    const auto said = problems_of(text);
    ASSERT_FALSE(expected.empty()) << path << " says nothing of what to expect";
    EXPECT_EQ(said.size(), expected.size()) << path << "\n" << testing::PrintToString(said);
    for (size_t i = 0; i < std::min(said.size(), expected.size()); ++i)
      EXPECT_NE(said[i].find(expected[i]), std::string::npos)
          << path.filename() << "\n  said:     " << said[i] << "\n  expected: " << expected[i];
  }
}
INSTANTIATE_TEST_SUITE_P(Config, WrongExample, testing::Values("invalid", "rules", "broken"),
                         [](const auto& kind) { return kind.param; });

TEST(ConfigExamples, TheValidOnesHaveNoProblems) {
  for (const auto& path : examples("valid"))
    EXPECT_EQ(problems_of(read(path)), std::vector<std::string>{}) << path;
}

TEST(ConfigExamples, TheExampleApplicationsAreValid) {
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(PAWL_SOURCE_DIR) / "examples"))
    if (entry.path().filename() == "pawl.yaml") {
      EXPECT_EQ(problems_of(read(entry.path())), std::vector<std::string>{}) << entry.path();
    }
}

// The validator is another people's: python3-jsonschema. It prints the files that it refuses.
constexpr const char* kValidator =
    "import json, sys\n"
    "from jsonschema import Draft202012Validator\n"
    "schema = json.load(open(sys.argv[1]))\n"
    "Draft202012Validator.check_schema(schema)\n"
    "validator = Draft202012Validator(schema)\n"
    "for name in sys.argv[2:]:\n"
    "    if not validator.is_valid(json.load(open(name))): print(name)\n";

const std::vector<std::string> kKinds = {"valid", "invalid", "rules"};

class Schema : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (std::system("python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null") != 0)
      return;
    char pattern[] = "/tmp/pawl-schema-XXXXXX";
    const fs::path folder = mkdtemp(pattern);
    std::ofstream(folder / "validate.py") << kValidator;
    ask_validator(folder);
    fs::remove_all(folder);
  }
  void SetUp() override {
    if (accepted_.empty()) GTEST_SKIP() << "python3-jsonschema is not installed";
  }

  // Whether the schema accepts each example, "kind/name"; asked of one process for all of them.
  static void ask_validator(const fs::path& folder) {
    std::string command = "python3 " + (folder / "validate.py").string() + " " + kSchema.string();
    for (const auto& kind : kKinds) {
      fs::create_directory(folder / kind);
      for (const auto& path : examples(kind)) {
        const fs::path name = fs::path(kind) / path.stem();
        accepted_[name.string()] = true;
        const fs::path target = folder / (name.string() + ".json");
        std::ofstream(target) << json::serialize(to_json(parse_yaml(read(path)).root));
        command += " " + target.string();
      }
    }
    FILE* pipe = popen(command.c_str(), "r");
    char line[4096];
    while (std::fgets(line, sizeof line, pipe) != nullptr) {
      const fs::path name = fs::relative(std::string(line, std::strcspn(line, "\n")), folder);
      accepted_[(name.parent_path() / name.stem()).string()] = false;
    }
    EXPECT_EQ(pclose(pipe), 0) << command;
  }

  static std::map<std::string, bool> verdicts(const std::string& kind) {
    std::map<std::string, bool> some;
    for (const auto& [name, accepted] : accepted_)
      if (name.rfind(kind + "/", 0) == 0) some[name] = accepted;
    return some;
  }

  static inline std::map<std::string, bool> accepted_;
};

TEST_F(Schema, AcceptsWhatTheParserAccepts) {
  for (const auto& [name, accepted] : verdicts("valid")) EXPECT_TRUE(accepted) << name;
}

TEST_F(Schema, RefusesWhatIsWrongInItsStructure) {
  for (const auto& [name, accepted] : verdicts("invalid")) EXPECT_FALSE(accepted) << name;
}

TEST_F(Schema, LeavesToTheParserWhatOnlyARuleCanTell) {
  for (const auto& [name, accepted] : verdicts("rules")) EXPECT_TRUE(accepted) << name;
}

}  // namespace
}  // namespace pawl
