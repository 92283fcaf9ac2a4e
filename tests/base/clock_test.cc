#include "base/clock.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

using std::chrono::milliseconds;

TEST(WallTimeText, IsIso8601) {
  EXPECT_EQ(to_iso8601({0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso8601({1'795'520'060'123}), "2026-11-24T11:34:20.123Z");
  EXPECT_EQ(to_iso8601({-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_iso8601({951'782'400'000}), "2000-02-29T00:00:00.000Z");
}

TEST(WallTimeText, IsReadBack) {
  for (const int64_t ms :
       {int64_t{0}, int64_t{-1}, int64_t{1'795'520'060'123}, int64_t{951'782'399'999}})
    EXPECT_EQ(parse_iso8601(to_iso8601({ms}))->unix_ms, ms);
  struct Row {
    const char* text;
    int64_t unix_ms;
  };
  const Row rows[] = {{"1970-01-01T00:00:01Z", 1000},
                      {"1970-01-01T00:00:01.5Z", 1500},
                      {"1970-01-01T00:00:01.123456Z", 1123},
                      {"1970-01-01T00:00:01+00:00", 1000},
                      {"1970-01-01T00:00:01.000+0000", 1000}};
  for (const auto& row : rows) EXPECT_EQ(parse_iso8601(row.text)->unix_ms, row.unix_ms) << row.text;
}

TEST(WallTimeText, IsRefusedWhenItIsNotOne) {
  for (const char* bad :
       {"", "yesterday", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z",
        "1970-01-32T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:00+02:00", "1970-01-01T00:00:00Zx", "-970-01-01T00:00:00Z",
        "1970-02-30T00:00:00Z", "1970-01-01T-1:00:00Z"})
    EXPECT_FALSE(parse_iso8601(bad).ok()) << bad;
}

TEST(WallTime, IsComparedAndAdded) {
  const WallTime early{1000}, late{3500};
  EXPECT_LT(early, late);
  EXPECT_EQ(late - early, milliseconds(2500));
  EXPECT_EQ(early + milliseconds(2500), late);
}

TEST(Duration, IsReadable) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0 ms");
  EXPECT_EQ(format_duration(milliseconds(850)), "850 ms");
  EXPECT_EQ(format_duration(milliseconds(1400)), "1.4 s");
  EXPECT_EQ(format_duration(milliseconds(59'940)), "59.9 s");
  EXPECT_EQ(format_duration(milliseconds(125'000)), "2 min 5 s");
  EXPECT_EQ(format_duration(milliseconds(59'999)), "1 min 0 s");
  EXPECT_EQ(format_duration(milliseconds(3'720'000)), "1 h 2 min");
}

/// A clock whose sleepers end when the test says so.
class HandClock : public Clock {
 public:
  WallTime now() const override { return {}; }
  SteadyTime steady_now() const override { return {}; }
  Task<Result<void>> sleep_for(milliseconds) override {
    const std::stop_token stop = co_await current_stop();
    OneShot<bool> end = slept;
    std::stop_callback on_stop(stop, [end] { end.set(false); });
    if (!co_await end.wait()) co_return Error(ErrorKind::interrupted, "stopped");
    co_return ok();
  }
  OneShot<bool> slept;
};

Task<Result<int>> until_stopped(OneShot<int> value) {
  const std::stop_token stop = co_await current_stop();
  std::stop_callback on_stop(stop, [value] { value.set(-1); });
  const int got = co_await value.wait();
  if (got < 0) {
    const Error stopped = Error(ErrorKind::interrupted, "was stopped").with_outcome_unknown();
    co_return stopped;
  }
  co_return got;
}

TEST(WithTimeout, GivesTheValueThatCameInTime) {
  HandClock clock;
  OneShot<int> value;
  auto task = with_timeout<int>(clock, milliseconds(5), until_stopped(value));
  task.start(nullptr);
  value.set(7);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(*task.take(), 7);
}

TEST(WithTimeout, StopsWhatTakesTooLong) {
  HandClock clock;
  auto task = with_timeout<int>(clock, milliseconds(5), until_stopped(OneShot<int>()));
  task.start(nullptr);
  clock.slept.set(true);
  ASSERT_TRUE(task.done());
  const auto result = task.take();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::timeout);
  EXPECT_TRUE(result.error().outcome_unknown());
}

TEST(WithTimeout, AStopFromOutsideIsNoTimeout) {
  HandClock clock;
  std::stop_source stop;
  TaskContext context{stop.get_token()};
  auto task = with_timeout<int>(clock, milliseconds(5), until_stopped(OneShot<int>()));
  task.start(&context);
  stop.request_stop();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take().error().kind(), ErrorKind::interrupted);
}

}  // namespace
}  // namespace pawl
