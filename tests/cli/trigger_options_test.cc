#include "cli/trigger_options.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

Config config_with(std::vector<std::string> names) {
  Config config;
  config.app = "meals";
  for (auto& name : names) {
    EnvironmentConfig environment;
    environment.name = name;
    environment.trigger = name == "dev" ? EnvironmentTrigger::ci : EnvironmentTrigger::manual;
    config.environments.push_back(environment);
  }
  return config;
}

Globals globals_of(std::map<std::string, std::string> variables) {
  Globals globals;
  globals.environment = ProcessEnvironment(std::move(variables));
  return globals;
}

TEST(TriggerOptions, NameTheEnvironmentsWhenNoneWasNamed) {
  const auto question = TriggerOptions{}.question(config_with({"dev", "prod"}), globals_of({}));
  ASSERT_FALSE(question.ok());
  EXPECT_EQ(question.error().kind(), ErrorKind::usage);
  EXPECT_NE(question.error().hint().find("dev, prod"), std::string::npos);
}

TEST(TriggerOptions, SayWhichEnvironmentIsNearestToAMisspeltOne) {
  TriggerOptions options;
  options.environment = "prd";
  const auto question = options.question(config_with({"dev", "prod"}), globals_of({}));
  ASSERT_FALSE(question.ok());
  const std::string all = question.error().message() + question.error().hint();
  EXPECT_NE(all.find("prod"), std::string::npos) << all;
}

TEST(TriggerOptions, ACiRunGoesToTheCiEnvironment) {
  TriggerOptions options;
  options.trigger = "ci";
  options.ci_conclusion = "success";
  const auto question =
      options.question(config_with({"prod", "dev"}), globals_of({{"GITHUB_ACTOR", "ana"}}));
  ASSERT_TRUE(question.ok());
  EXPECT_EQ(question->environment.name, "dev");
  EXPECT_EQ(question->trigger.actor, "ana");
}

TEST(TriggerOptions, RefuseWhatIsNoCommitId) {
  TriggerOptions options;
  options.environment = "dev";
  for (const char* bad : {"main", "abc", "ABCDEF1", "-rf 1234567"}) {
    options.sha = bad;
    EXPECT_FALSE(options.question(config_with({"dev"}), globals_of({})).ok()) << bad;
  }
  options.sha = "abc1234";
  EXPECT_TRUE(options.question(config_with({"dev"}), globals_of({})).ok());
}

}  // namespace
}  // namespace pawl
