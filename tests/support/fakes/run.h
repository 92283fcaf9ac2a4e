// Small helps for tests over fakes: running a task to its end, and digests that a test can name.
#pragma once

#include <string>
#include <string_view>

#include "base/task.h"
#include "core/digest.h"

namespace pawl::fakes {

/// For tasks that never wait for anything outside.
template <class T>
T run(Task<T> task) {
  TaskContext context;
  task.start(&context);
  PAWL_ASSERT(task.done());
  return task.take();
}

/// "sha256:" and the hash of a word: a digest that a test can name.
inline std::string digest(std::string_view word) {
  return Digest::of(word).str();
}

}  // namespace pawl::fakes
