#include "sandbox/runner/isolation.h"

#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "sandbox/runner/child.h"

namespace pawl::sandbox {
namespace {

// Runs `step` in a child with these namespaces; its errno is the answer (0: it works).
int try_in_child(unsigned long flags, int (*step)(const void*), const void* context) {
  const bool user = flags & CLONE_NEWUSER;
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const pid_t pid = raw_clone(flags, nullptr);
  if (pid < 0) return errno;
  if (pid == 0) {
    int error = user ? map_user(uid, gid) : 0;
    if (error == 0 && step != nullptr) error = step(context);
    ::_exit(error > 0 && error < 255 ? error : (error == 0 ? 0 : 254));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

bool can(unsigned long flags) {
  return try_in_child(flags, nullptr, nullptr) == 0;
}

int try_root(const void* context) {
  return move_into_root(*static_cast<const ChildPlan*>(context));
}
int try_loopback(const void*) {
  return bring_loopback_up();
}

// A small folder with the mount points of an image, gone with its owner.
class ScratchRoot {
 public:
  ScratchRoot() {
    char name[] = "/tmp/pawl-probe-XXXXXX";
    if (::mkdtemp(name) == nullptr) return;
    path_ = name;
    for (const char* part : kParts) ::mkdir((path_ + part).c_str(), 0755);
  }
  ScratchRoot(const ScratchRoot&) = delete;
  ScratchRoot& operator=(const ScratchRoot&) = delete;
  ~ScratchRoot() {
    if (path_.empty()) return;
    for (const char* part : kParts) ::rmdir((path_ + part).c_str());
    ::rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  static constexpr const char* kParts[] = {"/tmp", "/dev", "/proc"};
  std::string path_;
};

// Which way into the root works: the best first.
void probe_root(Isolation& isolation) {
  const ScratchRoot scratch;
  const auto works = [&](bool mount, bool pivot, bool proc) {
    ChildPlan plan;
    plan.mount = mount;
    plan.pivot = pivot;
    plan.proc = proc;
    plan.root = scratch.path().c_str();
    plan.tmp_options = "mode=1777,size=1m";
    unsigned long flags = isolation.user ? CLONE_NEWUSER : 0UL;
    if (mount) flags |= CLONE_NEWNS;
    if (isolation.pid) flags |= CLONE_NEWPID;
    return try_in_child(flags, try_root, &plan) == 0;
  };
  for (const bool pivot : {true, false}) {
    for (const bool proc : {true, false}) {
      if (proc && !isolation.pid) continue;  // the host's processes are none of its business
      if (!works(true, pivot, proc)) continue;
      isolation.mount = true;
      isolation.pivot = pivot;
      isolation.proc = proc;
      return;
    }
  }
}

}  // namespace

unsigned long Isolation::clone_flags() const {
  unsigned long flags = 0;
  if (user) flags |= CLONE_NEWUSER;
  if (mount) flags |= CLONE_NEWNS;
  if (pid) flags |= CLONE_NEWPID;
  if (network) flags |= CLONE_NEWNET;
  if (ipc) flags |= CLONE_NEWIPC;
  if (uts) flags |= CLONE_NEWUTS;
  return flags;
}

std::string Isolation::description() const {
  std::string kinds;
  const auto name = [&](bool has, const char* kind) {
    if (has) kinds += (kinds.empty() ? "" : ", ") + std::string(kind);
  };
  name(user, "user");
  name(mount, "mount");
  name(pid, "process");
  name(network, "network");
  name(ipc, "ipc");
  name(uts, "host name");
  if (kinds.empty()) return "a chroot, no namespaces";
  return (mount ? "namespaces: " : "a chroot and namespaces: ") + kinds;
}

Result<Isolation> probe_isolation() {
  Isolation isolation;
  const bool root = ::geteuid() == 0;
  // Root needs no user namespace, except where a container took its powers away.
  isolation.user = !(root && can(CLONE_NEWNS)) && can(CLONE_NEWUSER);
  const unsigned long base = isolation.user ? CLONE_NEWUSER : 0UL;
  isolation.pid = can(base | CLONE_NEWPID);
  isolation.ipc = can(base | CLONE_NEWIPC);
  isolation.uts = can(base | CLONE_NEWUTS);
  isolation.network = try_in_child(base | CLONE_NEWNET, try_loopback, nullptr) == 0;
  probe_root(isolation);
  if (!isolation.mount) {
    const ScratchRoot scratch;
    ChildPlan plan;
    plan.root = scratch.path().c_str();
    if (const int error = try_in_child(base, try_root, &plan))
      return Error(
                 ErrorKind::denied,
                 fmt::format("functions cannot be shut in here: neither namespaces nor chroot are "
                             "allowed ({})",
                             strerror(error)))
          .with_hint(
              "run the sandbox as root, or allow user namespaces "
              "(sysctl kernel.unprivileged_userns_clone=1, or "
              "kernel.apparmor_restrict_unprivileged_userns=0)");
    isolation.warnings.push_back(
        "no mount namespace: functions run in a plain chroot; instances of a version share /tmp, "
        "only "
        "file modes protect the image, and there is no /proc");
  } else if (!isolation.proc) {
    isolation.warnings.push_back("functions see no /proc");
  }
  if (!isolation.pid)
    isolation.warnings.push_back("no process namespace: functions can see the host's processes");
  if (!isolation.network)
    isolation.warnings.push_back("no network namespace: functions share the host's network");
  if (!isolation.ipc)
    isolation.warnings.push_back("no ipc namespace: functions share the host's message queues");
  if (!isolation.uts) isolation.warnings.push_back("functions see the host's name");
  return isolation;
}

}  // namespace pawl::sandbox
