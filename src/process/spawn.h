// Starting a program, and owning it until it has been reaped.
#pragma once

#include <sys/types.h>

#include <string>

#include "net/loop_asio.h"
#include "process/child.h"

namespace pawl {

/// A child process with the parent's ends of its pipes. Destroyed before it was reaped, it and its
/// whole process group are killed.
class SpawnedChild {
 public:
  /// not_found when the program does not exist; internal for what should never fail.
  static Result<SpawnedChild> start(const Command& command);
  SpawnedChild(SpawnedChild&& other) noexcept;
  SpawnedChild& operator=(SpawnedChild&&) = delete;
  ~SpawnedChild();

  /// To every process of the group.
  void signal(int number) const;
  /// After the pidfd became readable: the exit code, 128 + signal when killed.
  int reap();

  UniqueFd pidfd, input, output, errors;

 private:
  SpawnedChild() = default;
  pid_t pid_ = -1;
};

}  // namespace pawl
