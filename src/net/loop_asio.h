// What is behind Loop, for the few files of net/ and process/ that wait on descriptors and timers.
#pragma once

#include <unistd.h>

#include <chrono>
#include <memory>
#include <utility>

#include "base/task.h"
#include "net/asio.h"
#include "net/loop.h"

namespace pawl {

struct Loop::Impl {
  Impl();
  ~Impl();

  asio::io_context io{1};
  std::unique_ptr<Clock> clock;
  std::unique_ptr<Entropy> entropy;
  struct Signals;
  std::unique_ptr<Signals> signals;
};

/// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/// A non-blocking descriptor that coroutines wait on. The system calls are the caller's own: no
/// buffer is ever lent to Asio, so that a task may be destroyed at any time.
class WaitableFd {
 public:
  enum class Ready { read, write };

  /// Takes `fd` over. The descriptor must be one that epoll can watch (no regular file).
  WaitableFd(Loop& loop, UniqueFd fd);
  WaitableFd(const WaitableFd&) = delete;
  WaitableFd& operator=(const WaitableFd&) = delete;

  int get() { return descriptor_.native_handle(); }
  /// False when the wait was given up (closed or cancelled).
  Task<bool> wait(Ready what);
  /// Calls `handler` from the loop when ready; never when the wait was given up.
  template <class Handler>
  void on_ready(Ready what, Handler handler) {
    descriptor_.async_wait(wait_type(what), [handler = std::move(handler)](error_code failure) {
      if (!failure) handler();
    });
  }
  void cancel();
  void close();

 private:
  static asio::posix::stream_descriptor::wait_type wait_type(Ready what) {
    return what == Ready::read ? asio::posix::stream_descriptor::wait_read
                               : asio::posix::stream_descriptor::wait_write;
  }
  asio::posix::stream_descriptor descriptor_;
};

/// Lets the loop serve others before the task goes on.
Task<void> yield_to_loop(Loop& loop);

}  // namespace pawl
