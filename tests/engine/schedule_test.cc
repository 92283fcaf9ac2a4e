// Which steps may run, and which are undone: read off a deployment's state.
#include "engine/schedule.h"

#include <gmock/gmock.h>

namespace pawl {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// a -> b, c -> d; e is not required and needs a.
Plan diamond() {
  Plan plan;
  const auto add = [&plan](std::string id, std::vector<std::string> needs) {
    PlanStep step;
    step.id = step.kind = std::move(id);
    step.needs = std::move(needs);
    step.undo = "back";
    plan.steps.push_back(std::move(step));
  };
  add("a", {});
  add("b", {"a"});
  add("c", {"a"});
  add("e", {"a"});
  plan.steps.back().required = false;
  add("d", {"b", "c", "e"});
  return plan;
}

Deployment in_state(const Plan& plan, std::map<std::string, StepStatus> states) {
  Deployment deployment;
  for (const auto& step : plan.steps) {
    StepState state;
    state.id = step.id;
    if (states.count(step.id) > 0) state.status = states[step.id];
    if (state.status != StepStatus::pending) state.attempts = 1;
    deployment.steps.push_back(state);
  }
  return deployment;
}

std::vector<std::string> ids(const std::vector<const PlanStep*>& steps) {
  std::vector<std::string> all;
  for (const auto* step : steps) all.push_back(step->id);
  return all;
}

constexpr auto kSucceeded = StepStatus::succeeded;
constexpr auto kFailed = StepStatus::failed;
constexpr auto kRunning = StepStatus::running;

TEST(Schedule, BeginsWithWhatNeedsNothing) {
  const Plan plan = diamond();
  EXPECT_THAT(ids(ready_steps(plan, in_state(plan, {}), {})), ElementsAre("a"));
}

TEST(Schedule, GivesAllThatMayRunAtOnceButNotWhatRuns) {
  const Plan plan = diamond();
  const auto deployment = in_state(plan, {{"a", kSucceeded}, {"b", kRunning}});
  EXPECT_THAT(ids(ready_steps(plan, deployment, {"b"})), ElementsAre("c", "e"));
  // b was left running by a crash.
  EXPECT_THAT(ids(ready_steps(plan, deployment, {})), ElementsAre("b", "c", "e"));
}

TEST(Schedule, AStepThatMayFailHoldsNobodyUpWhenItDoes) {
  const Plan plan = diamond();
  auto deployment =
      in_state(plan, {{"a", kSucceeded}, {"b", kSucceeded}, {"c", StepStatus::skipped}});
  EXPECT_THAT(ids(ready_steps(plan, deployment, {"e"})), IsEmpty());
  deployment.step("e")->status = kFailed;
  EXPECT_THAT(ids(ready_steps(plan, deployment, {})), ElementsAre("d"));
  EXPECT_EQ(failed_step(plan, deployment), nullptr);
  EXPECT_FALSE(is_complete(plan, deployment));
  deployment.step("d")->status = kSucceeded;
  EXPECT_TRUE(is_complete(plan, deployment));
}

TEST(Schedule, ARequiredOneThatFailedIsFoundAndNothingBehindItIsReady) {
  const Plan plan = diamond();
  const auto deployment =
      in_state(plan, {{"a", kSucceeded}, {"b", kFailed}, {"c", kSucceeded}, {"e", kSucceeded}});
  ASSERT_NE(failed_step(plan, deployment), nullptr);
  EXPECT_EQ(failed_step(plan, deployment)->id, "b");
  EXPECT_THAT(ids(ready_steps(plan, deployment, {})), IsEmpty());
}

TEST(Schedule, UndoesInTheReverseOfTheStart) {
  const Plan plan = diamond();
  const auto deployment = in_state(plan, {{"a", kSucceeded}, {"b", kFailed}, {"c", kRunning}});
  const std::map<std::string, uint64_t> started = {{"a", 5}, {"c", 7}, {"b", 8}};
  EXPECT_THAT(ids(steps_to_undo(plan, deployment, started, false)), ElementsAre("b", "c", "a"));
}

TEST(Schedule, DoesNotUndoWhatHasNothingToUndoOrIsUndoneAlready) {
  Plan plan = diamond();
  plan.steps[0].undo.clear();
  auto deployment = in_state(plan, {{"a", kSucceeded},
                                    {"b", StepStatus::undone},
                                    {"c", StepStatus::undo_failed},
                                    {"e", kSucceeded},
                                    {"d", StepStatus::undoing}});
  deployment.step("e")->observed = true;  // by the first look: nothing was changed
  const std::map<std::string, uint64_t> started = {
      {"a", 1}, {"b", 2}, {"c", 3}, {"e", 4}, {"d", 5}};
  EXPECT_THAT(ids(steps_to_undo(plan, deployment, started, false)), ElementsAre("d"));
  EXPECT_THAT(ids(steps_to_undo(plan, deployment, started, true)), ElementsAre("d", "c", "b"));
  deployment.step("e")->attempts = 2;  // a crash before: it may have been changed by us
  EXPECT_THAT(ids(steps_to_undo(plan, deployment, started, false)), ElementsAre("d", "e"));
}

}  // namespace
}  // namespace pawl
