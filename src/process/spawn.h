// Starts a program in a process group of its own, with nothing of ours open but its three standard
// streams, and owns it until it is reaped.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop_asio.h"
#include "process/child.h"

namespace pawl {

/// A started program. Destroying it kills its whole group at once and reaps it.
class Child {
 public:
  Child(Loop& loop, pid_t pid, UniqueFd pidfd);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  WaitableFd& exit() { return pidfd_; }
  bool has_ended();
  /// To every process of the group.
  void signal_group(int number);
  /// Takes the exit code; has_ended() must be true. 128 + signal when it was killed.
  int reap();

 private:
  pid_t pid_;
  WaitableFd pidfd_;
  bool reaped_ = false;
};

struct SpawnedStreams {
  UniqueFd in;  // none when there is no input: the program then reads /dev/null
  UniqueFd out;
  UniqueFd err;
};
struct Spawned {
  std::unique_ptr<Child> child;
  SpawnedStreams streams;
};
Result<Spawned> spawn_program(Loop& loop, const Command& command);

/// "NAME=value" of our own environment with the command's changes.
std::vector<std::string> environment_of(const Command& command);

}  // namespace pawl
