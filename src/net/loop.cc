#include "net/loop.h"

#include <fcntl.h>
#include <sys/random.h>

#include <array>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstring>

#include "net/loop_asio.h"

namespace pawl {
namespace {

constexpr int kExitInterrupted = 5;

class RealClock : public Clock {
 public:
  explicit RealClock(asio::io_context& io) : io_(io) {}

  WallTime now() const override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
  }
  SteadyTime steady_now() const override {
    // std::chrono::steady_clock stands still while a machine sleeps; a lease runs out meanwhile.
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return {static_cast<int64_t>(now.tv_sec) * 1'000 + now.tv_nsec / 1'000'000};
  }

  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override {
    const std::stop_token stop = co_await current_stop();
    if (stop.stop_requested()) co_return interrupted();
    OneShot<bool> slept;
    asio::steady_timer timer(io_, duration);
    timer.async_wait([slept](error_code failure) {
      if (!failure) slept.set(true);
    });
    // Whoever asks to stop may be deep inside other code: the sleeper is resumed from the loop.
    asio::io_context& io = io_;
    std::stop_callback on_stop(stop,
                               [&io, slept] { asio::post(io, [slept] { slept.set(false); }); });
    if (!co_await slept.wait()) co_return interrupted();
    co_return ok();
  }

 private:
  static Error interrupted() { return {ErrorKind::interrupted, "asked to stop while waiting"}; }
  asio::io_context& io_;
};

class RealEntropy : public Entropy {
 public:
  uint64_t next() override {
    if (at_ == pool_.size()) {
      // getrandom() of up to 256 bytes is never cut short.
      PAWL_ASSERT(getrandom(pool_.data(), sizeof(pool_), 0) == ssize_t{sizeof(pool_)});
      at_ = 0;
    }
    return pool_[at_++];
  }

 private:
  std::array<uint64_t, 16> pool_{};
  size_t at_ = pool_.size();
};

}  // namespace

struct Loop::Impl::Signals {
  Signals(asio::io_context& io, std::stop_source source)
      : set(io, SIGINT, SIGTERM), stop(std::move(source)) {}
  asio::signal_set set;
  std::stop_source stop;
};

Loop::Impl::Impl()
    : clock(std::make_unique<RealClock>(io)), entropy(std::make_unique<RealEntropy>()) {}
Loop::Impl::~Impl() = default;

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  // A peer that has gone is an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
}
Loop::~Loop() = default;

Clock& Loop::clock() {
  return *impl_->clock;
}
Entropy& Loop::entropy() {
  return *impl_->entropy;
}

void Loop::post(std::function<void()> work) {
  asio::post(impl_->io, std::move(work));
}

void Loop::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (impl_->io.stopped()) impl_->io.restart();
    // Nothing left that could ever resume the task: its waiting would never end.
    PAWL_ASSERT(impl_->io.run_one() > 0);
  }
}

void Loop::stop_on_signals(std::stop_source source) {
  PAWL_ASSERT(!impl_->signals);
  impl_->signals = std::make_unique<Impl::Signals>(impl_->io, std::move(source));
  impl_->signals->set.async_wait([signals = impl_->signals.get()](error_code failure, int) {
    if (failure) return;
    // From now on a plain handler, which also works while the loop is busy.
    signals->set.clear();
    for (const int number : {SIGINT, SIGTERM})
      std::signal(number, [](int) { ::_exit(kExitInterrupted); });
    signals->stop.request_stop();
  });
}

WaitableFd::WaitableFd(Loop& loop, UniqueFd fd) : descriptor_(loop.impl().io) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
  descriptor_.assign(fd.release());
}

Task<bool> WaitableFd::wait(Ready what) {
  OneShot<bool> ready;
  descriptor_.async_wait(wait_type(what), [ready](error_code failure) { ready.set(!failure); });
  co_return co_await ready.wait();
}

void WaitableFd::cancel() {
  error_code ignored;
  descriptor_.cancel(ignored);
}

void WaitableFd::close() {
  error_code ignored;
  descriptor_.close(ignored);
}

Task<void> yield_to_loop(Loop& loop) {
  OneShot<bool> turn;
  asio::post(loop.impl().io, [turn] { turn.set(true); });
  co_await turn.wait();
}

}  // namespace pawl
