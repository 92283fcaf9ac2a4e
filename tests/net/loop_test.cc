#include "net/loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace pawl {
namespace {

using namespace std::chrono_literals;

Task<Result<void>> sleep(Loop& loop, std::chrono::milliseconds duration) {
  return loop.clock().sleep_for(duration);
}

TEST(EventLoop, SleepsAndRunsAgain) {
  Loop loop;
  EXPECT_TRUE(loop.run(sleep(loop, 1ms)).ok());
  EXPECT_TRUE(loop.run(sleep(loop, 0ms)).ok());
  const auto before = loop.clock().steady_now();
  EXPECT_TRUE(loop.run(sleep(loop, 5ms)).ok());
  EXPECT_GE(loop.clock().steady_now() - before, 5ms);
  EXPECT_GT(loop.clock().now().unix_ms, 1'600'000'000'000);
}

TEST(EventLoop, ASleepEndsWhenItsTaskIsStopped) {
  Loop loop;
  std::stop_source stop;
  loop.post([&stop] { stop.request_stop(); });
  const auto slept = loop.run(sleep(loop, 1h), stop.get_token());
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().kind(), ErrorKind::interrupted);
  // And at once when it was stopped before.
  EXPECT_FALSE(loop.run(sleep(loop, 1h), stop.get_token()).ok());
}

TEST(EventLoop, ASleeperMayBeDestroyedAlsoAfterItWasStopped) {
  Loop loop;
  for (const bool stop_first : {false, true}) {
    std::stop_source stop;
    TaskContext context{stop.get_token()};
    {
      auto task = sleep(loop, 1h);
      task.start(&context);
      if (stop_first) stop.request_stop();
    }
    EXPECT_TRUE(loop.run(sleep(loop, 1ms)).ok());
  }
}

TEST(EventLoop, ATaskThatTakesTooLongIsStopped) {
  Loop loop;
  const auto result = loop.run(with_timeout<void>(loop.clock(), 5ms, sleep(loop, 1h)));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::timeout);
  EXPECT_TRUE(loop.run(with_timeout<void>(loop.clock(), 1h, sleep(loop, 1ms))).ok());
}

TEST(EventLoop, PostsFromTheLoopNotFromInside) {
  Loop loop;
  bool called = false;
  loop.post([&called] { called = true; });
  EXPECT_FALSE(called);
  EXPECT_TRUE(loop.run(sleep(loop, 1ms)).ok());
  EXPECT_TRUE(called);
}

TEST(EventLoop, GivesRandomNumbers) {
  Loop loop;
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(loop.entropy().next());
  EXPECT_EQ(seen.size(), 1000u);
}

Task<Result<void>> signalled(Loop& loop, int number, bool twice) {
  std::raise(number);
  auto slept = co_await loop.clock().sleep_for(1h);
  if (twice) std::raise(number);
  co_return slept;
}

TEST(Signals, TheFirstAsksToStopAndTheSecondEndsTheProcess) {
  // In processes of their own: what is installed stays installed.
  for (const int number : {SIGINT, SIGTERM}) {
    for (const bool twice : {false, true}) {
      const auto run = [=] {
        Loop loop;
        std::stop_source stop;
        loop.stop_on_signals(stop);
        const auto slept = loop.run(signalled(loop, number, twice), stop.get_token());
        std::_Exit(!slept.ok() && slept.error().kind() == ErrorKind::interrupted ? 42 : 1);
      };
      EXPECT_EXIT(run(), ::testing::ExitedWithCode(twice ? 5 : 42), "");
    }
  }
}

}  // namespace
}  // namespace pawl
