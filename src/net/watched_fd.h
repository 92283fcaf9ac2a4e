// A descriptor whose readability coroutines wait for, for folders that may not see Asio: pipes,
// pidfds, eventfds.
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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pawl
