#include "engine/parallel.h"

#include <algorithm>
#include <optional>

namespace pawl {
namespace {

struct Progress {
  size_t count = 0;
  size_t next = 0;
  std::optional<Error> error;
};

Task<void> work_off(Progress& progress, const std::function<Task<Result<void>>(size_t)>& work) {
  const auto stop = co_await current_stop();
  while (progress.next < progress.count && !progress.error) {
    if (stop.stop_requested()) {
      progress.error = Error(ErrorKind::interrupted, "asked to stop");
      co_return;
    }
    auto done = co_await work(progress.next++);
    if (!done.ok() && !progress.error) progress.error = std::move(done).error();
  }
}

}  // namespace

Task<Result<void>> for_each_index(size_t count, size_t at_once,
                                  std::function<Task<Result<void>>(size_t)> work) {
  Progress progress;
  progress.count = count;
  Scope scope(co_await current_context());
  for (size_t i = 0; i < std::min(count, std::max<size_t>(at_once, 1)); ++i)
    scope.spawn(work_off(progress, work));
  co_await scope.join();
  if (progress.error) co_return *std::move(progress.error);
  co_return ok();
}

}  // namespace pawl
