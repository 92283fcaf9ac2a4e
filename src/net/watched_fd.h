// A descriptor that coroutines wait on, for folders that may not see Asio: pipes, pidfds,
// eventfds, sockets that a library reads.
#pragma once

#include <memory>

#include "base/task.h"

namespace pawl {

class Loop;

class WatchedFd {
 public:
  /// Takes `fd` over and makes it non-blocking.
  WatchedFd(Loop& loop, int fd);
  ~WatchedFd();
  WatchedFd(WatchedFd&&) noexcept;
  WatchedFd& operator=(WatchedFd&&) noexcept;

  int get() const;
  /// Ends with ErrorKind::interrupted when the task's stop token is triggered.
  Task<Result<void>> readable();
  /// Either of the two: for those who must read to be able to write on.
  Task<Result<void>> readable_or_writable();

 private:
  Task<Result<void>> ready(bool also_writable);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pawl
