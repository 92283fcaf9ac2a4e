#include "sim/virtual_clock.h"

#include <algorithm>
#include <optional>

namespace pawl {

// A waiter stands in the clock's list until its time comes or its task is stopped. Being stopped
// only moves it to the present: it goes on from step(), never from inside request_stop().
struct VirtualClock::Sleep {
  VirtualClock& clock;
  int64_t due_ms;
  std::stop_token stop;
  Due place{};
  bool is_waiting = false;
  bool was_stopped = false;
  std::coroutine_handle<> owner;
  struct OnStop {
    Sleep* sleep;
    void operator()() const { sleep->wake_now(); }
  };
  std::optional<std::stop_callback<OnStop>> on_stop;

  Sleep(VirtualClock& c, int64_t due, std::stop_token s)
      : clock(c), due_ms(due), stop(std::move(s)) {}
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;
  ~Sleep() {
    on_stop.reset();
    leave();
  }

  bool await_ready() {
    was_stopped = stop.stop_requested();
    return was_stopped;
  }
  void await_suspend(std::coroutine_handle<> handle) {
    owner = handle;
    enter(due_ms);
    on_stop.emplace(stop, OnStop{this});
  }
  bool await_resume() const { return !was_stopped; }

  void enter(int64_t when_ms) {
    place = clock.enter(when_ms, Waiter{0, this, {}});
    is_waiting = true;
  }
  void leave() {
    if (std::exchange(is_waiting, false)) clock.leave(place);
  }
  void wake_now() {
    was_stopped = true;
    if (!is_waiting) return;
    leave();
    enter(clock.steady_.ms);
  }
};

WallTime VirtualClock::now() const {
  return {steady_.ms + wall_offset_ms_};
}

Task<Result<void>> VirtualClock::sleep_for(std::chrono::milliseconds duration) {
  auto stop = co_await current_stop();
  Sleep sleep(*this, steady_.ms + std::max<int64_t>(duration.count(), 0), std::move(stop));
  if (!co_await sleep) co_return Error(ErrorKind::interrupted, "asked to stop while waiting");
  co_return ok();
}

VirtualClock::Due VirtualClock::enter(int64_t due_ms, Waiter waiter) {
  if (unused_.empty()) {
    unused_.push_back(waiters_.size());
    waiters_.emplace_back();
  }
  const Due due{due_ms, next_ticket_++, unused_.back()};
  unused_.pop_back();
  waiter.ticket = due.ticket;
  waiters_[due.waiter] = std::move(waiter);
  heap_.push_back(due);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  ++waiting_;
  return due;
}

void VirtualClock::leave(const Due& due) {
  waiters_[due.waiter] = Waiter();
  unused_.push_back(due.waiter);
  --waiting_;
}

std::optional<VirtualClock::Due> VirtualClock::first() {
  while (!heap_.empty() && waiters_[heap_.front().waiter].ticket != heap_.front().ticket) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
  }
  if (heap_.empty()) return std::nullopt;
  return heap_.front();
}

bool VirtualClock::step() {
  const auto due = first();
  if (!due) return false;
  steady_.ms = std::max(steady_.ms, due->ms);
  if (Sleep* sleep = waiters_[due->waiter].sleep) {
    sleep->leave();
    sleep->owner.resume();
    return true;
  }
  const std::function<void()> call = std::move(waiters_[due->waiter].call);
  leave(*due);
  call();
  return true;
}

void VirtualClock::call_in(std::chrono::milliseconds duration, std::function<void()> what) {
  enter(steady_.ms + std::max<int64_t>(duration.count(), 0), Waiter{0, nullptr, std::move(what)});
}

void VirtualClock::advance(std::chrono::milliseconds duration) {
  const SteadyTime end = steady_ + duration;
  for (auto due = first(); due && due->ms <= end.ms; due = first()) step();
  steady_ = std::max(steady_, end);
}

bool VirtualClock::run_until(const std::function<bool()>& done) {
  while (!done())
    if (!step()) return done();
  return true;
}

uint64_t SeededEntropy::next() {
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

}  // namespace pawl
