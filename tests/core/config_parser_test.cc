#include "core/config_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "core/config_reader.h"
#include "core/yaml_tree.h"

namespace pawl {
namespace {

using std::chrono::milliseconds;

std::string example(const std::string& name) {
  std::ifstream in(std::string(PAWL_SOURCE_DIR) + "/tests/core/examples/valid/" + name + ".yaml");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Config parsed(const std::string& text) {
  auto config = parse_config(text, "pawl.yaml");
  EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message());
  return config.ok() ? *config : Config{};
}

const EnvironmentConfig& environment(const Config& config, const std::string& name) {
  auto found = config.environment(name);
  PAWL_ASSERT(found.ok());
  return **found;
}

TEST(ConfigParser, ReadsEveryKey) {
  const Config config = parsed(example("everything"));
  EXPECT_EQ(config.app, "meals");
  EXPECT_EQ(config.repository, "example/meals");
  EXPECT_EQ(config.main_branch, "trunk");
  EXPECT_EQ(config.github.api_url, "https://ghe.example.com/api/v3");
  EXPECT_EQ(config.github.app_id, "1234");
  EXPECT_EQ(config.github.app_key_file, "secrets/app.pem");
  EXPECT_EQ(config.github.app_installation, 77);
  EXPECT_EQ(config.github.patience, milliseconds(300'000));
  const auto& dev = environment(config, "dev");
  EXPECT_EQ(dev.trigger, EnvironmentTrigger::ci);
  EXPECT_EQ(dev.region, "eu-central-1");
  EXPECT_EQ(dev.image.source, "ghcr.io/example/meals");
  EXPECT_EQ(dev.image.build->dockerfile, "docker/Dockerfile");
  EXPECT_EQ(dev.image.build->target, "lambda");
  EXPECT_EQ(dev.image.build->platform, "linux/arm64");
  EXPECT_EQ(dev.image.build->builder, "buildx");
  EXPECT_EQ(dev.image.build->platforms.at(1), "linux/arm64");
  EXPECT_EQ(dev.image.build->secrets.at("npm"), "env:NPM_TOKEN");
  EXPECT_EQ(dev.image.build->cache_from.at(1), "type=gha,scope=dev");
  EXPECT_EQ(dev.image.build->provenance, "max");
  EXPECT_EQ(dev.image.build->sbom, "attach");
  EXPECT_EQ(dev.image.build->args.at("APP_VERSION"), "{version}");
  EXPECT_EQ(dev.image.build->args.at("STAGE"), "dev");
  EXPECT_EQ(dev.image.build->args.at("DEBUG"), "false");
  EXPECT_EQ(dev.image.build->args.at("LEVEL"), "3");
  EXPECT_EQ(dev.terraform->backend, "environments/dev/backend.hcl.template");
  EXPECT_EQ(dev.terraform->var_files.at(0), "environments/dev/terraform.tfvars");
  EXPECT_EQ(dev.aws.roles.at(0), "arn:aws:iam::111122223333:role/pawl-dev");
  EXPECT_EQ(dev.aws.external_id, "pawl/meals");
  EXPECT_EQ(dev.aws.audience, "sts.amazonaws.com");
  EXPECT_EQ(dev.terraform->binary, "bin/tofu");
  EXPECT_EQ(dev.terraform->workspace, "dev");
  EXPECT_EQ(dev.terraform->protect.at(1), "aws_sqs_*");
  const auto& named = environment(config, "named");
  EXPECT_EQ(named.function.name, "{terraform.function}");
  EXPECT_EQ(named.static_files->bucket, "{terraform.bucket}-files");
  EXPECT_EQ(named.url.fixed, "{terraform.url}");
  EXPECT_EQ(dev.function.name, "meals-dev");
  EXPECT_EQ(dev.function.alias, "current");
  EXPECT_EQ(dev.function.repository, "meals-dev-lambda");
  EXPECT_EQ(dev.function.update_timeout, milliseconds(120'000));
  EXPECT_EQ(dev.url.api, "meals-dev-api");
  EXPECT_EQ(dev.static_files->bucket, "meals-dev-static");
  EXPECT_EQ(dev.static_files->immutable.at(0), "**/*.[0-9a-f]*.*");
  EXPECT_EQ(dev.health->expect_json.at("checks.count"), "3");
  EXPECT_EQ(dev.health->expect_json.at("ready"), "true");
  EXPECT_EQ(dev.health->timeout, milliseconds(500));
  EXPECT_EQ(dev.policy.step_limit, milliseconds(600'000));
  EXPECT_EQ(dev.policy.on_cancel, OnCancel::leave);
}

TEST(ConfigParser, LaysAnEnvironmentsKeysOverTheSharedOnes) {
  const Config config = parsed(example("everything"));
  EXPECT_EQ(environment(config, "dev").health->attempts, 5);
  EXPECT_EQ(environment(config, "dev").health->rollback_attempts, 3);
  EXPECT_EQ(environment(config, "staging").health->attempts, 10);
  const auto& prod = environment(config, "prod");
  EXPECT_EQ(prod.static_files->bucket, "meals-files");
  EXPECT_EQ(prod.static_files->dir, "app/static");
  EXPECT_EQ(prod.function.alias, "");
  EXPECT_EQ(prod.url.fixed, "https://meals.example.com");
  EXPECT_EQ(prod.approvals_required, 2);
  EXPECT_TRUE(prod.tag_required);
  EXPECT_EQ(prod.promote_from, "staging");
  ASSERT_EQ(prod.freeze.size(), 2u);
  EXPECT_EQ(prod.freeze[0].zone, "Europe/Berlin");
  EXPECT_EQ(prod.freeze[1].zone, "UTC");
}

TEST(ConfigParser, LetsAnEnvironmentGoWithoutASharedSection) {
  const auto config = parsed(example("everything"));
  const auto& demo = environment(config, "demo");
  EXPECT_TRUE(demo.aws.roles.empty());
  EXPECT_FALSE(demo.health.has_value());
  EXPECT_FALSE(demo.static_files.has_value());
  EXPECT_FALSE(demo.terraform.has_value());
}

TEST(ConfigParser, FillsInTheDefaults) {
  const auto config = parsed(example("smallest"));
  const auto& dev = environment(config, "dev");
  EXPECT_EQ(config.main_branch, "main");
  EXPECT_EQ(dev.trigger, EnvironmentTrigger::manual);
  EXPECT_EQ(dev.region, "us-east-1");
  EXPECT_EQ(dev.function.name, "meals-dev");
  EXPECT_EQ(dev.function.repository, "meals-dev");
  EXPECT_EQ(dev.function.alias, "live");
  EXPECT_EQ(dev.url.api, "meals-dev");
  EXPECT_FALSE(dev.health || dev.static_files || dev.terraform || dev.image.build);
}

struct PolicyRow {
  const char* shared;
  const char* own;
  RunPolicy expected;
};

TEST(ConfigParser, ReadsTheLimitsAndTheCancelPolicyOfEachEnvironment) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  const PolicyRow table[] = {
      {"", "", {minutes(30), hours(2), OnCancel::undo}},
      {"limits: {step: 10m, deployment: 1h}", "", {minutes(10), hours(1), OnCancel::undo}},
      {"limits: {step: 10m, deployment: 1h}", "limits: {step: 20s}", {seconds(20), hours(1), {}}},
      {"limits: {step: 10m}", "limits: {deployment: 168h}", {minutes(10), hours(168), {}}},
      // Alone, the one takes the other along.
      {"", "limits: {deployment: 5m}", {minutes(5), minutes(5), {}}},
      {"", "limits: {step: 3h}", {hours(3), hours(3), {}}},
      {"on_cancel: leave", "", {minutes(30), hours(2), OnCancel::leave}},
      {"on_cancel: leave", "on_cancel: undo", {minutes(30), hours(2), OnCancel::undo}},
      {"", "on_cancel: leave", {minutes(30), hours(2), OnCancel::leave}},
  };
  for (const auto& row : table) {
    const std::string text = fmt::format(
        "app: meals\nimage: {{source: ghcr.io/e/meals}}\n{}\nenvironments: {{dev: {{{}}}}}\n",
        row.shared, row.own);
    EXPECT_EQ(environment(parsed(text), "dev").policy, row.expected) << text;
  }
}

TEST(ConfigParser, TellsAllProblemsInOneErrorEachOnALineOfItsOwn) {
  const auto config =
      parse_config("app: Meals\nenvironments: {dev: {trigger: never}}\n", "x/pawl.yaml");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().kind(), ErrorKind::config);
  EXPECT_EQ(
      config.error().message(),
      "x/pawl.yaml:1:6: app: 'Meals' is not a name: lower-case letters, digits and - (not at "
      "an end), at most 40\n"
      "x/pawl.yaml:2:21: environments.dev.image: is missing; expected the image's source, such "
      "as image: {source: ghcr.io/owner/name}\n"
      "x/pawl.yaml:2:31: environments.dev.trigger: expected ci or manual, found 'never'");
}

TEST(ConfigParser, RefusesAFileThatIsTooLarge) {
  const std::string large(kMaxConfigBytes + 1, '#');
  const auto config = parse_config(large, "pawl.yaml");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().message(), "pawl.yaml:1:1: the file is larger than 1024 KiB");
}

TEST(ConfigParser, SaysWhatAnEmptyFileIs) {
  for (const auto* text : {"", "\n", "# only a comment\n"}) {
    const auto config = parse_config(text, "pawl.yaml");
    ASSERT_FALSE(config.ok());
    EXPECT_NE(config.error().message().find("empty"), std::string::npos)
        << config.error().message();
  }
}

TEST(ConfigParser, RefusesControlCharacters) {
  const auto config = parse_config(std::string_view("app: a\0b\n", 9), "pawl.yaml");
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.error().message().find("1:7: the character 0x00"), std::string::npos);
}

// Whatever the bytes, the answer is a configuration or problems with a place.
TEST(ConfigParser, NeverCrashesOnAMutilatedFile) {
  const std::string good = example("everything");
  std::mt19937 random(7);
  const std::string salt = "{}[]:,&*!?|>-\"'#%@` \n\t\\~x0";
  for (int round = 0; round < 1000; ++round) {
    std::string text = good.substr(0, random() % 4 == 0 ? random() % good.size() : good.size());
    for (auto edits = random() % 6 + 1; edits > 0 && !text.empty(); --edits) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = salt[random() % salt.size()];
          break;
        case 1:
          text.erase(at, random() % 8 + 1);
          break;
        default:
          text.insert(at, 1, salt[random() % salt.size()]);
      }
    }
    for (const auto& problem : parse_config_with_problems(text).problems) {
      EXPECT_GT(problem.line, 0);
      EXPECT_GT(problem.column, 0);
      EXPECT_FALSE(problem.message.empty());
    }
  }
}

TEST(Durations, AreANumberAndAUnit) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("60s"), milliseconds(60'000));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("1h"), milliseconds(3'600'000));
  for (const auto* wrong : {"", "s", "5", "-5s", "5 s", "5d", "1.5s", "9999999999s", "5sm"})
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
}

TEST(Placeholders, AreReplacedAndUnknownOnesNamed) {
  const Placeholders names{{{"app", "meals"}}, {"version"}};
  std::string unknown;
  EXPECT_EQ(fill_placeholders("{app}-{version}-{", names, unknown), "meals-{version}-{");
  EXPECT_EQ(unknown, "");
  EXPECT_EQ(fill_placeholders("{ app } {} {a b}", names, unknown), "{ app } {} {a b}");
  EXPECT_EQ(unknown, "");
  fill_placeholders("{stage}{other}", names, unknown);
  EXPECT_EQ(unknown, "stage");
}

TEST(Nearest, FindsTheWordThatWasMeant) {
  const std::vector<std::string> words = {"attempts", "path", "health", "trigger"};
  EXPECT_EQ(nearest("atempts", words), "attempts");
  EXPECT_EQ(nearest("heatlh", words), "health");
  EXPECT_EQ(nearest("Path", words), "path");
  EXPECT_EQ(nearest("port", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(10'000, 'x'), words), "");
}

TEST(Config, NamesTheEnvironmentsThatThereAre) {
  const Config config = parsed(example("everything"));
  const auto missing = config.environment("stagin");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::usage);
  EXPECT_EQ(missing.error().message(),
            "there is no environment 'stagin' in the configuration; "
            "there are: dev, staging, prod, named, demo");
  EXPECT_EQ(missing.error().hint(), "did you mean staging?");
}

TEST(YamlTree, TypesScalarsAsYaml12Does) {
  const auto root =
      parse_yaml("[yes, no, true, 1, -2, 1.5, 1e3, 1.4.2, 0x10, ~, null, '1', \"true\", 08]").root;
  EXPECT_EQ(json::serialize(to_json(root)),
            R"(["yes","no",true,1,-2,1.5E0,1E3,"1.4.2","0x10",null,null,"1","true",8])");
}

}  // namespace
}  // namespace pawl
