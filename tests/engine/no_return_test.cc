// The point of no return: past a hook that has no way back nothing is undone, and people are told
// why.
#include <gtest/gtest.h>

#include "core/hooks.h"
#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::Process;
using rig::Rig;

/// capture -> migrate (a hook) -> route (the alias) -> check
Plan plan_with_hook(const std::string& value, const HookSettings& hook) {
  Plan plan;
  plan.release.version = value;
  plan.release.sha = std::string(40, 'a');
  PlanStep capture;
  capture.id = capture.kind = "capture";
  PlanStep migrate = rig::set_step("hook_migrate", "", value, {"capture"});
  migrate.kind = std::string(kHookKind);
  migrate.params = to_json(hook);
  if (hook.undo) migrate.undo = "calls it to be taken back";
  PlanStep move = rig::set_step("move_alias", "", value, {"hook_migrate"});
  move.kind = "move_alias";
  plan.steps = {capture, migrate, move, rig::set_step("code", "code", value, {"capture"}),
                rig::set_step("check", "", value, {"move_alias", "code"})};
  return plan;
}

struct Ended {
  std::string phase, status, reason;
  bool is_undone = false;
};

// Of a deployment whose `failing` step fails after a call of the hook with that effect.
Ended end_of(std::string_view effect, const HookSettings& hook, const std::string& failing) {
  Rig rig;
  rig.scripts["hook_migrate"].effect = effect;
  rig.scripts[failing].fails = Error(ErrorKind::failed, "it said no");
  rig.scripts[failing].fails_early = failing != "hook_migrate";
  Process process(rig, "p0");
  const auto id = process.accept("new");
  const Plan plan = plan_with_hook("new", hook);
  process.begin(id, [plan] { return Process::planned(plan); });
  EXPECT_TRUE(process.finish(id));
  const Deployment ended = rig.load(id);
  for (const StepState& step : ended.steps) {
    EXPECT_NE(step.status, StepStatus::running) << step.id;
    EXPECT_NE(step.status, StepStatus::undoing) << step.id;
  }
  return {std::string(to_string(ended.phase)), ended.rollback_status, ended.reason,
          rig.world.resources["code"] == "old"};
}

TEST(NoReturn, AHookThatRanKeepsTheNewReleaseOnceTheAliasWasMoved) {
  const Ended ended = end_of(kEffectDone, {}, "check");
  EXPECT_EQ(ended.phase, "failed");
  EXPECT_EQ(ended.status, "left");
  EXPECT_FALSE(ended.is_undone);
  EXPECT_NE(ended.reason.find("check: it said no; not rolled back, since the hook"),
            std::string::npos)
      << ended.reason;
}

TEST(NoReturn, BeforeTheAliasMovesEverythingIsTakenBack) {
  const Ended ended = end_of(kEffectPart, {}, "hook_migrate");
  EXPECT_EQ(ended.phase, "rolled_back");
  EXPECT_TRUE(ended.is_undone);
}

TEST(NoReturn, WhatMayHaveRunCountsAsHavingRun) {
  for (const auto& effect : {kEffectUnknown, kEffectPart})
    EXPECT_EQ(end_of(effect, {}, "check").phase, "failed") << effect;
  EXPECT_EQ(end_of(kEffectNone, {}, "check").phase, "rolled_back");
}

TEST(NoReturn, AnUndoOrTheWordOfTheHookKeepsTheWayOpen) {
  HookSettings hook;
  hook.is_compatible_with_previous = true;
  EXPECT_EQ(end_of(kEffectDone, hook, "check").phase, "rolled_back");
  hook.is_compatible_with_previous = false;
  hook.undo = json::object{{"op", "back"}};
  EXPECT_EQ(end_of(kEffectDone, hook, "check").phase, "rolled_back");
}

}  // namespace
}  // namespace pawl
