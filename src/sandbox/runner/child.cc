#include "sandbox/runner/child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

// No std::string, no new, nothing that locks below this line: see the header.

namespace pawl::sandbox {
namespace {

constexpr int kInitControlFd = 3;
constexpr int kInitChildrenFd = 4;
constexpr rlim_t kMaxOpenFiles = 1024;  // Lambda's own limits
constexpr rlim_t kMaxProcesses = 1024;

[[noreturn]] void fail(const ChildPlan& plan, ChildStep step, int error) {
  const ChildFailure failure{static_cast<int>(step), error};
  [[maybe_unused]] const ssize_t written = ::write(plan.exec_fd, &failure, sizeof failure);
  ::_exit(125);
}

int write_small(const char* path, const char* text, size_t size) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const bool written = ::write(file, text, size) == static_cast<ssize_t>(size);
  const int error = written ? 0 : errno;
  ::close(file);
  return error;
}

size_t put_number(char* out, unsigned long number) {
  char digits[24];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  for (size_t i = 0; i < count; ++i) out[i] = digits[count - 1 - i];
  return count;
}

int write_map(const char* path, unsigned long inside, unsigned long outside) {
  char line[64];
  size_t size = put_number(line, inside);
  line[size++] = ' ';
  size += put_number(line + size, outside);
  line[size++] = ' ';
  line[size++] = '1';
  return write_small(path, line, size);
}

int listen_on_loopback(uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 64) != 0)
    return -1;
  return listener;
}

int send_listeners(const ChildPlan& plan) {
  int listeners[kMaxForwardedPorts];
  for (int i = 0; i < plan.port_count; ++i) {
    listeners[i] = listen_on_loopback(plan.ports[i]);
    if (listeners[i] < 0) return errno;
  }
  const size_t bytes = sizeof(int) * static_cast<size_t>(plan.port_count);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof listeners)] = {};
  char word = 'L';
  iovec part{&word, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(header), listeners, bytes);
  if (::sendmsg(plan.control_fd, &message, MSG_NOSIGNAL) != 1) return errno;
  for (int i = 0; i < plan.port_count; ++i) ::close(listeners[i]);
  return 0;
}

// A remount inside a user namespace must repeat the flags that the outer mount has locked.
unsigned long locked_flags(const char* path) {
  struct statvfs info {};
  if (::statvfs(path, &info) != 0) return 0;
  unsigned long flags = 0;
  if (info.f_flag & ST_NOSUID) flags |= MS_NOSUID;
  if (info.f_flag & ST_NODEV) flags |= MS_NODEV;
  if (info.f_flag & ST_NOEXEC) flags |= MS_NOEXEC;
  if (info.f_flag & ST_NOATIME) flags |= MS_NOATIME;
  if (info.f_flag & ST_NODIRATIME) flags |= MS_NODIRATIME;
  if (info.f_flag & ST_RELATIME) flags |= MS_RELATIME;
  return flags;
}

int make_devices() {
  if (::mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") != 0)
    return errno;
  static constexpr const char* kDevices[][2] = {{"/dev/null", "dev/null"},
                                                {"/dev/zero", "dev/zero"},
                                                {"/dev/full", "dev/full"},
                                                {"/dev/random", "dev/random"},
                                                {"/dev/urandom", "dev/urandom"}};
  for (const auto& device : kDevices) {
    const int file = ::open(device[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return errno;
    ::close(file);
    // A container may have hidden one of them; the others are still worth having.
    ::mount(device[0], device[1], nullptr, MS_BIND, nullptr);
  }
  // Not there when /proc is not; nothing depends on it then.
  static constexpr const char* kLinks[][2] = {{"/proc/self/fd", "dev/fd"},
                                              {"/proc/self/fd/0", "dev/stdin"},
                                              {"/proc/self/fd/1", "dev/stdout"},
                                              {"/proc/self/fd/2", "dev/stderr"}};
  for (const auto& link : kLinks) {
    if (::symlink(link[0], link[1]) != 0) return errno;
  }
  return ::mount(nullptr, "dev", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC,
                 nullptr) == 0
             ? 0
             : errno;
}

void limit(int resource, rlim_t value) {
  rlimit limits{value, value};
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &now) == 0 && now.rlim_max < value)
    limits = {now.rlim_max, now.rlim_max};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limits);
}

int drop_privileges(const ChildPlan& plan) {
  for (int capability = 0; capability <= CAP_LAST_CAP + 8; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  if (plan.drop_to_uid) {
    // Raw calls: glibc's wrappers would signal threads that do not exist here.
    if (::syscall(SYS_setgroups, 0, nullptr) != 0) return errno;
    if (::syscall(SYS_setresgid, kFunctionUid, kFunctionUid, kFunctionUid) != 0) return errno;
    if (::syscall(SYS_setresuid, kFunctionUid, kFunctionUid, kFunctionUid) != 0) return errno;
  }
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

[[noreturn]] void run_function(const ChildPlan& plan) {
  ::setsid();
  ::umask(022);
  if (const int error = drop_privileges(plan)) fail(plan, ChildStep::drop_privileges, error);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::dup2(plan.null_fd, 0) < 0 || ::dup2(plan.log_fd, 1) < 0 || ::dup2(plan.log_fd, 2) < 0)
    fail(plan, ChildStep::execute, errno);
  if (::syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    for (int fd = 3; fd < 4096; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  int error = ENOENT;
  for (const char* const* candidate = plan.candidates; *candidate != nullptr; ++candidate) {
    ::execve(*candidate, plan.argv, plan.environment);
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
  }
  fail(plan, ChildStep::execute, error);
}

void keep_only(int control_fd, int children_fd) {
  // Moved out of the way first: one may sit where the other goes.
  const int control = ::fcntl(control_fd, F_DUPFD, 64);
  const int children = children_fd < 0 ? -1 : ::fcntl(children_fd, F_DUPFD, 64);
  ::dup2(control, kInitControlFd);
  if (children >= 0) ::dup2(children, kInitChildrenFd);
  const int first = children >= 0 ? kInitChildrenFd + 1 : kInitControlFd + 1;
  if (::syscall(SYS_close_range, first, ~0U, 0) != 0) {
    for (int fd = first; fd < 4096; ++fd) ::close(fd);
  }
  for (int fd = 0; fd < 3; ++fd) ::close(fd);
}

// Without a process namespace whoever the function left behind is our child (we are its reaper).
// The list was opened before the root changed; each round may bring the orphans of the last.
void kill_children() {
  for (int round = 0; round < 1000; ++round) {
    char text[4096];
    const ssize_t size = ::pread(kInitChildrenFd, text, sizeof text, 0);
    if (size <= 0) return;
    pid_t pid = 0;
    for (ssize_t i = 0; i < size; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid > 0) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        pid = 0;
      }
    }
  }
}

// The first process of the namespace: reaps what is left behind, and ends with the function, which
// takes everything else in the namespace with it.
[[noreturn]] void run_init(const ChildPlan& plan, pid_t function, int children_fd) {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  keep_only(plan.control_fd, children_fd);
  sigset_t awaited;
  ::sigemptyset(&awaited);
  ::sigaddset(&awaited, SIGCHLD);
  ::sigaddset(&awaited, SIGTERM);
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended == function) {
      [[maybe_unused]] const ssize_t written = ::write(kInitControlFd, &status, sizeof status);
      if (!plan.pid) kill_children();
      ::_exit(0);
    }
    if (ended > 0) continue;
    siginfo_t info{};
    if (::sigwaitinfo(&awaited, &info) == SIGTERM) {
      ::kill(-function, SIGKILL);
      ::kill(function, SIGKILL);
      if (!plan.pid) kill_children();
      ::_exit(0);
    }
  }
}

}  // namespace

pid_t raw_clone(unsigned long flags, int* pidfd) {
  if (pidfd != nullptr) flags |= CLONE_PIDFD;
  return static_cast<pid_t>(
      ::syscall(SYS_clone, flags | SIGCHLD, nullptr, pidfd, nullptr, nullptr));
}

int map_user(uid_t outer_uid, gid_t outer_gid) {
  if (const int error = write_small("/proc/self/setgroups", "deny", 4); error && error != ENOENT)
    return error;
  if (const int error = write_map("/proc/self/uid_map", kFunctionUidInside, outer_uid))
    return error;
  return write_map("/proc/self/gid_map", kFunctionUidInside, outer_gid);
}

int bring_loopback_up() {
  const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) return errno;
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const int error = ::ioctl(any, SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
  ::close(any);
  return error;
}

// The image read-only, with a /tmp, a /dev and a /proc of its own; nothing of the host stays
// reachable. The mount points are plain directories: ImageCache made them so.
int move_into_root(const ChildPlan& plan) {
  if (!plan.mount) {
    if (::chroot(plan.root) != 0 || ::chdir("/") != 0) return errno;
    return 0;
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  if (::mount(plan.root, plan.root, nullptr, MS_BIND | MS_REC, nullptr) != 0) return errno;
  if (::chdir(plan.root) != 0) return errno;
  if (::mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, plan.tmp_options) != 0) return errno;
  if (const int error = make_devices()) return error;
  constexpr unsigned long kProcFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (plan.proc && ::mount("proc", "proc", "proc", kProcFlags, nullptr) != 0) return errno;
  const unsigned long flags =
      MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | locked_flags(plan.root);
  if (::mount(nullptr, plan.root, nullptr, flags, nullptr) != 0) return errno;
  if (plan.pivot) {
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return errno;
    if (::umount2(".", MNT_DETACH) != 0) return errno;
  } else {
    if (::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) return errno;
    if (::chroot(".") != 0) return errno;
  }
  return ::chdir("/") == 0 ? 0 : errno;
}

void run_child(const ChildPlan& plan) {
  ::prctl(PR_SET_PDEATHSIG, plan.pid ? SIGKILL : SIGTERM, 0, 0, 0);
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &usual, nullptr);
  if (plan.user) {
    if (const int error = map_user(plan.outer_uid, plan.outer_gid))
      fail(plan, ChildStep::map_user, error);
  }
  if (plan.network) {
    if (const int error = bring_loopback_up()) fail(plan, ChildStep::network, error);
    if (const int error = send_listeners(plan)) fail(plan, ChildStep::network, error);
  }
  if (plan.uts) [[maybe_unused]]
    const int ignored = ::sethostname("lambda", 6);
  int children_fd = -1;
  if (!plan.pid) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    children_fd = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  }
  if (const int error = move_into_root(plan))
    fail(plan, plan.mount ? ChildStep::mounts : ChildStep::change_root, error);
  if (::chdir(plan.working_directory) != 0) fail(plan, ChildStep::working_directory, errno);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kMaxOpenFiles);
  limit(RLIMIT_NPROC, kMaxProcesses);
  limit(RLIMIT_DATA, plan.data_limit_bytes);
  if (plan.file_limit_bytes > 0) limit(RLIMIT_FSIZE, plan.file_limit_bytes);
  // Blocked before the fork, so that no SIGCHLD is lost; the function gets an empty mask.
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  ::sigaddset(&mask, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  const pid_t function = raw_clone(0, nullptr);
  if (function < 0) fail(plan, ChildStep::fork, errno);
  if (function > 0) run_init(plan, function, children_fd);
  ::sigemptyset(&mask);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  run_function(plan);
}

}  // namespace pawl::sandbox
