// A process dies at every call that goes out of the engine, one after another: whoever comes next
// must end all new or all old, with each effect made at most once and none without its intent.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::Process;
using rig::Rig;
using std::chrono::milliseconds;

struct Scenario {
  const char* name;
  const char* failing_step;  // empty: it succeeds
  bool cancelled = false;
  bool may_succeed = false;  // a failure that is lost in the crash, of an effect that was made
};

constexpr Scenario kScenarios[] = {
    {"a good release", ""},
    {"a release whose check fails", "check"},
    {"a step that fails half way", "route", false, true},
    {"a release that is cancelled", "", true},
};

void set_up(Rig& rig, const Scenario& scenario) {
  if (*scenario.failing_step == '\0') return;
  auto& script = rig.scripts[scenario.failing_step];
  script.fails = Error(ErrorKind::failed, "no");
  script.fails_early = false;
}

void check_world(Rig& rig, const std::string& id, const Scenario& scenario,
                 const std::string& story) {
  const Deployment ended = rig.load(id);
  EXPECT_TRUE(is_terminal(ended.phase)) << story;
  EXPECT_EQ(ended.contradictions, 0) << story;
  const bool is_new = ended.phase == Phase::succeeded;
  EXPECT_TRUE(rig.is_all(is_new ? "new" : "old"))
      << story << " ended " << to_string(ended.phase) << ", code " << rig.world.resources["code"]
      << ", alias " << rig.world.resources["alias"] << ", files " << rig.world.resources["files"];
  if (!scenario.cancelled && !(scenario.may_succeed && is_new)) {
    EXPECT_EQ(is_new, *scenario.failing_step == '\0') << story;
  }
  EXPECT_TRUE(rig.world.unintended.empty()) << story;
  std::map<std::string, int> changes;
  for (const auto& change : rig.world.ledger) ++changes[change.key];
  for (const auto& [key, count] : changes) EXPECT_EQ(count, 1) << story;
  // Held still only by one that died after its last entry; the next in line sees that.
  const auto lease = rig.clock.run(rig.store.lease("meals", "dev")).value();
  EXPECT_TRUE(!lease || lease->deployment == id) << story;
  Process next(rig, "next");
  rig.scripts.clear();
  auto after = next.run(next.accept("next"), "next");
  EXPECT_TRUE(after.ok() && rig.is_all("next")) << story;
}

// Accepts, runs, and crashes at the given call (0: never). Then others go on, each of which may
// crash too. Gives the number of calls that the first one made.
size_t play(const Scenario& scenario, std::vector<size_t> crashes, bool is_seen_to_be_gone) {
  Rig rig;
  set_up(rig, scenario);
  auto story = fmt::format("{}, crashes at call {}", scenario.name, fmt::join(crashes, ", then "));
  auto process = std::make_unique<Process>(rig, "p0");
  const auto id = process->accept("new");
  size_t calls = 0;
  for (size_t round = 0; round <= crashes.size(); ++round) {
    rig.crash.begin_again();
    if (round < crashes.size()) rig.crash.crash_at(crashes[round]);
    process->begin(id, "new");
    if (scenario.cancelled && round == 0) {
      rig.clock.run_until(
          [&] { return rig.world.resources["alias"] == "new" || rig.crash.has_crashed(); });
      if (!rig.crash.has_crashed()) {
        rig.crash.pause(true);
        auto events = rig.clock.run(rig.store.events(id)).value();
        Event cancel{
            id, events.size() + 1,          rig.clock.now(), 0, EventType::cancel_requested,
            "", json::object{{"by", "bob"}}};
        (void)rig.clock.run(rig.store.append({cancel})).ok();
        rig.crash.pause(false);
      }
    }
    const bool ended = process->finish(id);
    if (round == 0) calls = rig.crash.count();
    if (ended) {
      auto result = process->result(id);
      EXPECT_TRUE(result.ok()) << story << ": " << result.error().message();
      break;
    }
    if (!rig.crash.has_crashed()) {
      ADD_FAILURE() << story << ": it waits forever";
      return calls;
    }
    story += fmt::format(" ({})", rig.crash.where());
    process->kill();
    if (is_seen_to_be_gone) rig.processes.gone.insert(fmt::format("p{}", round));
    process = std::make_unique<Process>(rig, fmt::format("p{}", round + 1));
  }
  rig.crash.begin_again();
  check_world(rig, id, scenario, story);
  return calls;
}

TEST(Crash, AtEachCallLeavesWhatTheNextProcessEndsWell) {
  for (const auto& scenario : kScenarios) {
    const size_t calls = play(scenario, {}, true);
    ASSERT_GT(calls, 60u);
    for (size_t at = 1; at <= calls && !testing::Test::HasFailure(); ++at)
      play(scenario, {at}, true);
  }
}

TEST(Crash, OfAProcessOnAnotherMachineIsGotOverWhenItsLeaseHasRunOut) {
  const size_t calls = play(kScenarios[0], {}, false);
  for (size_t at = 1; at <= calls && !testing::Test::HasFailure(); ++at)
    play(kScenarios[0], {at}, false);
}

TEST(Crash, TwiceAndThriceInRecoveryIsGotOverToo) {
  constexpr uint64_t kSeeds = 600;
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededEntropy random(seed);
    const auto& scenario = kScenarios[random.next() % std::size(kScenarios)];
    std::vector<size_t> crashes;
    const size_t count = 2 + random.next() % 3;
    for (size_t i = 0; i < count; ++i) crashes.push_back(1 + random.next() % (i == 0 ? 90 : 40));
    play(scenario, crashes, random.next() % 4 != 0);
  }
}

// The next deployment finds what a dead one left, and takes it to its end before its own begins.
TEST(Crash, IsCleanedUpByTheNextDeployment) {
  size_t calls = 1;
  for (size_t at = 1; at <= calls && !testing::Test::HasFailure(); ++at) {
    Rig rig;
    rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
    rig.scripts["check"].failures = 1;
    Process first(rig, "p0");
    const auto id = first.accept("new");
    rig.crash.begin_again();
    rig.crash.crash_at(at);
    first.begin(id, "new");
    first.finish(id);
    calls = std::max(calls, rig.crash.count() + (rig.crash.has_crashed() ? 1 : 0));
    const bool crashed = rig.crash.has_crashed();
    first.kill();
    rig.crash.begin_again();
    rig.processes.gone.insert("p0");
    rig.scripts["check"].failures = crashed && !is_terminal(rig.load(id).phase) ? 1 : 0;
    const auto failed_already = rig.load(id).phase == Phase::rolling_back;
    if (failed_already) rig.scripts["check"].failures = 0;
    Process second(rig, "p1");
    const auto next = second.accept("newer");
    auto ended = second.run(next, "newer");
    ASSERT_TRUE(ended.ok()) << ended.error().message();
    EXPECT_TRUE(is_terminal(rig.load(id).phase)) << at;
    // In the journal the old one ends before the new one begins.
    size_t old_end = 0, new_start = 0;
    for (size_t i = 0; i < rig.store.history().size(); ++i) {
      const auto& event = rig.store.history()[i];
      if (event.deployment == id && event.type == EventType::finished) old_end = i;
      if (event.deployment == next && event.type == EventType::started) new_start = i;
    }
    EXPECT_LT(old_end, new_start);
    if (ended->phase == Phase::succeeded) {
      EXPECT_TRUE(rig.is_all("newer")) << at;
    } else {
      EXPECT_TRUE(rig.is_all("old")) << at;
    }
  }
}

}  // namespace
}  // namespace pawl
