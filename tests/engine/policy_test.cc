// Time limits and what a cancel leaves: as the plan says, whoever runs the deployment, whatever the
// clocks do, and whatever process dies in between.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::make_plan_to;
using rig::Process;
using rig::Rig;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

bool is_called(const Rig& rig, const std::string& call) {
  return std::count(rig.world.calls.begin(), rig.world.calls.end(), call) > 0;
}

// Starts a deployment to "new" under `policy`.
std::string begin(Process& process, RunPolicy policy) {
  const auto id = process.accept("new");
  process.begin(id, [policy] {
    Plan plan = make_plan_to("new");
    plan.policy = policy;
    return Process::planned(plan);
  });
  return id;
}

Deployment end_of(Process& process, const std::string& id) {
  EXPECT_TRUE(process.finish(id)) << "it waits forever";
  auto ended = process.result(id);
  EXPECT_TRUE(ended.ok()) << (ended.ok() ? "" : ended.error().message());
  return ended.ok() ? *ended : Deployment{};
}

// Another process takes it up; it knows no config and is given no plan.
Deployment taken_up(Rig& rig, const std::string& id) {
  Process other(rig, "p2");
  other.begin(id, std::function<Task<Result<Plan>>()>());
  return end_of(other, id);
}

void die(Rig& rig, Process& process) {
  process.kill();
  rig.processes.gone.insert("p1");
}

// ---- a step's limit ----

TEST(StepLimit, StopsTheStepAndUndoesWhatItMayHaveDone) {
  Rig rig;
  rig.scripts["route"].takes = minutes(10);
  rig.scripts["route"].undo_takes = minutes(4);
  Process process(rig, "p1");
  const auto id = begin(process, {minutes(5), hours(1), OnCancel::undo});
  const Deployment ended = end_of(process, id);
  EXPECT_EQ(ended.phase, Phase::rolled_back);
  EXPECT_EQ(exit_code(ended), 3);
  EXPECT_THAT(ended.reason, AllOf(HasSubstr("route: "), HasSubstr("took longer than 5 min 0 s"),
                                  HasSubstr("limits.step")));
  EXPECT_THAT(ended.reason, HasSubstr("; cut off: asked to stop while waiting"));
  EXPECT_TRUE(is_called(rig, "undo route")) << "it is not known whether it had done something";
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(StepLimit, IsThePlansWhoeverTakesItUp) {
  Rig rig;
  rig.scripts["update"].takes = minutes(10);
  rig.scripts["update"].undo_takes = minutes(4);
  Process process(rig, "p1");
  const auto id = begin(process, {minutes(5), hours(1), OnCancel::undo});
  rig.clock.advance(minutes(3));
  die(rig, process);
  const Deployment ended = taken_up(rig, id);
  EXPECT_EQ(ended.phase, Phase::rolled_back);
  EXPECT_THAT(ended.reason, HasSubstr("took longer than 5 min 0 s (limits.step)"));
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(StepLimit, HoldsForAnUndoToo) {
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  rig.scripts["route"].takes = minutes(4);
  Process process(rig, "p1");
  const auto id = begin(process, {minutes(5), hours(1), OnCancel::undo});
  rig.clock.advance(minutes(1));
  rig.scripts["route"].undo_takes = minutes(10);
  const Deployment ended = end_of(process, id);
  EXPECT_EQ(ended.phase, Phase::failed);
  EXPECT_THAT(ended.reason, HasSubstr("route could not be undone (took longer than 5 min 0 s"));
  EXPECT_EQ(rig.world.resources["code"], "old") << "the other undos go on";
}

// ---- a deployment's limit ----

const RunPolicy kTenMinutes{minutes(10), minutes(10), OnCancel::undo};

TEST(DeploymentLimit, StopsTheStepsAndRollsBack) {
  Rig rig;
  for (auto* step : {"update", "route", "files"}) rig.scripts[step].takes = minutes(4);
  rig.scripts["check"].takes = minutes(9);
  Process process(rig, "p1");
  const auto begun = rig.clock.steady_now();
  const auto id = begin(process, kTenMinutes);
  rig.clock.advance(minutes(9));
  // None of the undos fits into what is left of the ten minutes: they have time of their own.
  for (auto* step : {"update", "route", "files"}) rig.scripts[step].undo_takes = minutes(9);
  const Deployment ended = end_of(process, id);
  EXPECT_EQ(ended.phase, Phase::rolled_back);
  EXPECT_EQ(exit_code(ended), 3);
  EXPECT_THAT(ended.reason,
              AllOf(HasSubstr("check: stopped, since the deployment took longer than"),
                    HasSubstr("10 min 0 s (limits.deployment)")));
  EXPECT_TRUE(rig.is_all("old"));
  EXPECT_EQ(rig.library.verified, 1);
  EXPECT_GE(rig.clock.steady_now() - begun, minutes(10 + 27));
}

TEST(DeploymentLimit, ThatPassesBetweenTwoStepsBeginsNoOther) {
  Rig rig;
  rig.scripts["route"].takes = rig.scripts["files"].takes = minutes(10);
  for (auto* step : {"route", "files"}) {
    rig.scripts[step].ignores_stop = true;
    rig.scripts[step].undo_takes = minutes(1);
  }
  Process process(rig, "p1");
  const auto id = begin(process, {minutes(10), minutes(10), OnCancel::undo});
  const Deployment ended = end_of(process, id);
  EXPECT_FALSE(is_called(rig, "perform check"));
  EXPECT_EQ(ended.phase, Phase::rolled_back);
  EXPECT_THAT(ended.reason, HasSubstr("(limits.deployment)"));
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(DeploymentLimit, CountsTheTimeInWhichAnyProcessWorkedOnIt) {
  Rig rig;
  for (auto* step : {"copy", "prepare", "update", "check"}) rig.scripts[step].takes = minutes(4);
  Process process(rig, "p1");
  const auto id = begin(process, kTenMinutes);
  rig.clock.advance(minutes(5));  // update runs
  process.stop(id);
  ASSERT_TRUE(process.finish(id));
  const Deployment ended = taken_up(rig, id);
  EXPECT_EQ(ended.phase, Phase::rolled_back) << "5 minutes, then 4 of update, and 4 of check";
  EXPECT_THAT(ended.reason, HasSubstr("(limits.deployment)"));
}

TEST(DeploymentLimit, ThatPassedBeforeItIsTakenUpIsRolledBackAtOnce) {
  Rig rig;
  rig.scripts["check"].takes = minutes(9);
  rig.scripts["update"].takes = minutes(9);
  Process process(rig, "p1");
  const auto id = begin(process, kTenMinutes);
  rig.crash.pause(false);
  // Dies when it has seen that its time is over, and before that is recorded as a rollback.
  rig.door = [&](const std::string& verb, MemoryStore::Moment moment) -> Result<void> {
    const bool is_late = rig.clock.steady_now().ms > 1'000'000 + 10 * 60'000;
    if (verb == "append" && moment == MemoryStore::Moment::after && is_late)
      return Error(ErrorKind::storage, "the disk is gone");
    return ok();
  };
  ASSERT_TRUE(process.finish(id));
  EXPECT_FALSE(process.result(id).ok());
  rig.door = nullptr;
  die(rig, process);
  rig.world.calls.clear();
  const Deployment ended = taken_up(rig, id);
  EXPECT_EQ(ended.phase, Phase::rolled_back);
  EXPECT_THAT(ended.reason, HasSubstr("(limits.deployment)"));
  EXPECT_FALSE(is_called(rig, "perform check"));
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(DeploymentLimit, ARollbackThatDiesIsTakenUpAndNotCutOff) {
  Rig rig;
  rig.scripts["check"].takes = minutes(20);
  for (auto* step : {"update", "route", "files"}) rig.scripts[step].undo_takes = minutes(8);
  Process process(rig, "p1");
  const auto id = begin(process, kTenMinutes);
  rig.clock.advance(minutes(14));
  ASSERT_EQ(rig.load(id).phase, Phase::rolling_back);
  die(rig, process);
  const Deployment ended = taken_up(rig, id);
  EXPECT_EQ(ended.phase, Phase::rolled_back);
  EXPECT_THAT(ended.reason, HasSubstr("(limits.deployment)"));
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(DeploymentLimit, DoesNotCountTheSleepOfTheMachine) {
  Rig rig;
  rig.scripts["copy"].takes = rig.scripts["check"].takes = minutes(4);
  Process process(rig, "p1");
  const auto id = begin(process, kTenMinutes);
  rig.clock.advance(minutes(2));
  rig.clock.sleep_machine(hours(24));
  ASSERT_TRUE(process.finish(id));
  auto woken = process.result(id);
  // Its lease may have been given to another meanwhile; then that one goes on.
  const Deployment ended = woken.ok() ? *woken : taken_up(rig, id);
  EXPECT_EQ(ended.phase, Phase::succeeded) << ended.reason;
  EXPECT_TRUE(rig.is_all("new"));
}

TEST(DeploymentLimit, DoesNotCountTheTimeInWhichNobodyWorkedOnIt) {
  for (const bool on_purpose : {true, false}) {
    Rig rig;
    rig.scripts["check"].takes = minutes(4);
    Process process(rig, "p1");
    const auto id = begin(process, kTenMinutes);
    rig.clock.advance(minutes(2));
    if (on_purpose) {
      process.stop(id);
      ASSERT_TRUE(process.finish(id));
    } else {
      die(rig, process);
    }
    rig.clock.advance(hours(24));
    const Deployment ended = taken_up(rig, id);
    EXPECT_EQ(ended.phase, Phase::succeeded) << ended.reason;
  }
}

TEST(DeploymentLimit, CaresNothingForAWallClockThatJumps) {
  for (const hours jump : {hours(24), hours(-24)}) {
    Rig rig;
    rig.scripts["update"].takes = rig.scripts["check"].takes = minutes(3);
    Process process(rig, "p1");
    const auto id = begin(process, kTenMinutes);
    rig.clock.advance(minutes(1));
    rig.clock.jump_wall(jump);
    rig.clock.advance(minutes(1));
    die(rig, process);
    rig.clock.jump_wall(jump);
    EXPECT_EQ(taken_up(rig, id).phase, Phase::succeeded) << jump.count();
  }
}

TEST(DeploymentLimit, EndsOneWhoseProcessesAlwaysDie) {
  Rig rig;
  rig.scripts["update"].takes = minutes(8);
  rig.scripts["update"].undo_takes = seconds(10);
  const auto begun = rig.clock.steady_now();
  std::string id;
  int deaths = 0;
  for (; deaths < 100; ++deaths) {
    Process process(rig, fmt::format("p{}", deaths));
    if (id.empty())
      id = begin(process, kTenMinutes);
    else
      process.begin(id, std::function<Task<Result<Plan>>()>());
    rig.clock.advance(minutes(1));
    if (is_terminal(rig.load(id).phase)) break;
    process.kill();
    rig.processes.gone.insert(fmt::format("p{}", deaths));
  }
  EXPECT_EQ(rig.load(id).phase, Phase::rolled_back);
  EXPECT_LE(deaths, 11);
  EXPECT_GE(rig.clock.steady_now() - begun, minutes(10));
}

// ---- cancelled, and left ----

const RunPolicy kLeave{minutes(30), hours(2), OnCancel::leave};

void cancel(Rig& rig, const std::string& id, std::optional<OnCancel> choice = std::nullopt) {
  Process other(rig, "p9");
  auto asked = rig.clock.run(other.runner().cancel(id, "bob", choice));
  ASSERT_TRUE(asked.ok()) << asked.error().message();
}

TEST(Leave, EndsWhatRunsAndLeavesTheRest) {
  Rig rig;
  rig.scripts["update"].takes = minutes(3);
  Process process(rig, "p1");
  const auto id = begin(process, kLeave);
  rig.clock.advance(minutes(1));
  cancel(rig, id);
  const Deployment ended = end_of(process, id);
  EXPECT_EQ(ended.phase, Phase::cancelled);
  EXPECT_EQ(ended.rollback_status, "left");
  EXPECT_EQ(exit_code(ended), 1);
  EXPECT_THAT(ended.reason,
              HasSubstr("cancelled by bob and left as it was then: dev is part-way to new; "
                        "done: capture, copy, prepare, update; not done: route, files, check"));
  EXPECT_EQ(ended.step("update")->status, StepStatus::succeeded);
  EXPECT_EQ(rig.world.resources["code"], "new");
  EXPECT_EQ(rig.world.resources["alias"], "old");
  EXPECT_EQ(rig.library.verified, 0);
  EXPECT_FALSE(rig.clock.run(rig.store.lease("meals", "dev")).value().has_value());
}

TEST(Leave, TheNextDeploymentCapturesWhatItFinds) {
  Rig rig;
  rig.scripts["update"].takes = minutes(3);
  Process process(rig, "p1");
  const auto id = begin(process, kLeave);
  rig.clock.advance(minutes(1));
  cancel(rig, id);
  end_of(process, id);
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  const auto next = process.accept("newer");
  EXPECT_EQ(process.run(next, "newer")->phase, Phase::rolled_back);
  EXPECT_EQ(rig.world.resources["code"], "new")
      << "as it was before it, not as it should have been";
  EXPECT_EQ(rig.world.resources["alias"], "old");
}

TEST(Leave, BeforeAnythingWasChangedIsACancelLikeAnyOther) {
  Rig rig;
  rig.scripts["copy"].takes = minutes(3);
  Process process(rig, "p1");
  const auto id = begin(process, kLeave);
  rig.clock.advance(minutes(1));
  cancel(rig, id);
  const Deployment ended = end_of(process, id);
  EXPECT_EQ(ended.phase, Phase::cancelled);
  EXPECT_EQ(ended.rollback_status, "nothing_to_undo");
  EXPECT_THAT(ended.reason, HasSubstr("before anything was changed"));
}

TEST(Leave, AStepThatFailsIsUndoneAllTheSame) {
  Rig rig;
  rig.scripts["route"].takes = minutes(3);
  rig.scripts["route"].fails = Error(ErrorKind::failed, "not that way");
  Process process(rig, "p1");
  const auto id = begin(process, kLeave);
  rig.clock.advance(minutes(1));
  cancel(rig, id);
  const Deployment ended = end_of(process, id);
  EXPECT_EQ(ended.phase, Phase::rolled_back);
  EXPECT_THAT(ended.reason, HasSubstr("route: not that way"));
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(Leave, IsOverriddenByUndo) {
  Rig rig;
  rig.scripts["update"].takes = minutes(3);
  rig.scripts["files"].takes = minutes(3);
  for (const bool is_second_thought : {false, true}) {
    Process process(rig, "p1");
    const auto id = begin(process, kLeave);
    rig.clock.advance(minutes(4));  // files
    if (is_second_thought) cancel(rig, id);
    cancel(rig, id, OnCancel::undo);
    const Deployment ended = end_of(process, id);
    EXPECT_EQ(ended.phase, Phase::cancelled);
    EXPECT_EQ(ended.rollback_status, "succeeded");
    EXPECT_EQ(exit_code(ended), 3);
    EXPECT_TRUE(rig.is_all("old"));
  }
}

TEST(Leave, OverridesUndoButNotOnceItIsBeingTakenBack) {
  Rig rig;
  rig.scripts["update"].takes = minutes(3);
  Process process(rig, "p1");
  const auto id = begin(process, RunPolicy{});
  rig.clock.advance(minutes(1));
  cancel(rig, id, OnCancel::leave);
  EXPECT_EQ(end_of(process, id).rollback_status, "left");

  rig.world.resources["code"] = "old";
  const auto next = begin(process, RunPolicy{});
  rig.clock.advance(minutes(1));
  cancel(rig, next);
  auto late = rig.clock.run(process.runner().cancel(next, "bob", OnCancel::leave));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().kind(), ErrorKind::refused);
  EXPECT_EQ(end_of(process, next).rollback_status, "succeeded");
}

TEST(Leave, AtEachMomentTakenUpByAnotherEndsAtAStepBoundary) {
  for (int64_t at_ms = 0; at_ms < 1'000; at_ms += 50) {
    Rig rig;
    Process process(rig, "p1");
    const auto id = begin(process, kLeave);
    rig.clock.advance(milliseconds(at_ms));
    if (!is_terminal(rig.load(id).phase)) cancel(rig, id);
    die(rig, process);
    const Deployment ended = taken_up(rig, id);
    EXPECT_TRUE(ended.phase == Phase::cancelled || ended.phase == Phase::succeeded) << at_ms;
    for (const auto& step : ended.steps)
      EXPECT_TRUE(step.status == StepStatus::pending || step.status == StepStatus::succeeded)
          << at_ms << " " << step.id;
    EXPECT_TRUE(std::none_of(rig.world.calls.begin(), rig.world.calls.end(),
                             [](const auto& call) { return call.rfind("undo", 0) == 0; }));
    EXPECT_EQ(ended.contradictions, 0);
  }
}

}  // namespace
}  // namespace pawl
