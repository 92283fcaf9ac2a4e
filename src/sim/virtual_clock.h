// Time that passes only when nothing else can happen. Tasks run until all of them wait; then the
// clock jumps to the earliest waiter. Wall time and steady time are kept apart, so that the wall
// clock can be made to jump.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace pawl {

class VirtualClock : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady_now() const override { return steady_; }
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override;

  /// The wall clock is set, forward or back; steady time is not touched.
  void jump_wall(std::chrono::milliseconds by) { wall_offset_ms_ += by.count(); }

  /// Calls `what` from step() when that much time has passed: for what is no task of anybody.
  void call_in(std::chrono::milliseconds duration, std::function<void()> what);
  /// The machine sleeps, and nobody is woken until it is over; then all that is due goes on.
  void sleep_machine(std::chrono::milliseconds duration) { steady_ = steady_ + duration; }

  /// Lets the earliest waiter go on, moving time to it. False when nobody waits.
  bool step();
  /// Runs what is due until `duration` has passed.
  void advance(std::chrono::milliseconds duration);
  /// Steps until `done` says so or nobody waits any more; tells which: true when done.
  bool run_until(const std::function<bool()>& done);
  /// Runs a task to its end. Nobody waiting while it is not done is a deadlock: a broken invariant.
  template <class T>
  T run(Task<T> task, std::stop_token stop = {}) {
    TaskContext context{std::move(stop)};
    task.start(&context);
    const bool done = run_until([&task] { return task.done(); });
    PAWL_ASSERT(done);
    return task.take();
  }
  size_t waiting() const { return waiting_; }

 private:
  struct Sleep;

  SteadyTime steady_{1'000'000};
  int64_t wall_offset_ms_ = 1'790'000'000'000;
  uint64_t next_ticket_ = 1;
  struct Waiter {
    uint64_t ticket = 0;         // 0: nobody
    Sleep* sleep = nullptr;      // a task that sleeps, or else ...
    std::function<void()> call;  // ... what is to be called
  };
  /// When, then in the order they came. Left behind by a waiter that is gone: its ticket is
  /// another.
  struct Due {
    int64_t ms = 0;
    uint64_t ticket = 0;
    size_t waiter = 0;
    bool operator>(const Due& other) const {
      return ms != other.ms ? ms > other.ms : ticket > other.ticket;
    }
  };
  Due enter(int64_t due_ms, Waiter waiter);
  void leave(const Due& due);
  /// The earliest; no value when nobody waits.
  std::optional<Due> first();

  std::vector<Waiter> waiters_;
  std::vector<size_t> unused_;  // of those
  std::vector<Due> heap_;       // earliest first
  size_t waiting_ = 0;
};

/// Entropy from a seed (splitmix64), for tests and the simulator.
class SeededEntropy : public Entropy {
 public:
  explicit SeededEntropy(uint64_t seed) : state_(seed) {}
  uint64_t next() override;

 private:
  uint64_t state_;
};

}  // namespace pawl
