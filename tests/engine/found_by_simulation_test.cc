// What pawl-sim found in the runner, each as small as it could be made.
#include <gtest/gtest.h>

#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::Process;
using rig::Rig;

// Loses the answer of the append of `type`, and lets the next read of the journal fail.
struct LostAnswer {
  Rig& rig;
  int lost = 0, failed = 0;
  Result<void> at(const std::string& verb, MemoryStore::Moment moment, EventType type) {
    const auto& history = rig.store.history();
    const bool is_it = !history.empty() && history.back().type == type;
    if (verb == "append" && moment == MemoryStore::Moment::after && is_it && lost++ == 0)
      return Error(ErrorKind::unavailable, "the connection was lost").with_outcome_unknown();
    if (verb == "tail" && lost == 1 && failed++ == 0)
      return Error(ErrorKind::unavailable, "the database is busy");
    return ok();
  }
};

TEST(FoundBySimulation, AnEntryWhoseAnswerWasLostIsKnownAgainAlsoWhenTheNextReadFails) {
  Rig rig;
  LostAnswer lost{rig};
  rig.door = [&](const std::string& verb, MemoryStore::Moment moment) {
    return lost.at(verb, moment, EventType::step_succeeded);
  };
  Process process(rig, "p0");
  const auto id = process.accept("new");
  ASSERT_TRUE(process.run(id, "new").ok());
  EXPECT_GT(lost.failed, 0);
  std::map<std::string, int> outcomes;
  for (const auto& event : rig.events(id))
    if (event.type == EventType::step_succeeded) ++outcomes[event.step];
  for (const auto& [step, count] : outcomes) EXPECT_EQ(count, 1) << step;
  EXPECT_EQ(rig.load(id).contradictions, 0);
}

TEST(FoundBySimulation, OneThatCouldNotBePlannedIsEndedByWhoeverTakesItUp) {
  Rig rig;
  bool is_full = false;
  rig.door = [&](const std::string& verb, MemoryStore::Moment moment) -> Result<void> {
    if (verb == "append" && moment == MemoryStore::Moment::after && !rig.store.history().empty())
      is_full = rig.store.history().back().type == EventType::rollback_started || is_full;
    if (verb == "append" && moment == MemoryStore::Moment::before && is_full)
      return Error(ErrorKind::storage, "no room on the disk");
    return ok();
  };
  Process first(rig, "p0");
  const auto id = first.accept("new");
  first.begin(id, [] { return Process::planned(Error(ErrorKind::failed, "no image")); });
  ASSERT_TRUE(first.finish(id));
  EXPECT_FALSE(first.result(id).ok());
  ASSERT_EQ(rig.load(id).phase, Phase::rolling_back);
  first.kill();
  rig.door = nullptr;
  rig.processes.gone.insert("p0");
  Process second(rig, "p1");
  auto ended = second.run(id, "new");
  ASSERT_TRUE(ended.ok()) << ended.error().message();
  EXPECT_EQ(ended->phase, Phase::rolled_back);
  EXPECT_EQ(ended->contradictions, 0);
}

TEST(FoundBySimulation, NoStepStaysRunningInWhatHasEnded) {
  Rig rig;
  Process first(rig, "p0");
  const auto id = first.accept("new");
  first.begin(id, "new");
  rig.clock.run_until([&] {
    const Deployment seen = rig.load(id);
    const StepState* copy = seen.step("copy");
    return copy != nullptr && copy->status == StepStatus::running;
  });
  first.kill();
  rig.processes.gone.insert("p0");
  Event cancel{id, rig.events(id).size() + 1,  rig.clock.now(), 0, EventType::cancel_requested,
               "", json::object{{"by", "bob"}}};
  ASSERT_TRUE(rig.clock.run(rig.store.append({cancel})).ok());
  Process second(rig, "p1");
  auto ended = second.run(id, "new");
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->phase, Phase::cancelled);
  for (const StepState& step : ended->steps) EXPECT_NE(step.status, StepStatus::running) << step.id;
}

// Whoever takes the holder for dead may be put to sleep itself before it frees the environment.
TEST(FoundBySimulation, AHolderThatWokeMeanwhileKeepsItsEnvironment) {
  Rig rig;
  Process holder(rig, "p0");
  const auto held = holder.accept("one");
  holder.begin(held, "one");
  rig.clock.run_until([&] { return rig.load(held).phase == Phase::deploying; });
  holder.kill();  // it stands still
  Process other(rig, "p1");
  const auto next = other.accept("two");
  int tries = 0;
  std::optional<Lease> after_first;
  rig.door = [&](const std::string& verb, MemoryStore::Moment moment) -> Result<void> {
    if (verb != "release_if_not_renewed") return ok();
    const bool is_before = moment == MemoryStore::Moment::before;
    if (is_before) ++tries;
    const auto lease = rig.clock.run(rig.store.lease("meals", "dev")).value();
    if (tries == 1 && is_before)
      return rig.clock.run(
          rig.store.renew_lease(*lease, rig.clock.now(), rig.options.lease_duration));
    if (tries == 1) after_first = lease;
    return ok();
  };
  other.begin(next, "two");
  ASSERT_TRUE(other.finish(next));
  ASSERT_TRUE(after_first);
  EXPECT_EQ(after_first->deployment, held);
  EXPECT_EQ(tries, 2);
}

}  // namespace
}  // namespace pawl
