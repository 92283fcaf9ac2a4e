#include "store/postgres_listener.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pawl::postgres {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};
constexpr std::chrono::milliseconds kListenLimit{10'000};

Task<void> sleep_then_set(Clock& clock, std::chrono::milliseconds duration, OneShot<bool> woken) {
  auto slept = co_await clock.sleep_for(duration);
  (void)slept;  // whoever waits asks the stop token itself
  woken.set(false);
}

Task<Result<void>> subscribe(Connection& connection) {
  Query listen(fmt::format("LISTEN {}", kChannel));
  PAWL_CO_CHECK(co_await connection.run(std::move(listen)));
  co_return ok();
}

}  // namespace

Listener::Listener(Loop& loop, const Address& address, std::string ours)
    : loop_(loop), address_(address), ours_(std::move(ours)) {}

Task<Result<void>> Listener::wait(Clock& clock, std::chrono::milliseconds at_most) {
  if (!std::exchange(is_started_, true)) background_.spawn(listen());
  if (take_news()) co_return ok();
  const std::stop_token stop = co_await current_stop();
  std::stop_source sleep_stop;
  std::stop_callback forward(stop, [&sleep_stop] { sleep_stop.request_stop(); });
  const TaskContext sleeper{sleep_stop.get_token()};
  OneShot<bool> woken;
  waiters_.push_back(woken);
  Scope scope(&sleeper);
  scope.spawn(sleep_then_set(clock, at_most, woken));
  const bool is_news = co_await woken.wait();
  sleep_stop.request_stop();
  co_await scope.join();
  take_news();
  if (!is_news && stop.stop_requested())
    co_return Error(ErrorKind::interrupted, "asked to stop while waiting");
  co_return ok();
}

bool Listener::take_news() {
  // Those that were woken by their time, or are gone.
  std::erase_if(waiters_, [](const auto& each) { return each.is_set(); });
  return std::exchange(taken_, heard_) != heard_;
}

void Listener::heard() {
  ++heard_;
  // From the loop: who is woken may do anything, and this is our own background task.
  for (const auto& waiter : std::exchange(waiters_, {})) loop_.post([waiter] { waiter.set(true); });
}

// A node that hears nothing still looks by itself now and then: trouble here is no error of anyone.
Task<void> Listener::listen() {
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const uint64_t before = heard_;
    auto ended = co_await listen_once();
    (void)ended;
    if (heard_ != before) pause = kFirstPause;
    auto slept = co_await loop_.clock().sleep_for(pause);
    if (!slept.ok()) co_return;
  }
}

Task<Result<void>> Listener::listen_once() {
  PAWL_CO_TRY(auto connection, co_await Connection::open(loop_, address_));
  PAWL_CO_CHECK(co_await with_timeout(loop_.clock(), kListenLimit, subscribe(*connection)));
  heard();  // whatever happened before we listened
  for (;;) {
    PAWL_CO_TRY(const bool is_news, co_await connection->wait_for_notification(ours_));
    if (is_news) heard();
  }
}

}  // namespace pawl::postgres
