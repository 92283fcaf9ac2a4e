#include "net/watched_fd.h"

#include "net/loop_asio.h"

namespace pawl {

struct WatchedFd::State {
  State(Loop& on, int fd) : loop(on), descriptor(on, UniqueFd(fd)) {}
  Loop& loop;
  WaitableFd descriptor;
};

WatchedFd::WatchedFd(Loop& loop, int fd) : state_(std::make_unique<State>(loop, fd)) {}
WatchedFd::~WatchedFd() = default;
WatchedFd::WatchedFd(WatchedFd&&) noexcept = default;
WatchedFd& WatchedFd::operator=(WatchedFd&&) noexcept = default;

int WatchedFd::get() const {
  return state_->descriptor.get();
}

Task<Result<void>> WatchedFd::readable() {
  return ready(false);
}

Task<Result<void>> WatchedFd::readable_or_writable() {
  return ready(true);
}

Task<Result<void>> WatchedFd::ready(bool also_writable) {
  const std::stop_token stop = co_await current_stop();
  OneShot<bool> ready;
  state_->descriptor.on_ready(WaitableFd::Ready::read, [ready] { ready.set(true); });
  if (also_writable)
    state_->descriptor.on_ready(WaitableFd::Ready::write, [ready] { ready.set(true); });
  asio::io_context& io = state_->loop.impl().io;
  std::stop_callback on_stop(stop, [&io, ready] { asio::post(io, [ready] { ready.set(false); }); });
  if (!co_await ready.wait())
    co_return Error(ErrorKind::interrupted, "asked to stop while waiting");
  co_return ok();
}

}  // namespace pawl
