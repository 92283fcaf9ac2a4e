// The journal's lock: in the order in which they came, and not lost with a task that dies in line.
#include "engine/journal.h"

#include <gmock/gmock.h>

#include <memory>

namespace pawl {
namespace {

Task<void> pass_through(AsyncMutex& mutex, std::vector<int>& passed, int who) {
  co_await mutex.lock();
  passed.push_back(who);
  mutex.unlock();
}

Task<void> take(AsyncMutex& mutex) {
  co_await mutex.lock();
}

struct Waiting {
  TaskContext context;
  Task<void> task;
  Waiting(AsyncMutex& mutex, std::vector<int>& passed, int who)
      : task(pass_through(mutex, passed, who)) {
    task.start(&context);
  }
};

TEST(AsyncMutex, LetsThemThroughInTheOrderTheyCame) {
  AsyncMutex mutex;
  std::vector<int> passed;
  TaskContext context;
  Task<void> first = take(mutex);
  first.start(&context);
  Waiting second(mutex, passed, 2), third(mutex, passed, 3);
  EXPECT_TRUE(passed.empty());
  mutex.unlock();
  EXPECT_THAT(passed, testing::ElementsAre(2, 3));
}

TEST(AsyncMutex, IsNotLostWithATaskThatDiesInLine) {
  AsyncMutex mutex;
  std::vector<int> passed;
  TaskContext context;
  Task<void> first = take(mutex);
  first.start(&context);
  auto second = std::make_unique<Waiting>(mutex, passed, 2);
  Waiting third(mutex, passed, 3);
  second.reset();
  mutex.unlock();
  EXPECT_THAT(passed, testing::ElementsAre(3));
  Waiting fourth(mutex, passed, 4);
  EXPECT_THAT(passed, testing::ElementsAre(3, 4));
}

}  // namespace
}  // namespace pawl
