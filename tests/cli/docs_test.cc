// The documentation is held against the program: every pawl.yaml in it is one that Pawl reads,
// every `pawl ...` names commands and options that exist, every link leads somewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "core/config_parser.h"
#include "core/yaml_tree.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = PAWL_SOURCE_DIR;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string read(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The pages that a user reads, generated ones among them.
std::vector<fs::path> pages() {
  std::vector<fs::path> found = {kRoot / "README.md"};
  for (const char* folder : {"docs", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder))
      if (entry.path().extension() == ".md") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

struct Block {
  std::string language;  // what stands after the fence; "indented" for blocks without one
  std::string text;
  int line = 0;  // of its first line, from 1
};

/// Code blocks, fenced and indented. Indentation before a fence (in a list) is taken off its lines.
std::vector<Block> blocks_of(const std::string& page) {
  std::vector<Block> blocks;
  const auto lines = lines_of(page);
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t indent = lines[i].find_first_not_of(' ');
    if (indent == std::string::npos) continue;
    if (lines[i].compare(indent, 3, "```") == 0) {
      Block block{lines[i].substr(indent + 3), "", static_cast<int>(i) + 2};
      while (++i < lines.size() && lines[i].find("```") != indent)
        block.text += lines[i].substr(std::min(indent, lines[i].size())) + "\n";
      blocks.push_back(std::move(block));
    } else if (indent >= 4) {
      blocks.push_back({"indented", lines[i].substr(indent) + "\n", static_cast<int>(i) + 1});
    }
  }
  return blocks;
}

std::string place(const fs::path& page, int line) {
  return fs::relative(page, kRoot).string() + ":" + std::to_string(line);
}

// What a fragment of pawl.yaml is laid over: enough that only the fragment can be wrong.
constexpr const char* kAround =
    "app: meals\n"
    "image: {source: ghcr.io/example/meals}\n"
    "static: {dir: app/static, bucket: meals-static}\n"
    "infrastructure: {terraform: {dir: terraform}}\n"
    "environments: {dev: {trigger: ci}, staging: {}}\n";

void lay_over(json::object& base, const json::object& over) {
  for (const auto& [key, value] : over) {
    json::value& place = base[key];
    if (place.is_object() && value.is_object()) {
      lay_over(place.get_object(), value.get_object());
    } else {
      place = value;
    }
  }
}

std::string problems_in(const std::string& yaml) {
  std::string all;
  for (const auto& problem : parse_config_with_problems(yaml).problems)
    all += "  " + std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": " +
           problem.key + ": " + problem.message + "\n";
  return all;
}

/// A block whose first line names another file (`# .github/workflows/deploy.yml`) is not ours.
bool is_another_file(const std::string& text) {
  static const std::regex name(R"(^# [\w./-]+\.ya?ml\b)");
  std::smatch found;
  return std::regex_search(text, found, name) && text.rfind("# pawl.yaml", 0) != 0;
}

std::string mistakes_of(const std::string& text) {
  const auto document = parse_yaml(text);
  for (const auto& problem : document.problems) return "  no YAML: " + problem.message + "\n";
  if (is_another_file(text)) return "";
  if (!document.root.is_map()) return "  not a map\n";
  if (document.root.find("app") != nullptr) return problems_in(text);
  json::object whole = to_json(parse_yaml(kAround).root).as_object();
  lay_over(whole, to_json(document.root).as_object());
  return problems_in(json::serialize(whole));
}

TEST(Docs, EveryPawlYamlInThemIsOneThatPawlReads) {
  int read_so_far = 0;
  for (const auto& page : pages())
    for (const auto& block : blocks_of(read(page)))
      if (block.language == "yaml") {
        EXPECT_EQ(mistakes_of(block.text), "") << place(page, block.line) << "\n" << block.text;
        ++read_so_far;
      }
  EXPECT_GT(read_so_far, 20);
}

TEST(Docs, AMistakeInAFragmentIsSeen) {
  EXPECT_NE(mistakes_of("health: {pth: /x}\n"), "");
  EXPECT_NE(mistakes_of("app: meals\n"), "");
  EXPECT_NE(mistakes_of("build: {context: .}\n"), "") << "a section that stands nowhere";
  EXPECT_NE(mistakes_of("github: {patience: 1s}\ngithub: {patience: 2s}\n"), "");
  EXPECT_NE(mistakes_of("# .github/workflows/x.yml\n]"), "");
  EXPECT_EQ(mistakes_of("# .github/workflows/x.yml\non: push\n"), "");
  EXPECT_EQ(mistakes_of("health: {path: /x}\n"), "");
}

/// What `pawl __reference` says there is: for each command its options and what stands below it.
struct Commands {
  std::map<std::string, std::set<std::string>> options;
  std::map<std::string, std::set<std::string>> below;
};

Commands commands_of(const std::string& reference) {
  static const std::regex option(R"(^  (-\w)?,?(--[a-z-]+)?[ ,])");
  Commands all;
  std::string command;
  bool are_options = false;
  for (const auto& line : lines_of(reference)) {
    if (line.rfind("## pawl", 0) == 0) {
      command = line.substr(3);
      all.options[command];
      if (const size_t last = command.rfind(' '); last != std::string::npos)
        all.below[command.substr(0, last)].insert(command.substr(last + 1));
    }
    if (!line.empty() && line.front() != ' ') are_options = line == "Options:";
    std::smatch found;
    if (are_options && std::regex_search(line, found, option))
      for (const auto& name : {found[1].str(), found[2].str()})
        if (!name.empty()) all.options[command].insert(name);
  }
  return all;
}

std::string reference() {
  Globals globals;
  Program program("pawl", "", globals);
  add_all_commands(program, globals);
  return program.reference();
}

/// The words of one call, without quotes, up to where the shell would end it.
std::vector<std::string> words_of(const std::string& call) {
  std::vector<std::string> words(1);
  char quote = 0;
  for (const char c : call) {
    if (quote != 0 || c == '\'' || c == '"') {
      if (c == quote) {
        quote = 0;
      } else if (quote == 0) {
        quote = c;
      } else {
        words.back() += c;
      }
    } else if (c == ' ') {
      if (!words.back().empty()) words.emplace_back();
    } else if (std::string_view("|;&<>#)`").find(c) != std::string_view::npos) {
      break;
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// What is wrong with a call, given as its words after `pawl`; empty: nothing.
std::string mistake_in(const Commands& all, const std::vector<std::string>& words) {
  std::string command = "pawl";
  for (const auto& word : words) {
    if (word.front() == '-') {
      // In a synopsis: `[--jobs N]`, `--undo|--leave`.
      const std::string name = word.substr(0, word.find_first_of("=,.:]"));
      bool exists = false;
      for (std::string at = command; !exists; at = at.substr(0, at.rfind(' '))) {
        exists = all.options.at(at).count(name) > 0;
        if (at.find(' ') == std::string::npos) break;
      }
      if (!exists) return command + " has no option " + name;
      continue;
    }
    const auto group = all.below.find(command);
    if (group == all.below.end()) continue;
    if (group->second.count(word) > 0) {
      command += " " + word;
    } else if (word.rfind("__", 0) == 0 || word == "..." || word.front() == '{') {
      return "";  // hidden, or whatever one likes
    } else if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos) {
      return command + " has no command " + word;
    }
  }
  return "";
}

/// Each call of pawl in a line of code: at its beginning, after `&&`, `$(`, `run: ` and the like,
/// or after variables that are set for it.
std::vector<std::vector<std::string>> calls_in(const std::string& code) {
  static const std::regex call(R"((^|&& |; |\| |\$\(|run: |\b[A-Z_]+=\S* )(\S*/)?pawl( .*)?$)");
  std::vector<std::vector<std::string>> calls;
  std::smatch found;
  for (std::string rest = code; rest.find("pawl") != std::string::npos;) {
    if (!std::regex_search(rest, found, call)) break;
    const std::string after = found[3].str();
    calls.push_back(words_of(after));
    rest = after;
  }
  return calls;
}

/// Lines of code blocks and what stands between backquotes, without the brackets of a synopsis.
std::vector<std::pair<int, std::string>> code_of(const std::string& page) {
  std::vector<std::pair<int, std::string>> code;
  const auto add = [&code](int line, std::string text) {
    std::replace(text.begin(), text.end(), '[', ' ');
    code.emplace_back(line, text.substr(std::min(text.find_first_not_of(' '), text.size())));
  };
  for (const auto& block : blocks_of(page)) {
    int line = block.line;
    for (const auto& text : lines_of(block.text)) add(line++, text);
  }
  static const std::regex between(R"(`([^`]+)`)");
  int line = 0;
  for (const auto& text : lines_of(page)) {
    ++line;
    for (std::sregex_iterator found(text.begin(), text.end(), between), end; found != end; ++found)
      add(line, (*found)[1].str());
  }
  return code;
}

TEST(Docs, EveryCallInThemNamesCommandsAndOptionsThatExist) {
  const Commands all = commands_of(reference());
  ASSERT_TRUE(all.options.at("pawl deploy").count("--tag") > 0);
  int seen = 0;
  for (const auto& page : pages())
    for (const auto& [line, code] : code_of(read(page)))
      for (const auto& words : calls_in(code)) {
        EXPECT_EQ(mistake_in(all, words), "") << place(page, line) << ": " << code;
        ++seen;
      }
  EXPECT_GT(seen, 100);
}

TEST(Docs, ACallThatDoesNotExistIsSeen) {
  const Commands all = commands_of(reference());
  const auto verdict = [&all](const std::string& code) {
    std::string mistakes;
    for (const auto& words : calls_in(code)) mistakes += mistake_in(all, words);
    return mistakes;
  };
  EXPECT_EQ(verdict("pawl sandbox fault add --kind x"),
            "pawl sandbox fault add has no option --kind");
  EXPECT_EQ(verdict("cd x && pawl deply dev"), "pawl has no command deply");
  EXPECT_EQ(verdict("- run: pawl deploy prod --tga v1"), "pawl deploy has no option --tga");
  EXPECT_EQ(verdict("A=b build/release/pawl sandbox rest"), "pawl sandbox has no command rest");
  EXPECT_EQ(verdict("pawl status --json | jq --raw x"), "");
  EXPECT_EQ(verdict("pawl deploy dev --sandbox -t v1 --config x; echo --nope"), "");
}

/// The name that GitHub gives a heading's anchor.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_')
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

std::set<std::string> anchors_of(const std::string& page) {
  std::set<std::string> anchors;
  for (const auto& line : lines_of(page))
    if (line.rfind('#', 0) == 0)
      anchors.insert(anchor_of(line.substr(line.find_first_not_of("# "))));
  return anchors;
}

TEST(Docs, EveryLinkWithinThemLeadsSomewhere) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  for (const auto& page : pages()) {
    const std::string text = read(page);
    for (std::sregex_iterator found(text.begin(), text.end(), link), end; found != end; ++found) {
      const std::string target = (*found)[1].str();
      if (target.find("://") != std::string::npos) continue;
      const std::string file = target.substr(0, target.find('#'));
      const fs::path path = file.empty() ? page : page.parent_path() / file;
      EXPECT_TRUE(fs::exists(path)) << page << " links to " << target;
      if (target.find('#') == std::string::npos || !fs::exists(path)) continue;
      EXPECT_EQ(anchors_of(read(path)).count(target.substr(target.find('#') + 1)), 1U)
          << page << " links to " << target;
    }
  }
}

}  // namespace
}  // namespace pawl
