// The event loop of a process: runs one task to its end, with timers, sockets and child processes
// behind it. Asio stays inside loop.cc and the few files that include loop_asio.h.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/clock.h"
#include "base/task.h"

namespace pawl {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs `task` until it is done; timers and sockets of other tasks are served meanwhile.
  /// `stop` becomes the root of the stop tokens.
  template <class T>
  T run(Task<T> task, std::stop_token stop = {}) {
    TaskContext context{std::move(stop)};
    task.start(&context);
    run_until([&task] { return task.done(); });
    return task.take();
  }

  /// The real clocks; sleeping happens on this loop.
  Clock& clock();
  Entropy& entropy();

  /// Calls `work` from the loop, soon, never from inside post(). Not thread-safe.
  void post(std::function<void()> work);

  /// The first of these signals requests `source` to stop (from the loop, not from the handler);
  /// the second ends the process at once with exit code 5 ("interrupted"). Call once.
  void stop_on_signals(std::stop_source source);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  void run_until(const std::function<bool()>& done);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawl
