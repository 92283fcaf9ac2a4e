#include "base/task.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pawl {
namespace {

Task<int> answer() {
  co_return 42;
}
Task<int> twice(Task<int> inner) {
  co_return 2 * co_await std::move(inner);
}
Task<int> wait_for(OneShot<int> arrival) {
  co_return co_await arrival.wait();
}

Task<int> count_to(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await answer() == 42 ? 1 : 0;
  co_return sum;
}

TEST(Task, GivesItsValueToItsOwner) {
  auto task = twice(answer());
  task.start(nullptr);
  EXPECT_EQ(task.take(), 84);
}

TEST(Task, LoopsOverTasksThatEndAtOnceDoNotGrowTheStack) {
  auto task = count_to(1'000'000);
  task.start(nullptr);
  EXPECT_EQ(task.take(), 1'000'000);
}

TEST(Task, ResumesItsOwnerWhenAValueArrivesLater) {
  OneShot<int> arrival;
  auto task = twice(wait_for(arrival));
  task.start(nullptr);
  EXPECT_FALSE(task.done());
  arrival.set(5);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 10);
}

TEST(Task, AValueForADestroyedWaiterIsDropped) {
  OneShot<int> arrival;
  {
    auto task = twice(wait_for(arrival));
    task.start(nullptr);
  }
  arrival.set(5);
}

Task<std::vector<int>> all_of(std::vector<OneShot<int>> arrivals) {
  std::vector<Task<int>> tasks;
  for (auto& arrival : arrivals) tasks.push_back(wait_for(arrival));
  co_return co_await when_all(std::move(tasks));
}

TEST(WhenAll, KeepsTheOrderOfTheTasksNotOfTheirEnds) {
  std::vector<OneShot<int>> arrivals(3);
  auto task = all_of(arrivals);
  task.start(nullptr);
  arrivals[2].set(3);
  arrivals[0].set(1);
  EXPECT_FALSE(task.done());
  arrivals[1].set(2);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), (std::vector<int>{1, 2, 3}));
}

Task<bool> sees_stop() {
  auto token = co_await current_stop();
  co_return token.stop_requested();
}
Task<bool> deeper() {
  co_return co_await sees_stop();
}

Task<std::vector<bool>> stop_in_all() {
  std::vector<Task<bool>> tasks;
  tasks.push_back(deeper());
  co_return co_await when_all(std::move(tasks));
}

TEST(Task, InheritsTheStopTokenOfItsOwner) {
  std::stop_source source;
  source.request_stop();
  TaskContext context{source.get_token()};
  auto task = deeper();
  task.start(&context);
  EXPECT_TRUE(task.take());
  auto through_scope = stop_in_all();
  through_scope.start(&context);
  EXPECT_TRUE(through_scope.take()[0]);
  auto other = with_stop(std::stop_token(), deeper());
  other.start(&context);
  EXPECT_FALSE(other.take());
}

Task<void> add(std::string* log, std::string word, OneShot<int> after) {
  co_await after.wait();
  *log += word;
}

Task<void> owner(std::string* log, OneShot<int> first, OneShot<int> second) {
  {
    Scope scope;
    scope.spawn(add(log, "a", first));
    scope.spawn(add(log, "b", second));
    co_await scope.join();
  }
  *log += "!";
}

TEST(Scope, MayBeDestroyedByTheOneWhoJoined) {
  std::string log;
  OneShot<int> first, second;
  auto task = owner(&log, first, second);
  task.start(nullptr);
  second.set(1);
  EXPECT_EQ(log, "b");
  first.set(1);
  EXPECT_EQ(log, "ba!");
}

Task<void> throws() {
  throw 7;
  co_return;
}
Task<int> join_throwing() {
  Scope scope;
  scope.spawn(throws());
  try {
    co_await scope.join();
  } catch (int value) {
    co_return value;
  }
  co_return 0;
}

TEST(Scope, HandsWhatATaskThrewToTheOneWhoJoined) {
  auto task = join_throwing();
  task.start(nullptr);
  EXPECT_EQ(task.take(), 7);
}

}  // namespace
}  // namespace pawl
