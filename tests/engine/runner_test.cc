// One deployment in one process: order, intent, undo, cancel, interrupt, lease, notifications.
#include "engine/runner.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/secret.h"
#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::make_plan_to;
using rig::Process;
using rig::Rig;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> performed(const Rig& rig) {
  std::vector<std::string> steps;
  for (const auto& call : rig.world.calls)
    if (call.rfind("perform ", 0) == 0) steps.push_back(call.substr(8));
  return steps;
}
std::vector<std::string> undone(const Rig& rig) {
  std::vector<std::string> steps;
  for (const auto& call : rig.world.calls)
    if (call.rfind("undo ", 0) == 0) steps.push_back(call.substr(5));
  return steps;
}

TEST(Runner, RunsStepsInTheOrderOfTheirNeedsAndSaysSo) {
  Rig rig;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok()) << ended.error().message();
  EXPECT_EQ(ended->phase, Phase::succeeded);
  EXPECT_EQ(exit_code(*ended), 0);
  EXPECT_TRUE(rig.is_all("new"));
  EXPECT_THAT(performed(rig),
              ElementsAre("capture", "copy", "prepare", "update", "route", "files", "check"));
  EXPECT_TRUE(rig.world.unintended.empty());
  EXPECT_THAT(process.seen.lines,
              ElementsAre("accepted", "validated", "started", "planned", "step_started capture",
                          "step_succeeded capture", "step_started copy", "step_started prepare",
                          "step_succeeded copy", "step_succeeded prepare", "step_started update",
                          "step_succeeded update", "step_started route", "step_started files",
                          "step_succeeded route", "step_succeeded files", "step_started check",
                          "step_succeeded check", "finished"));
}

// make_plan_to(), with Terraform before its steps and a resource that Terraform names.
Plan named_plan(const std::string& name) {
  Plan plan = make_plan_to("new");
  PlanStep apply;
  apply.id = "apply_infrastructure";
  apply.kind = "outputs";
  apply.needs = {"capture"};
  plan.steps.insert(plan.steps.begin() + 1, apply);
  for (auto& step : plan.steps) {
    if (step.id != "update") continue;
    step.params.own()["resource"] = name;
    step.needs.push_back("apply_infrastructure");
  }
  return plan;
}

TEST(Runner, FillsInWhatTerraformNamed) {
  Rig rig;
  rig.world.terraform_outputs = {{"resource", "code"}};
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] { return Process::planned(named_plan("{terraform.resource}")); });
  ASSERT_TRUE(process.finish(id));
  const auto ended = process.result(id);
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::succeeded) << ended->reason;
  EXPECT_EQ(rig.world.resources["code"], "new");
  EXPECT_EQ(rig.world.resources.count("{terraform.resource}"), 0u);
}

TEST(Runner, ANameThatTerraformDoesNotKnowIsAFailureBeforeAnythingIsDone) {
  Rig rig;
  rig.world.terraform_outputs = {{"other", "code"}};
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] { return Process::planned(named_plan("{terraform.resource}")); });
  ASSERT_TRUE(process.finish(id));
  const auto ended = process.result(id);
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::rolled_back);
  EXPECT_THAT(ended->reason, HasSubstr("Terraform has no output 'resource'"));
  EXPECT_THAT(rig.world.calls, testing::Not(testing::Contains("undo update")));
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(Runner, RunsIndependentStepsSideBySide) {
  Rig rig;
  for (auto* step : {"copy", "prepare"}) rig.scripts[step].takes = milliseconds(10'000);
  Process process(rig, "p1");
  const auto id = process.accept("new");
  const auto before = rig.clock.steady_now();
  ASSERT_TRUE(process.run(id, "new").ok());
  EXPECT_LT(rig.clock.steady_now() - before, milliseconds(15'000));
}

TEST(Runner, StartsNoMoreStepsAtOnceThanItMay) {
  Rig rig;
  rig.options.max_parallel_steps = 1;
  for (auto* step : {"copy", "prepare"}) rig.scripts[step].takes = milliseconds(10'000);
  Process process(rig, "p1");
  const auto id = process.accept("new");
  const auto before = rig.clock.steady_now();
  ASSERT_TRUE(process.run(id, "new").ok());
  EXPECT_GT(rig.clock.steady_now() - before, milliseconds(20'000));
}

TEST(Runner, DoesNotDoWhatIsDoneAlready) {
  Rig rig;
  rig.world.resources["code"] = "new";
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_TRUE(ended->step("update")->observed);
  EXPECT_THAT(performed(rig), testing::Not(testing::Contains("update")));
}

TEST(Runner, AFailureUndoesInReverseAndAsksWhetherTheOldOneAnswers) {
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "it answers 500");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::rolled_back);
  EXPECT_EQ(ended->rollback_status, "succeeded");
  EXPECT_EQ(exit_code(*ended), 3);
  EXPECT_THAT(ended->reason, HasSubstr("it answers 500"));
  EXPECT_TRUE(rig.is_all("old"));
  EXPECT_THAT(undone(rig), ElementsAre("files", "route", "update"));
  EXPECT_EQ(rig.library.verified, 1);
  EXPECT_TRUE(rig.world.unintended.empty());
}

TEST(Runner, AStepThatFailedHalfWayIsUndoneToo) {
  Rig rig;
  rig.scripts["route"].fails = Error(ErrorKind::failed, "half done");
  rig.scripts["route"].fails_early = false;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::rolled_back);
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(Runner, WaitsForWhatRunsBeforeItUndoes) {
  Rig rig;
  rig.scripts["route"].fails = Error(ErrorKind::failed, "no");
  rig.scripts["files"].takes = milliseconds(60'000);
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->step("files")->status, StepStatus::undone);
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(Runner, AFailureBeforeAnyChangeHasNothingToUndo) {
  Rig rig;
  rig.scripts["copy"].fails = Error(ErrorKind::not_found, "no such image");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::rolled_back);
  EXPECT_EQ(ended->rollback_status, "nothing_to_undo");
  EXPECT_EQ(exit_code(*ended), 3);
  EXPECT_EQ(rig.library.verified, 0);
}

TEST(Runner, WhatWasFoundDoneByTheFirstLookIsNotUndone) {
  Rig rig;
  rig.world.resources["code"] = "new";
  rig.scripts["route"].fails = Error(ErrorKind::failed, "no");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  ASSERT_TRUE(process.run(id, "new").ok());
  EXPECT_THAT(undone(rig), testing::Not(testing::Contains("update")));
  EXPECT_EQ(rig.world.resources["code"], "new");
}

TEST(Runner, AnUndoThatFailsIsRecordedAndTheOthersGoOn) {
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  rig.scripts["route"].undo_fails = Error(ErrorKind::denied, "not allowed");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::failed);
  EXPECT_EQ(ended->rollback_status, "failed");
  EXPECT_EQ(exit_code(*ended), 1);
  EXPECT_THAT(ended->reason, HasSubstr("route could not be undone (not allowed)"));
  EXPECT_EQ(rig.world.resources["code"], "old");
  EXPECT_EQ(rig.world.resources["alias"], "new");
}

TEST(Runner, AnUndoIsTriedAgainWhenThatCanHelp) {
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  rig.scripts["route"].undo_fails = Error(ErrorKind::throttled, "slow down");
  rig.scripts["route"].undo_failures = 2;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::rolled_back);
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(Runner, ARollbackAfterWhichNothingAnswersHasFailed) {
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  rig.library.verify_fails = true;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::failed);
  EXPECT_EQ(ended->rollback_status, "failed");
}

TEST(Runner, AStepThatMayFailFailsNothing) {
  Rig rig;
  rig.scripts["prepare"].fails = Error(ErrorKind::denied, "no");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] {
    Plan plan = make_plan_to("new");
    plan.steps[2].required = false;
    return Process::planned(plan);
  });
  ASSERT_TRUE(process.finish(id));
  auto ended = process.result(id);
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::succeeded);
  EXPECT_EQ(ended->step("prepare")->status, StepStatus::failed);
}

TEST(Runner, AServiceThatIsAwayForAMomentIsAskedAgainAfterALook) {
  Rig rig;
  rig.scripts["update"].fails = Error(ErrorKind::unavailable, "503").with_outcome_unknown();
  rig.scripts["update"].fails_early = false;
  rig.scripts["update"].failures = 1;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::succeeded);
  EXPECT_TRUE(ended->step("update")->observed);  // the first try had done it
  EXPECT_EQ(std::count(rig.world.calls.begin(), rig.world.calls.end(), "perform update"), 1);
}

TEST(Runner, AKindOfStepThatThisBuildDoesNotKnowFailsClearly) {
  Rig rig;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] {
    Plan plan = make_plan_to("new");
    plan.steps[1].kind = "unknown";
    return Process::planned(plan);
  });
  ASSERT_TRUE(process.finish(id));
  auto ended = process.result(id);
  ASSERT_TRUE(ended.ok());
  EXPECT_THAT(ended->reason, HasSubstr("does not know steps of kind 'unknown'"));
}

TEST(Runner, ADecisionOfNoIsRecordedAndEnds) {
  Rig rig;
  Process process(rig, "p1");
  NewDeployment request;
  request.app = "meals";
  request.environment = "dev";
  request.decision.verdict = Decision::Verdict::refused;
  request.decision.reason = "frozen";
  const auto id = rig.clock.run(process.runner().accept(request)).value();
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::refused);
  EXPECT_EQ(exit_code(*ended), 4);
  EXPECT_EQ(rig.forge.tries, 0);
}

struct PlanRefusal {
  Error error;
  Phase phase;
};

TEST(Runner, WhatIsNoLongerRightAtItsTurnEndsWithTheReason) {
  const PlanRefusal table[] = {
      {Error(ErrorKind::refused, "a newer one is live").with_code("superseded"), Phase::superseded},
      {Error(ErrorKind::refused, "frozen").with_hint("wait for Monday"), Phase::refused},
      {Error(ErrorKind::denied, "no credentials"), Phase::rolled_back},
  };
  for (const auto& row : table) {
    Rig rig;
    Process process(rig, "p1");
    const auto id = process.accept("new");
    process.begin(id, [&row] { return Process::planned(row.error); });
    ASSERT_TRUE(process.finish(id));
    auto ended = process.result(id);
    ASSERT_TRUE(ended.ok());
    EXPECT_EQ(ended->phase, row.phase);
    EXPECT_EQ(ended->reason, row.error.what());
    EXPECT_EQ(ended->hint, row.error.hint());
    EXPECT_TRUE(rig.is_all("old"));
  }
}

TEST(Runner, KeepsTheLinesOfTheStepsWithoutTheirSecrets) {
  Rig rig;
  const Secret token("s3cr3t-t0ken");
  rig.scripts["copy"].lines = {"copying", "with s3cr3t-t0ken\n"};
  Process process(rig, "p1");
  const auto id = process.accept("new");
  ASSERT_TRUE(process.run(id, "new").ok());
  const auto lines = rig.clock.run(rig.store.log(id, "copy")).value();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1].line, "with ***");
  EXPECT_THAT(process.seen.log, ElementsAre("copy: copying", "copy: with ***"));
}

TEST(Runner, SecretsInErrorsDoNotReachTheJournal) {
  Rig rig;
  const Secret token("another-s3cret");
  rig.scripts["copy"].fails = Error(ErrorKind::denied, "bad password another-s3cret");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  ASSERT_TRUE(process.run(id, "new").ok());
  for (const auto& event : rig.events(id))
    EXPECT_EQ(json::serialize(to_json(event)).find("another-s3cret"), std::string::npos);
}

// ---- cancel ----

TEST(Cancel, AtEachMomentEndsAllNewOrAllOld) {
  for (int64_t at_ms = 0; at_ms < 1'000; at_ms += 50) {
    Rig rig;
    Process process(rig, "p1");
    Process other(rig, "p2");
    const auto id = process.accept("new");
    process.begin(id, "new");
    rig.clock.advance(milliseconds(at_ms));
    auto asked = rig.clock.run(other.runner().cancel(id, "bob"));
    ASSERT_TRUE(process.finish(id));
    auto ended = process.result(id);
    ASSERT_TRUE(ended.ok()) << ended.error().message();
    if (asked.ok() && ended->phase != Phase::succeeded) {
      EXPECT_EQ(ended->phase, Phase::cancelled) << at_ms;
      EXPECT_THAT(ended->reason, HasSubstr("bob"));
      EXPECT_TRUE(rig.is_all("old")) << at_ms;
    } else {
      EXPECT_TRUE(rig.is_all("new")) << at_ms;
    }
  }
}

TEST(Cancel, EndsALongWaitEarly) {
  Rig rig;
  rig.scripts["check"].takes = milliseconds(600'000);
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, "new");
  rig.clock.advance(milliseconds(5'000));
  const auto before = rig.clock.steady_now();
  ASSERT_TRUE(rig.clock.run(process.runner().cancel(id, "bob")).ok());
  ASSERT_TRUE(process.finish(id));
  EXPECT_EQ(process.result(id)->phase, Phase::cancelled);
  EXPECT_LT(rig.clock.steady_now() - before, milliseconds(5'000));
}

TEST(Cancel, OfWhatHasEndedIsRefused) {
  Rig rig;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  ASSERT_TRUE(process.run(id, "new").ok());
  auto asked = rig.clock.run(process.runner().cancel(id, "bob"));
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().kind(), ErrorKind::refused);
}

// ---- interrupt ----

TEST(Interrupt, AtEachMomentLeavesWhatTheNextCallTakesToItsEnd) {
  for (const bool fails : {false, true}) {
    for (int64_t at_ms = 0; at_ms < 1'500; at_ms += 50) {
      Rig rig;
      if (fails) rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
      Process first(rig, "p1");
      const auto id = first.accept("new");
      first.begin(id, "new");
      rig.clock.advance(milliseconds(at_ms));
      if (!first.is_done(id)) {
        first.stop(id);
        ASSERT_TRUE(first.finish(id));
        auto stopped = first.result(id);
        ASSERT_FALSE(stopped.ok());
        EXPECT_EQ(stopped.error().kind(), ErrorKind::interrupted);
        EXPECT_TRUE(rig.load(id).interrupted);
        Process second(rig, "p2");
        auto ended = second.run(id, "new");
        ASSERT_TRUE(ended.ok()) << ended.error().message();
      }
      EXPECT_EQ(rig.load(id).phase, fails ? Phase::rolled_back : Phase::succeeded) << at_ms;
      EXPECT_TRUE(rig.is_all(fails ? "old" : "new")) << at_ms;
      EXPECT_TRUE(rig.world.unintended.empty());
    }
  }
}

TEST(Interrupt, GivesTheEnvironmentBack) {
  Rig rig;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, "new");
  rig.clock.advance(milliseconds(250));
  process.stop(id);
  ASSERT_TRUE(process.finish(id));
  EXPECT_FALSE(rig.clock.run(rig.store.lease("meals", "dev")).value().has_value());
}

// ---- the lease ----

TEST(LeaseLoss, ChangesNothingMore) {
  Rig rig;
  rig.scripts["check"].takes = milliseconds(600'000);
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, "new");
  rig.clock.advance(milliseconds(5'000));
  const auto changes = rig.world.ledger.size();
  // Somebody who may do so takes the environment.
  auto lease = *rig.clock.run(rig.store.lease("meals", "dev")).value();
  ASSERT_TRUE(rig.clock.run(rig.store.release_lease(lease)).ok());
  ASSERT_TRUE(rig.clock
                  .run(rig.store.acquire_lease("meals", "dev", "d-other", "p9", rig.clock.now(),
                                               milliseconds(3'600'000)))
                  .value());
  ASSERT_TRUE(process.finish(id));
  auto ended = process.result(id);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(rig.world.ledger.size(), changes);
  EXPECT_EQ(rig.load(id).phase, Phase::deploying);
  EXPECT_EQ(rig.clock.run(rig.store.lease("meals", "dev")).value()->deployment, "d-other");
}

TEST(LeaseLoss, ByAStoreThatIsAwayForLongerThanItsTimeStopsTheSteps) {
  Rig rig;
  rig.scripts["update"].takes = milliseconds(600'000);
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, "new");
  rig.clock.advance(milliseconds(1'000));
  rig.door = [](const std::string& verb, MemoryStore::Moment) -> Result<void> {
    if (verb == "renew_lease") return Error(ErrorKind::unavailable, "no connection");
    return ok();
  };
  ASSERT_TRUE(process.finish(id));
  EXPECT_FALSE(process.result(id).ok());
  EXPECT_TRUE(rig.is_all("old"));
}

TEST(Lease, IsRenewedForAsLongAsTheWorkTakesWhateverTheWallClockDoes) {
  Rig rig;
  rig.scripts["update"].takes = milliseconds(10 * 60'000);
  Process process(rig, "p1");
  Process other(rig, "p2");
  const auto id = process.accept("new");
  const auto next = other.accept("newer");
  process.begin(id, "new");
  other.begin(next, "newer");
  for (int hour : {1, -2, 24, -24}) {
    rig.clock.advance(milliseconds(60'000));
    rig.clock.jump_wall(std::chrono::hours(hour));
    EXPECT_EQ(rig.clock.run(rig.store.lease("meals", "dev")).value()->deployment, id);
  }
  ASSERT_TRUE(process.finish(id));
  EXPECT_EQ(process.result(id)->phase, Phase::succeeded);
  ASSERT_TRUE(other.finish(next));
  EXPECT_TRUE(rig.is_all("newer"));
}

// ---- the store ----

TEST(Journal, ThatCannotBeWrittenStopsEverythingAndTheNextRunGoesOn) {
  for (int fail_at = 3; fail_at < 24; ++fail_at) {
    Rig rig;
    Process process(rig, "p1");
    const auto id = process.accept("new");
    int appends = 2;
    rig.door = [&](const std::string& verb, MemoryStore::Moment moment) -> Result<void> {
      const bool counts = verb == "append" && moment == MemoryStore::Moment::before;
      if (counts && ++appends >= fail_at) return Error(ErrorKind::storage, "no room");
      return ok();
    };
    process.begin(id, "new");
    ASSERT_TRUE(process.finish(id));
    auto ended = process.result(id);
    if (!ended.ok()) {
      EXPECT_EQ(ended.error().kind(), ErrorKind::storage);
    }
    rig.door = nullptr;
    EXPECT_TRUE(rig.world.unintended.empty());
    if (ended.ok()) continue;
    Process second(rig, "p2");
    rig.processes.gone.insert("p1");
    ASSERT_TRUE(second.run(id, "new").ok());
    EXPECT_TRUE(rig.is_all("new"));
  }
}

TEST(Journal, AnAnswerThatWasLostIsNotRecordedTwice) {
  Rig rig;
  Process process(rig, "p1");
  const auto id = process.accept("new");
  int appends = 0;
  rig.door = [&](const std::string& verb, MemoryStore::Moment moment) -> Result<void> {
    if (verb == "append" && moment == MemoryStore::Moment::after && ++appends % 2 == 0)
      return Error(ErrorKind::unavailable, "connection lost").with_outcome_unknown();
    return ok();
  };
  auto ended = process.run(id, "new");
  ASSERT_TRUE(ended.ok()) << ended.error().message();
  EXPECT_EQ(ended->phase, Phase::succeeded);
  EXPECT_EQ(ended->contradictions, 0);
  for (const auto& step : ended->steps) EXPECT_EQ(step.attempts, 1) << step.id;
}

// ---- notifications ----

Plan told_plan() {
  Plan plan = make_plan_to("new");
  PlanStep started;
  started.id = started.kind = "notify_started";
  started.params =
      json::object{{"repository", "example/meals"}, {"live_sha", "bbbb"}, {"patience_ms", 5'000}};
  started.required = false;
  plan.steps.insert(plan.steps.begin(), started);
  return plan;
}

TEST(Notify, TellsHowItEndedOnce) {
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "it answers | 500");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] { return Process::planned(told_plan()); });
  ASSERT_TRUE(process.finish(id));
  ASSERT_EQ(rig.forge.reports.size(), 1u);
  const auto& report = rig.forge.reports[0];
  EXPECT_EQ(report.repository, "example/meals");
  EXPECT_EQ(report.base_sha, "bbbb");
  EXPECT_EQ(report.patience, milliseconds(5'000));
  EXPECT_EQ(report.outcome, "rolled_back");
  EXPECT_EQ(report.rollback_status, "succeeded");
  EXPECT_EQ(report.release_key, "meals/dev/new@aaaaaaa");
  EXPECT_THAT(report.details_markdown, HasSubstr("it answers \\| 500"));
  EXPECT_EQ(process.seen.lines.back(), "finished");
  EXPECT_EQ(process.seen.lines[process.seen.lines.size() - 2], "notified");
}

TEST(Notify, AFailureIsTriedAgainRecordedAndFailsNothing) {
  Rig rig;
  rig.forge.fails = Error(ErrorKind::unavailable, "GitHub is down");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] { return Process::planned(told_plan()); });
  ASSERT_TRUE(process.finish(id));
  EXPECT_EQ(process.result(id)->phase, Phase::succeeded);
  EXPECT_EQ(rig.forge.tries, 3);
  const auto events = rig.events(id);
  const auto& note = events[events.size() - 2];
  EXPECT_EQ(note.type, EventType::notified);
  EXPECT_EQ(string_or(note.data, "problem"), "GitHub is down");
}

TEST(Notify, ATokenThatMayNotIsNotTriedAgain) {
  Rig rig;
  rig.forge.fails = Error(ErrorKind::denied, "403");
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] { return Process::planned(told_plan()); });
  ASSERT_TRUE(process.finish(id));
  EXPECT_EQ(rig.forge.tries, 1);
}

}  // namespace
}  // namespace pawl
