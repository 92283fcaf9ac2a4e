// Blocking work (unpacking an image) on a thread of its own, awaited from the loop.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <thread>

#include "base/task.h"
#include "net/loop.h"
#include "net/watched_fd.h"

namespace pawl::sandbox {

/// `work` must not touch what the loop's thread uses. A task that is destroyed meanwhile waits for
/// the thread.
template <class T>
Task<Result<T>> in_background(Loop& loop, std::function<Result<T>()> work) {
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) co_return Error(ErrorKind::internal, "no eventfd can be had");
  WatchedFd done(loop, event);
  std::optional<Result<T>> result;
  std::jthread worker([&result, &work, event] {
    result.emplace(work());
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event, &one, sizeof one);
  });
  auto waited = co_await with_stop(std::stop_token(), done.readable());
  worker.join();
  if (!waited.ok()) co_return std::move(waited).error();
  co_return *std::move(result);
}

}  // namespace pawl::sandbox
