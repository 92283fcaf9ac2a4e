// The child's side of starting a function: from the fresh process in its namespaces to the execve
// of the entry point. Between clone and execve only async-signal-safe calls are allowed (another
// thread may have held malloc's lock), so everything comes prepared in plain arrays.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace pawl::sandbox {

/// Whom functions run as: nobody's user on the host, and not root inside, as on Lambda.
constexpr uid_t kFunctionUid = 64993;
constexpr uid_t kFunctionUidInside = 993;
constexpr uint16_t kRuntimeApiPort = 9001;
constexpr int kMaxForwardedPorts = 4;

enum class ChildStep : int {
  none,
  map_user,
  network,
  mounts,
  change_root,
  working_directory,
  fork,
  drop_privileges,
  execute,
};

struct ChildPlan {
  bool user = false, mount = false, pid = false, network = false, uts = false, proc = false;
  bool pivot = false;
  bool drop_to_uid = false;  // we are root without a user namespace: become kFunctionUid
  uid_t outer_uid = 0;
  gid_t outer_gid = 0;
  const char* root = nullptr;
  const char* tmp_options = nullptr;  // "mode=1777,size=512m"
  const char* working_directory = nullptr;
  const char* const* candidates = nullptr;  // paths to try to execute, in order
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  uint64_t data_limit_bytes = 0;
  uint64_t file_limit_bytes = 0;  // 0: none
  int null_fd = -1;
  int log_fd = -1;
  int control_fd = -1;  // gives listening sockets to the parent, and at the end the wait status
  int exec_fd = -1;     // closed by a successful execve, else {step, errno} comes
  uint16_t ports[kMaxForwardedPorts] = {};  // to listen to on the function's own loopback
  int port_count = 0;
};

struct ChildFailure {
  int step = 0;
  int error = 0;
};

/// Like fork(), without glibc's locks. `pidfd` may be null.
pid_t raw_clone(unsigned long flags, int* pidfd);
/// Runs in the child; never returns.
[[noreturn]] void run_child(const ChildPlan& plan);

// Steps that the probe uses as well. 0, or an errno.
int map_user(uid_t outer_uid, gid_t outer_gid);
int bring_loopback_up();
int move_into_root(const ChildPlan& plan);

}  // namespace pawl::sandbox
