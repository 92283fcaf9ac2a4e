// What follows from hooks that ran, read off the record: whether one is called again, and which
// releases may come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config_parser.h"
#include "core/hooks.h"

namespace pawl {
namespace {

using testing::HasSubstr;

Deployment deployment_of(const std::string& id, const std::string& version, std::string_view effect,
                         bool is_compatible, bool has_undo = false) {
  Deployment deployment;
  deployment.id = id;
  deployment.app = "meals";
  deployment.environment = "dev";
  deployment.phase = Phase::succeeded;
  deployment.release.version = version;
  deployment.release.sha = version;
  HookSettings hook;
  hook.name = "migrate";
  hook.is_compatible_with_previous = is_compatible;
  if (has_undo) hook.undo = json::object{};
  PlanStep step;
  step.id = hook_step_id(hook.name);
  step.kind = std::string(kHookKind);
  step.params = to_json(hook);
  deployment.plan.own().steps.push_back(step);
  StepState state;
  state.id = step.id;
  state.try_effect = effect;
  deployment.steps.push_back(state);
  return deployment;
}

RollbackTarget target(const Deployment& deployment) {
  RollbackTarget made;
  made.deployment_id = deployment.id;
  made.release = deployment.release;
  return made;
}

TEST(HookRuns, AreTakenFromTheSameReleaseOnly) {
  const auto done = deployment_of("d1", "1.0", kEffectDone, false);
  ReleaseName release = done.release;
  EXPECT_EQ(hook_runs({done}, release, "").at("migrate"), (HookRun{"d1", true}));
  release.version = "1.1";
  EXPECT_TRUE(hook_runs({done}, release, "").empty());
}

TEST(HookRuns, WhatNobodyHeardOfIsNotKnown) {
  const auto unknown = deployment_of("d2", "1.0", kEffectUnknown, false);
  const auto done = deployment_of("d1", "1.0", kEffectDone, false);
  EXPECT_EQ(hook_runs({unknown}, unknown.release, "").at("migrate"), (HookRun{"d2", false}));
  EXPECT_EQ(hook_runs({unknown, done}, unknown.release, "").at("migrate"), (HookRun{"d1", true}));
  EXPECT_TRUE(
      hook_runs({deployment_of("d3", "1.0", kEffectNone, false)}, done.release, "").empty());
  EXPECT_TRUE(
      hook_runs({deployment_of("d3", "1.0", kEffectPart, false)}, done.release, "").empty());
}

TEST(HookRuns, OneWithAnUndoIsCalledInEachDeployment) {
  const auto done = deployment_of("d1", "1.0", kEffectDone, false, true);
  EXPECT_TRUE(hook_runs({done}, done.release, "").empty());
}

TEST(HookRuns, OneThatIsNotKnownIsRefusedUnlessItMayBeCalledTwice) {
  EnvironmentConfig environment;
  environment.hooks.resize(1);
  environment.hooks[0].name = "migrate";
  PlanFacts facts;
  facts.hook_runs["migrate"] = {"d1", false};
  const auto refused = check_hook_runs(environment, facts);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("migrate"));
  EXPECT_THAT(refused.error().hint(), HasSubstr("--hook migrate=again"));
  environment.hooks[0].is_idempotent = true;
  EXPECT_TRUE(check_hook_runs(environment, facts).ok());
}

struct BackCase {
  const char* what;
  bool first_is_compatible, second_is_compatible;
  bool to_first_is_allowed, to_second_is_allowed;  // from the third release
};

TEST(BlockedByHooks, CompatibleReachesBackOneRelease) {
  // 1.0, then 1.1 and 1.2 with a migration each; 1.2 is live.
  const BackCase kCases[] = {
      {"neither", false, false, false, false},
      {"the older one", true, false, false, false},
      {"the newer one", false, true, false, true},
      // What 1.2 made can be read by 1.1, which says nothing of 1.0.
      {"both", true, true, false, true},
  };
  for (const auto& each : kCases) {
    const auto first = deployment_of("d1", "1.0", "", false);
    const auto second = deployment_of("d2", "1.1", kEffectDone, each.first_is_compatible);
    const auto third = deployment_of("d3", "1.2", kEffectDone, each.second_is_compatible);
    const std::vector<Deployment> all = {third, second, first};
    EXPECT_EQ(blocked_by_hooks(all, target(first)).empty(), each.to_first_is_allowed) << each.what;
    EXPECT_EQ(blocked_by_hooks(all, target(second)).empty(), each.to_second_is_allowed)
        << each.what;
  }
}

TEST(BlockedByHooks, WhatWasTakenBackOrNeverCalledIsNotInTheWay) {
  const auto first = deployment_of("d1", "1.0", "", false);
  auto second = deployment_of("d2", "1.1", kEffectNone, false);
  EXPECT_EQ(blocked_by_hooks({second, first}, target(first)), "");
  second = deployment_of("d2", "1.1", kEffectDone, false, true);
  second.steps[0].status = StepStatus::undone;
  EXPECT_EQ(blocked_by_hooks({second, first}, target(first)), "");
  second = deployment_of("d2", "1.1", kEffectUnknown, false);
  EXPECT_THAT(blocked_by_hooks({second, first}, target(first)), HasSubstr("may have run"));
}

TEST(HookSettingsJson, IsReadBackAsItWasWritten) {
  HookSettings hook;
  hook.name = "migrate";
  hook.when = HookWhen::after_traffic;
  hook.function = "other";
  hook.qualifier = "live";
  hook.payload = {{"op", "migrate"}};
  hook.expect = {{"done", "true"}};
  hook.timeout = std::chrono::seconds(7);
  hook.retries = 3;
  hook.is_idempotent = true;
  hook.undo = json::object{{"op", "back"}};
  hook.is_compatible_with_previous = true;
  EXPECT_EQ(hook_from_json(to_json(hook)), hook);
  EXPECT_EQ(hook_from_json({}), HookSettings{});
}

}  // namespace
}  // namespace pawl
