// Nothing that the engine asks of others may keep it waiting for ever: each request in turn gets no
// answer, and the deployment comes to its end, or to the next process, all the same.
#include <gmock/gmock.h>

#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::Process;
using rig::Rig;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

// The request `number` of the kind `verb` waits for a day, unless it is stopped.
struct Silence {
  Rig& rig;
  std::string verb;
  int number;
  MemoryStore::Moment moment;
  int seen = 0;

  Task<Result<void>> pass(std::string_view asked, MemoryStore::Moment at) {
    if (asked != verb || at != moment || ++seen != number) co_return ok();
    PAWL_CO_CHECK(co_await rig.clock.sleep_for(hours(24)));
    co_return ok();
  }
};

TEST(Bounded, AStoreThatDoesNotAnswerIsWaitedForAMinuteAndNotForEver) {
  for (const std::string verb : {"append", "events", "tail", "unfinished", "lease", "acquire_lease",
                                 "renew_lease", "release_lease", "append_log"}) {
    for (const auto moment : {MemoryStore::Moment::before, MemoryStore::Moment::after}) {
      Rig rig;
      rig.scripts["check"].takes = minutes(2);
      rig.scripts["copy"].lines = {"a line"};
      Process process(rig, "p1");
      const auto id = process.accept("new");
      Silence silence{rig, verb, 1, moment};
      rig.store.set_door(
          [&](std::string_view asked, MemoryStore::Moment at) { return silence.pass(asked, at); });
      const auto begun = rig.clock.steady_now();
      process.begin(id, "new");
      ASSERT_TRUE(process.finish(id));
      EXPECT_LT(rig.clock.steady_now() - begun, minutes(10)) << verb;
      rig.store.set_door(nullptr);
      const bool is_ended = process.result(id).ok();
      // One silence is no reason to lose a lease: there is time for another try.
      EXPECT_TRUE(is_ended || verb != "renew_lease");
      if (!is_ended) {  // the machinery broke: the next process goes on
        process.kill();
        rig.processes.gone.insert("p1");
        Process next(rig, "p2");
        EXPECT_TRUE(next.run(id, "new").ok()) << verb;
      }
      EXPECT_EQ(rig.load(id).phase, Phase::succeeded) << verb;
      EXPECT_TRUE(rig.is_all("new")) << verb;
      EXPECT_EQ(rig.load(id).contradictions, 0) << verb;
    }
  }
}

TEST(Bounded, APlanAUndoAndALookThatDoNotEndAreCutOff) {
  const RunPolicy policy{minutes(5), hours(1), OnCancel::undo};
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  rig.scripts["files"].undo_takes = hours(24);
  rig.library.verify_takes = hours(24);
  Process process(rig, "p1");
  const auto begun = rig.clock.steady_now();
  const auto id = process.accept("new");
  process.begin(id, [policy] {
    Plan plan = rig::make_plan_to("new");
    plan.policy = policy;
    return Process::planned(plan);
  });
  ASSERT_TRUE(process.finish(id));
  EXPECT_EQ(process.result(id)->phase, Phase::failed);
  EXPECT_LT(rig.clock.steady_now() - begun, minutes(30));

  const auto next = process.accept("newer");
  process.begin(next, [&rig]() -> Task<Result<Plan>> {
    PAWL_CO_CHECK(co_await rig.clock.sleep_for(hours(24)));
    co_return Plan{};
  });
  ASSERT_TRUE(process.finish(next));
  EXPECT_EQ(process.result(next)->phase, Phase::rolled_back);
  EXPECT_LT(rig.clock.steady_now() - begun, minutes(61));
}

// A plan that says how patient the telling of GitHub is.
Plan patient_plan(milliseconds patience) {
  Plan plan = rig::make_plan_to("new");
  PlanStep started;
  started.id = started.kind = "notify_started";
  started.params = json::object{{"repository", "example/meals"}, {"patience_ms", patience.count()}};
  started.required = false;
  plan.steps.insert(plan.steps.begin(), started);
  return plan;
}

std::string problem_told(Rig& rig, const std::string& id) {
  const auto events = rig.events(id);
  return string_or(events[events.size() - 2].data, "problem");
}

// The environment is held until then.
TEST(Bounded, GitHubThatDoesNotAnswerAtTheEndIsWaitedForAsLongAsItsPatienceAndOneCall) {
  for (const auto patience : {milliseconds(0), milliseconds(5'000), milliseconds(90'000)}) {
    for (const auto takes : {milliseconds(15'000), milliseconds(hours(24))}) {
      Rig rig;
      rig.forge.takes = takes;
      rig.forge.fails = Error(ErrorKind::unavailable, "502");
      rig.forge.clock = &rig.clock;
      Process process(rig, "p1");
      const auto begun = rig.clock.steady_now();
      const auto id = process.accept("new");
      process.begin(id, [&] { return Process::planned(patient_plan(patience)); });
      ASSERT_TRUE(process.finish(id));
      EXPECT_EQ(process.result(id)->phase, Phase::succeeded);
      EXPECT_LE(rig.clock.steady_now() - begun, patience + milliseconds(20'500)) << takes.count();
      EXPECT_FALSE(problem_told(rig, id).empty());
    }
  }
}

TEST(Bounded, WhatWasCutOffAtTheEndNamesTheLimit) {
  Rig rig;
  rig.forge.cut_off = {"the check run", "the issue"};
  Process process(rig, "p1");
  const auto id = process.accept("new");
  process.begin(id, [] { return Process::planned(patient_plan(milliseconds(5'000))); });
  ASSERT_TRUE(process.finish(id));
  EXPECT_EQ(problem_told(rig, id),
            "the check run, the issue: GitHub gave no answer, and telling took longer than 25.0 s "
            "(github.patience, and one call)");
}

}  // namespace
}  // namespace pawl
