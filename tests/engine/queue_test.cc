// Waiting in line: order, whom one waits for, the dead, and several in one process.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::Process;
using rig::Rig;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> order_of_starts(const Rig& rig) {
  std::vector<std::string> ids;
  for (const auto& event : rig.store.history())
    if (event.type == EventType::started) ids.push_back(event.deployment);
  return ids;
}

TEST(Line, ManyOfOneEnvironmentRunInTheOrderOfAcceptance) {
  Rig rig;
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    processes.push_back(std::make_unique<Process>(rig, fmt::format("p{}", i)));
    ids.push_back(processes.back()->accept(fmt::format("v{}", i)));
  }
  // The last one begins to look first.
  for (int i = 5; i >= 0; --i) processes[i]->begin(ids[i], fmt::format("v{}", i));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(processes[i]->finish(ids[i]));
  EXPECT_EQ(order_of_starts(rig), ids);
  EXPECT_TRUE(rig.is_all("v5"));
}

TEST(Line, SaysForWhomItWaits) {
  Rig rig;
  Process first(rig, "ana@laptop pid 1 [x]"), second(rig, "bob@desk pid 2 [y]");
  const auto one = first.accept("v1");
  const auto two = second.accept("v2");
  first.begin(one, "v1");
  rig.clock.advance(milliseconds(50));
  second.begin(two, "v2");
  rig.clock.advance(milliseconds(1));
  EXPECT_EQ(rig.load(two).waiting_for, one);
  const auto events = rig.events(two);
  EXPECT_EQ(events.back().type, EventType::waiting);
  EXPECT_THAT(string_or(events.back().data, "reason"),
              HasSubstr("dev is held by deployment " + one + " (v1, ana@laptop pid 1) since "));
  ASSERT_TRUE(first.finish(one) && second.finish(two));
  EXPECT_EQ(second.result(two)->phase, Phase::succeeded);
}

TEST(Line, AnotherEnvironmentRunsAtOnce) {
  Rig rig;
  rig.scripts["update"].takes = milliseconds(60'000);
  Process first(rig, "p1"), second(rig, "p2");
  const auto one = first.accept("v1", "dev");
  const auto two = second.accept("v1", "prod");
  const auto before = rig.clock.steady_now();
  first.begin(one, "v1");
  second.begin(two, "v1");
  ASSERT_TRUE(first.finish(one) && second.finish(two));
  EXPECT_LT(rig.clock.steady_now() - before, milliseconds(100'000));
}

TEST(Line, IsBounded) {
  Rig rig;
  rig.options.max_queue = 2;
  Process process(rig, "p1");
  process.accept("v1");
  process.accept("v2");
  NewDeployment request;
  request.app = "meals";
  request.environment = "dev";
  request.decision.verdict = Decision::Verdict::deploy;
  auto third = rig.clock.run(process.runner().accept(request));
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().kind(), ErrorKind::refused);
  request.environment = "prod";
  EXPECT_TRUE(rig.clock.run(process.runner().accept(request)).ok());
}

TEST(Line, ACancelledOneLeavesItAtOnce) {
  Rig rig;
  rig.scripts["update"].takes = milliseconds(600'000);
  Process first(rig, "p1"), second(rig, "p2");
  const auto one = first.accept("v1");
  const auto two = second.accept("v2");
  first.begin(one, "v1");
  second.begin(two, "v2");
  rig.clock.advance(milliseconds(5'000));
  ASSERT_TRUE(rig.clock.run(first.runner().cancel(two, "bob")).ok());
  EXPECT_EQ(rig.load(two).phase, Phase::cancelled);
  rig.clock.advance(milliseconds(1'000));
  ASSERT_TRUE(second.is_done(two));
  EXPECT_EQ(second.result(two)->phase, Phase::cancelled);
  EXPECT_FALSE(first.is_done(one));
}

TEST(Line, OneThatIsInterruptedInLineStaysThereAndTheNextSweepsItOut) {
  Rig rig;
  Process first(rig, "p1"), second(rig, "p2"), third(rig, "p3");
  rig.scripts["update"].takes = milliseconds(60'000);
  const auto one = first.accept("v1");
  const auto two = second.accept("v2");
  first.begin(one, "v1");
  second.begin(two, "v2");
  rig.clock.advance(milliseconds(2'000));
  second.stop(two);
  ASSERT_TRUE(second.finish(two));
  EXPECT_EQ(second.result(two).error().kind(), ErrorKind::interrupted);
  EXPECT_EQ(rig.load(two).phase, Phase::queued);
  ASSERT_TRUE(first.finish(one));
  const auto three = third.accept("v3");
  EXPECT_THAT(rig.clock.run(third.runner().unfinished_before(three)).value(), ElementsAre(two));
  EXPECT_EQ(third.run(three, "v3")->phase, Phase::succeeded);
  EXPECT_EQ(rig.load(two).phase, Phase::cancelled);
  EXPECT_EQ(rig.load(two).reason, "interrupted before it began; nothing was changed");
  EXPECT_THAT(third.seen.taken_up, ElementsAre(two + ": it was interrupted"));
}

TEST(Line, OneThatWasInterruptedInLineMayGoOnByItself) {
  Rig rig;
  Process first(rig, "p1"), second(rig, "p2");
  rig.scripts["update"].takes = milliseconds(60'000);
  const auto one = first.accept("v1");
  const auto two = second.accept("v2");
  first.begin(one, "v1");
  second.begin(two, "v2");
  rig.clock.advance(milliseconds(2'000));
  second.stop(two);
  ASSERT_TRUE(second.finish(two));
  Process again(rig, "p3");
  again.begin(two, "v2");
  ASSERT_TRUE(first.finish(one) && again.finish(two));
  EXPECT_EQ(again.result(two)->phase, Phase::succeeded);
}

TEST(Line, AHolderWhoseProcessIsGoneIsTakenUpAtOnce) {
  Rig rig;
  Process first(rig, "p1"), second(rig, "p2");
  rig.scripts["update"].takes = milliseconds(5'000);
  const auto one = first.accept("v1");
  first.begin(one, "v1");
  rig.clock.advance(milliseconds(2'000));
  first.kill();
  rig.processes.gone.insert("p1");
  const auto two = second.accept("v2");
  const auto before = rig.clock.steady_now();
  EXPECT_EQ(second.run(two, "v2")->phase, Phase::succeeded);
  EXPECT_LT(rig.clock.steady_now() - before, milliseconds(20'000));
  EXPECT_EQ(rig.load(one).phase, Phase::succeeded);
  EXPECT_EQ(rig.load(one).owner, "p2");
  EXPECT_TRUE(rig.is_all("v2"));
  EXPECT_THAT(second.seen.taken_up, ElementsAre(one + ": p1 is gone"));
}

TEST(Line, AHolderOnAnotherMachineIsWaitedForAsLongAsItsLease) {
  Rig rig;
  Process first(rig, "p1"), second(rig, "p2");
  rig.scripts["update"].takes = milliseconds(5'000);
  const auto one = first.accept("v1");
  first.begin(one, "v1");
  rig.clock.advance(milliseconds(2'000));
  first.kill();
  const auto two = second.accept("v2");
  const auto before = rig.clock.steady_now();
  EXPECT_EQ(second.run(two, "v2")->phase, Phase::succeeded);
  EXPECT_GE(rig.clock.steady_now() - before, milliseconds(30'000));
  EXPECT_EQ(rig.load(one).phase, Phase::succeeded);
}

TEST(Line, TheFirstInLineOnAnotherMachineThatNeverComesIsNotWaitedForForever) {
  Rig rig;
  Process first(rig, "p1"), second(rig, "p2");
  const auto one = first.accept("v1");  // and dies
  const auto two = second.accept("v2");
  EXPECT_EQ(second.run(two, "v2")->phase, Phase::succeeded);
  EXPECT_EQ(rig.load(one).phase, Phase::cancelled);
}

TEST(Line, ARollbackThatACrashLeftIsFinishedFirst) {
  Rig rig;
  rig.scripts["check"].fails = Error(ErrorKind::failed, "no");
  rig.scripts["check"].failures = 1;
  rig.scripts["route"].takes = milliseconds(3'000);
  Process first(rig, "p1"), second(rig, "p2");
  const auto one = first.accept("v1");
  first.begin(one, "v1");
  rig.clock.run_until([&] { return rig.load(one).phase == Phase::rolling_back; });
  first.kill();
  rig.processes.gone.insert("p1");
  const auto two = second.accept("v2");
  EXPECT_EQ(second.run(two, "v2")->phase, Phase::succeeded);
  EXPECT_EQ(rig.load(one).phase, Phase::rolled_back);
  EXPECT_TRUE(rig.is_all("v2"));
  std::map<std::string, int> changes;
  for (const auto& change : rig.world.ledger) EXPECT_EQ(++changes[change.key], 1);
}

TEST(Line, SeveralInOneProcessWaitForEachOther) {
  Rig rig;
  Process server(rig, "p1");
  std::vector<std::string> ids;
  for (const char* version : {"v1", "v2", "v3"}) ids.push_back(server.accept(version));
  // Out of order: none may take another's for one that nobody runs.
  server.begin(ids[1], "v2");
  server.begin(ids[2], "v3");
  server.begin(ids[0], "v1");
  for (const auto& id : ids) {
    ASSERT_TRUE(server.finish(id));
    EXPECT_EQ(server.result(id)->phase, Phase::succeeded);
  }
  EXPECT_EQ(order_of_starts(rig), ids);
}

TEST(Line, TwoProcessesThatResumeTheSameDeploymentRunItOnce) {
  Rig rig;
  Process first(rig, "p1"), second(rig, "p2"), third(rig, "p3");
  const auto id = first.accept("v1");
  first.begin(id, "v1");
  rig.clock.advance(milliseconds(250));
  first.kill();
  rig.processes.gone.insert("p1");
  second.begin(id, "v1");
  third.begin(id, "v1");
  ASSERT_TRUE(second.finish(id) && third.finish(id));
  EXPECT_EQ(second.result(id)->phase, Phase::succeeded);
  EXPECT_EQ(third.result(id)->phase, Phase::succeeded);
  EXPECT_TRUE(rig.is_all("v1"));
  std::map<std::string, int> changes;
  for (const auto& change : rig.world.ledger) EXPECT_EQ(++changes[change.key], 1);
}

TEST(Line, AProcessThatSleptWhileItsDeploymentWasTakenUpChangesNothing) {
  Rig rig;
  Process sleeper(rig, "p1"), other(rig, "p2");
  rig.scripts["update"].takes = milliseconds(1'000);
  const auto one = sleeper.accept("v1");
  sleeper.begin(one, "v1");
  rig.clock.advance(milliseconds(1'000));
  // p1 is thought dead, wrongly.
  rig.processes.gone.insert("p1");
  const auto two = other.accept("v2");
  other.begin(two, "v2");
  ASSERT_TRUE(sleeper.finish(one));
  ASSERT_TRUE(other.finish(two));
  EXPECT_EQ(other.result(two)->phase, Phase::succeeded);
  EXPECT_TRUE(rig.is_all("v2"));
  EXPECT_EQ(rig.load(one).contradictions, 0);
}

/// p1 died on another machine, p2 waits in line behind it, and the store falls silent.
struct SilentStore {
  Rig rig;
  Process first{rig, "p1"}, second{rig, "p2"};
  std::string two;
  bool is_silent = false;
  SilentStore() {
    const auto one = first.accept("v1");
    first.begin(one, "v1");
    two = second.accept("v2");
    rig.clock.advance(milliseconds(50));
    first.kill();
    second.begin(two, "v2");
    rig.clock.advance(milliseconds(5'000));
    rig.door = [this](const std::string&, MemoryStore::Moment) -> Result<void> {
      if (is_silent) return Error(ErrorKind::unavailable, "connection refused");
      return ok();
    };
    is_silent = true;
  }
};

TEST(Line, AStoreThatIsSilentForAWhileCostsNobodyThePlace) {
  SilentStore world;
  world.rig.clock.advance(milliseconds(120'000));
  EXPECT_FALSE(world.second.is_done(world.two));
  world.is_silent = false;
  ASSERT_TRUE(world.second.finish(world.two));
  EXPECT_EQ(world.second.result(world.two)->phase, Phase::succeeded);
}

TEST(Line, AStoreThatStaysSilentIsGivenUp) {
  SilentStore world;
  world.rig.clock.advance(milliseconds(360'000));
  ASSERT_TRUE(world.second.is_done(world.two));
  EXPECT_THAT(world.second.result(world.two).error().message(), HasSubstr("connection refused"));
}

}  // namespace
}  // namespace pawl
