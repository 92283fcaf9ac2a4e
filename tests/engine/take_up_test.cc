// What a node does about deployments that others left.
#include "engine/take_up.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::Process;
using rig::Rig;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A node: TakeUpAll over a process of the rig. It does not know how to run `unknown`.
class Node : public TakeUpObserver {
 public:
  Node(Rig& rig, const std::string& name, bool follow = false, std::string unknown = "")
      : rig_(rig), process_(rig, name), unknown_(std::move(unknown)) {
    TakeUpOptions options;
    options.app = "meals";
    options.owner = name;
    options.follow = follow;
    options.at_once = 2;
    all_ = std::make_unique<TakeUpAll>(
        TakeUpAll::Ports{rig.store, rig.clock, rig.processes, process_.seen, *this}, options,
        [this](Lease lease) { return take(std::move(lease)); });
  }

  void begin() {
    context_ = TaskContext{stop_.get_token()};
    task_ = all_->run();
    task_.start(&context_);
  }
  Result<TakeUpTotals> finish() {
    EXPECT_TRUE(rig_.clock.run_until([this] { return task_.done(); }));
    return task_.take();
  }
  Result<TakeUpTotals> run() {
    begin();
    return finish();
  }
  Result<TakeUpTotals> stop() {
    stop_.request_stop();
    return finish();
  }
  void kill() {
    task_ = {};
    all_.reset();
    process_.kill();
  }

  void on_freed(const Lease& lease) override { freed.push_back(lease.environment); }
  void on_claimed(const Lease& lease) override { claimed.push_back(lease.deployment); }
  void on_left(const Lease& lease, const Error& error) override {
    left.push_back(lease.environment + ": " + error.message());
  }
  void on_silence(const std::optional<Error>& error) override {
    silences.push_back(error ? error->message() : "answers");
  }

  size_t most_at_once = 0;
  std::vector<std::string> freed, claimed, left, silences;
  Process& process() { return process_; }

 private:
  Task<Result<Deployment>> take(Lease lease) {
    if (lease.environment == unknown_)
      co_return Error(ErrorKind::usage, "there is no environment '" + unknown_ + "'");
    most_at_once = std::max(most_at_once, ++running_);
    auto ended = co_await process_.runner().run(lease.deployment, nullptr);
    --running_;
    co_return ended;
  }

  Rig& rig_;
  Process process_;
  std::string unknown_;
  size_t running_ = 0;
  std::stop_source stop_;
  TaskContext context_;
  std::unique_ptr<TakeUpAll> all_;
  Task<Result<TakeUpTotals>> task_;
};

/// Deployments of a process that died in the middle of them, one in each environment.
struct Left {
  std::vector<std::string> ids;
  Left(Rig& rig, const std::vector<std::string>& environments, bool is_known = true) {
    rig.scripts["update"].takes = milliseconds(5'000);
    Process dead(rig, "dead");
    for (const auto& environment : environments) {
      ids.push_back(dead.accept("new", environment));
      dead.begin(ids.back(), "new");
    }
    rig.clock.advance(milliseconds(1'500));
    dead.kill();
    if (is_known) rig.processes.gone.insert("dead");
  }
};

size_t resumed(const Rig& rig, const std::string& id) {
  return static_cast<size_t>(std::count_if(
      rig.store.history().begin(), rig.store.history().end(), [&](const Event& event) {
        return event.deployment == id && event.type == EventType::resumed;
      }));
}

TEST(TakeUp, WhatADeadProcessLeftIsTakenToItsEndInEveryEnvironment) {
  Rig rig;
  const Left left(rig, {"dev", "prod", "staging"});
  Node node(rig, "node");
  const auto totals = node.run();
  ASSERT_TRUE(totals.ok()) << totals.error().message();
  EXPECT_EQ(totals->taken_up, 3u);
  EXPECT_EQ(totals->left, 0u);
  for (const auto& id : left.ids) {
    EXPECT_EQ(rig.load(id).phase, Phase::succeeded);
    EXPECT_EQ(resumed(rig, id), 1u);
  }
  EXPECT_THAT(node.freed, ElementsAre("dev", "prod", "staging"));
  EXPECT_LE(node.most_at_once, 2u);
  EXPECT_TRUE(rig.clock.run(rig.store.leases("")).value().empty());
}

TEST(TakeUp, NothingToDoEndsAtOnce) {
  Rig rig;
  Node node(rig, "node");
  const auto totals = node.run();
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->taken_up + totals->ended_in_line + totals->left, 0u);
}

TEST(TakeUp, OnAnotherMachineTheLeaseMustStandStillFirst) {
  Rig rig;
  const Left left(rig, {"dev"}, false);
  Node node(rig, "node", true);
  node.begin();
  rig.clock.jump_wall(std::chrono::hours(24));  // decides nothing
  rig.clock.advance(milliseconds(20'000));
  EXPECT_THAT(node.freed, IsEmpty());
  EXPECT_EQ(resumed(rig, left.ids[0]), 0u);
  rig.clock.advance(milliseconds(60'000));
  EXPECT_EQ(rig.load(left.ids[0]).phase, Phase::succeeded);
  ASSERT_TRUE(node.stop().ok());
}

TEST(TakeUp, OneThatIsRunIsLeftAlone) {
  Rig rig;
  rig.scripts["update"].takes = milliseconds(300'000);
  Process alive(rig, "alive");
  const auto id = alive.accept("new");
  alive.begin(id, "new");
  Node node(rig, "node", true);
  node.begin();
  ASSERT_TRUE(alive.finish(id));
  EXPECT_EQ(alive.result(id)->phase, Phase::succeeded);
  EXPECT_EQ(resumed(rig, id), 0u);
  EXPECT_THAT(node.claimed, IsEmpty());
  ASSERT_TRUE(node.stop().ok());
}

TEST(TakeUp, ThoseInLineThatNobodyWaitsForAreEndedAndTheOthersStay) {
  Rig rig;
  Process dead(rig, "dead"), alive(rig, "alive");
  const auto one = dead.accept("v1");
  const auto two = dead.accept("v2");
  const auto three = alive.accept("v3");
  dead.kill();
  rig.processes.gone.insert("dead");
  Node node(rig, "node");
  const auto totals = node.run();
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->ended_in_line, 2u);
  EXPECT_EQ(rig.load(one).phase, Phase::cancelled);
  EXPECT_EQ(rig.load(two).reason, "interrupted before it began; nothing was changed");
  EXPECT_EQ(rig.load(three).phase, Phase::queued);
  EXPECT_EQ(alive.run(three, "v3")->phase, Phase::succeeded);
}

TEST(TakeUp, OneInLineOfAnotherMachineIsEndedWhenItDoesNotTakeTheFreeEnvironment) {
  Rig rig;
  Process dead(rig, "dead");
  const auto id = dead.accept("v1");
  dead.kill();  // and nobody here can tell
  Node node(rig, "node", true);
  node.begin();
  rig.clock.advance(milliseconds(20'000));
  EXPECT_EQ(rig.load(id).phase, Phase::queued);
  rig.clock.advance(milliseconds(20'000));
  EXPECT_EQ(rig.load(id).phase, Phase::cancelled);
  const auto totals = node.stop();
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->ended_in_line, 1u);
}

TEST(TakeUp, WhatItCannotRunIsGivenBackAndTriedAgainLater) {
  Rig rig;
  const Left left(rig, {"gone", "prod"});
  Node node(rig, "node", true, "gone");
  node.begin();
  rig.clock.advance(milliseconds(30'000));
  EXPECT_EQ(rig.load(left.ids[1]).phase, Phase::succeeded);
  EXPECT_THAT(node.left, ElementsAre(HasSubstr("there is no environment 'gone'")));
  EXPECT_FALSE(rig.clock.run(rig.store.lease("meals", "gone"))->has_value());
  rig.clock.advance(milliseconds(90'000));
  EXPECT_GE(node.left.size(), 2u);
  const auto totals = node.stop();
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->left, 1u);
  // A node that knows it takes it up.
  Node other(rig, "other");
  ASSERT_TRUE(other.run().ok());
  EXPECT_EQ(rig.load(left.ids[0]).phase, Phase::succeeded);
}

TEST(TakeUp, TwoNodesTakeUpEachOnce) {
  Rig rig;
  const Left left(rig, {"a", "b", "c", "d", "e"});
  Node one(rig, "one"), two(rig, "two");
  one.begin();
  two.begin();
  const auto first = one.finish();
  const auto second = two.finish();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->taken_up + second->taken_up, 5u);
  EXPECT_GT(second->taken_up, 0u);
  for (const auto& id : left.ids) EXPECT_EQ(resumed(rig, id), 1u);
}

TEST(TakeUp, ANodeThatDiesIsFollowedByAnother) {
  Rig rig;
  const Left left(rig, {"dev", "prod"});
  Node one(rig, "one", true);
  one.begin();
  rig.clock.advance(milliseconds(2'000));
  one.kill();
  rig.processes.gone.insert("one");
  Node two(rig, "two");
  ASSERT_TRUE(two.run().ok());
  for (const auto& id : left.ids) EXPECT_EQ(rig.load(id).phase, Phase::succeeded);
  EXPECT_TRUE(rig.world.unintended.empty());
}

TEST(TakeUp, TheFirstDoesNotWaitForTheLastOfMany) {
  Rig rig;
  std::vector<std::string> environments;
  for (int i = 0; i < 40; ++i) environments.push_back(fmt::format("e{}", i));
  const Left left(rig, environments);
  int freed = 0, freed_before_the_first = -1;
  rig.door = [&](const std::string& verb, MemoryStore::Moment moment) -> Result<void> {
    if (moment == MemoryStore::Moment::before) return ok();
    if (verb == "release_if_not_renewed") ++freed;
    if (verb == "append" && freed_before_the_first < 0) freed_before_the_first = freed;
    return ok();
  };
  Node node(rig, "node");
  ASSERT_TRUE(node.run().ok());
  EXPECT_LE(freed_before_the_first, 2);  // as many as it runs at once
  EXPECT_EQ(freed, 40);
}

TEST(TakeUp, ASilentStoreIsWaitedFor) {
  Rig rig;
  const Left left(rig, {"dev"});
  bool is_silent = true;
  rig.door = [&](const std::string&, MemoryStore::Moment) -> Result<void> {
    if (is_silent) return Error(ErrorKind::unavailable, "connection refused");
    return ok();
  };
  Node node(rig, "node", true);
  node.begin();
  rig.clock.advance(milliseconds(10'000));
  is_silent = false;
  rig.clock.advance(milliseconds(20'000));
  EXPECT_EQ(rig.load(left.ids[0]).phase, Phase::succeeded);
  EXPECT_THAT(node.silences, ElementsAre("connection refused", "answers"));
  ASSERT_TRUE(node.stop().ok());
}

TEST(TakeUp, AStopLeavesWhatRunsToBeResumed) {
  Rig rig;
  const Left left(rig, {"dev"});
  Node node(rig, "node", true);
  node.begin();
  rig.clock.advance(milliseconds(1'000));
  ASSERT_TRUE(node.stop().ok());
  EXPECT_FALSE(is_terminal(rig.load(left.ids[0]).phase));
  EXPECT_TRUE(rig.load(left.ids[0]).interrupted);
  Node next(rig, "next");
  EXPECT_EQ(next.run()->taken_up, 1u);
  EXPECT_EQ(rig.load(left.ids[0]).phase, Phase::succeeded);
}

}  // namespace
}  // namespace pawl
