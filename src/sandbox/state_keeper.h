// Keeps state.json in step with the world: soon after each change, whole or not at all, and once
// more at the end. A kill at any moment loses the last moment's changes at most.
#pragma once

#include <filesystem>
#include <functional>

#include "base/json.h"
#include "base/task.h"
#include "net/loop.h"

namespace pawl::sandbox {

class StateKeeper {
 public:
  struct Source {
    std::function<int64_t()> change_number;
    std::function<json::object()> state;
  };
  StateKeeper(Loop& loop, std::filesystem::path file, Source source);

  /// Looks for changes until the task is stopped.
  Task<void> run();
  Result<void> save_now();
  /// Why the last save did not succeed; empty when it did.
  const std::string& problem() const { return problem_; }

 private:
  Loop& loop_;
  std::filesystem::path file_;
  Source source_;
  int64_t saved_ = -1;
  std::string problem_;
};

}  // namespace pawl::sandbox
