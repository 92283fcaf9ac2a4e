// Doing the same to many things, some at a time.
#pragma once

#include <cstddef>
#include <functional>

#include "base/task.h"

namespace pawl {

/// Runs work(0) ... work(count - 1), at most `at_once` side by side, in that order. The first Error
/// is the result: nothing new is begun after it, what runs is awaited. The tasks inherit the stop
/// token; when it is triggered nothing new is begun either (kind interrupted).
Task<Result<void>> for_each_index(size_t count, size_t at_once,
                                  std::function<Task<Result<void>>(size_t)> work);

}  // namespace pawl
