// The only door to time. Wall time is for people and signatures; steady time is for waits, limits
// and leases. The two are kept apart because the wall clock may jump.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/task.h"

namespace pawl {

/// Milliseconds since 1970-01-01T00:00:00Z.
struct WallTime {
  int64_t unix_ms = 0;
  auto operator<=>(const WallTime&) const = default;
};
inline std::chrono::milliseconds operator-(WallTime a, WallTime b) {
  return std::chrono::milliseconds(a.unix_ms - b.unix_ms);
}
inline WallTime operator+(WallTime a, std::chrono::milliseconds d) {
  return {a.unix_ms + d.count()};
}
/// "2026-11-24T11:34:20.123Z"
std::string to_iso8601(WallTime time);
/// Accepts what to_iso8601 writes, with or without fraction; also "+00:00" offsets.
Result<WallTime> parse_iso8601(std::string_view text);

/// Milliseconds of a clock that never goes back; its zero means nothing.
struct SteadyTime {
  int64_t ms = 0;
  auto operator<=>(const SteadyTime&) const = default;
};
inline std::chrono::milliseconds operator-(SteadyTime a, SteadyTime b) {
  return std::chrono::milliseconds(a.ms - b.ms);
}
inline SteadyTime operator+(SteadyTime a, std::chrono::milliseconds d) {
  return {a.ms + d.count()};
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual SteadyTime steady_now() const = 0;
  /// Ends early with ErrorKind::interrupted when the task's stop token is triggered.
  virtual Task<Result<void>> sleep_for(std::chrono::milliseconds duration) = 0;
};

/// Random bytes: identifiers, jitter. Seeded in the simulator.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual uint64_t next() = 0;
};

/// Runs `task`, and stops it (through its stop token) when it has not ended in time. A task that
/// was stopped ends with ErrorKind::timeout. The task must honour its stop token.
template <class T>
Task<Result<T>> with_timeout(Clock& clock, std::chrono::milliseconds limit, Task<Result<T>> task);

/// "850 ms", "1.4 s", "2 min 5 s": for people.
std::string format_duration(std::chrono::milliseconds duration);

namespace detail {
Task<void> stop_after(Clock& clock, std::chrono::milliseconds limit, std::stop_source source,
                      bool* expired);
Error timed_out(std::chrono::milliseconds limit, Error inner);
}  // namespace detail

template <class T>
Task<Result<T>> with_timeout(Clock& clock, std::chrono::milliseconds limit, Task<Result<T>> task) {
  std::stop_token inherited = co_await current_stop();
  std::stop_source inner;
  std::stop_callback forward(inherited, [&inner] { inner.request_stop(); });
  const TaskContext work_context{inner.get_token()};
  Task<Result<T>> work = std::move(task);
  work.start(&work_context);
  if (work.done()) co_return work.take();  // a journal in a file, say: no timer for that
  std::stop_source timer_stop;
  TaskContext timer_context{timer_stop.get_token()};
  bool expired = false;
  Scope timer(&timer_context);
  timer.spawn(detail::stop_after(clock, limit, inner, &expired));
  co_await work.end();
  Result<T> result = work.take();
  timer_stop.request_stop();
  co_await timer.join();
  if (!result.ok() && expired && !inherited.stop_requested())
    co_return detail::timed_out(limit, std::move(result).error());
  co_return result;
}

}  // namespace pawl
