#include "sandbox/runner/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "sandbox/runner/child.h"

namespace pawl::sandbox {
namespace {

constexpr int kStartTimeoutMs = 10'000;
constexpr int64_t kSmallestDataLimit = 1 << 30;
constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin:/opt/bin";

Error our_error(const char* what) {
  return Error(ErrorKind::internal, fmt::format("{}: {}", what, strerror(errno)));
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const auto& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Where execvp would look, inside the image.
std::vector<std::string> candidates_for(const SpawnRequest& request) {
  const std::string& program = request.argv.front();
  if (program.find('/') != std::string::npos) return {program};
  std::string path = kDefaultPath;
  for (const auto& variable : request.environment)
    if (variable.starts_with("PATH=")) path = variable.substr(5);
  std::vector<std::string> candidates;
  for (size_t at = 0; at <= path.size();) {
    const size_t colon = std::min(path.find(':', at), path.size());
    const std::string folder = path.substr(at, colon - at);
    candidates.push_back((folder.empty() ? "." : folder) + "/" + program);
    at = colon + 1;
  }
  return candidates;
}

Error start_error(const ChildFailure& failure, const SpawnRequest& request) {
  const auto step = static_cast<ChildStep>(failure.step);
  const char* reason = strerror(failure.error);
  switch (step) {
    case ChildStep::execute: {
      Error error(ErrorKind::failed,
                  fmt::format("cannot execute {}: {}", request.argv.front(), reason));
      if (failure.error == EACCES)
        return std::move(error).with_hint(
            "Lambda runs functions as a user of its own: make the file readable and executable for "
            "everybody (chmod a+rx)");
      if (failure.error == ENOENT)
        return std::move(error).with_hint(
            "the file is not in the image, or the program interpreter that it names is not");
      return error;
    }
    case ChildStep::working_directory:
      return Error(ErrorKind::failed, fmt::format("cannot change to the working directory {}: {}",
                                                  request.working_directory, reason));
    case ChildStep::map_user:
      return Error(ErrorKind::internal, fmt::format("map the user: {}", reason));
    case ChildStep::network:
      return Error(ErrorKind::internal, fmt::format("set up the network: {}", reason));
    case ChildStep::mounts:
      return Error(ErrorKind::internal, fmt::format("set up the mounts: {}", reason));
    case ChildStep::change_root:
      return Error(ErrorKind::internal, fmt::format("change the root: {}", reason));
    case ChildStep::fork:
      return Error(ErrorKind::internal, fmt::format("fork: {}", reason));
    case ChildStep::drop_privileges:
      return Error(ErrorKind::internal, fmt::format("drop privileges: {}", reason));
    case ChildStep::none:
      break;
  }
  return Error(ErrorKind::internal, "the function's process ended while it was set up");
}

struct Pipe {
  OwnedFd read, write;
};

Result<Pipe> make_pipe(int flags) {
  int ends[2];
  if (::pipe2(ends, flags | O_CLOEXEC) != 0) return our_error("pipe");
  return Pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

// EOF on the pipe means that execve closed it.
Result<void> await_exec(int exec_fd, const SpawnRequest& request) {
  pollfd waiting{exec_fd, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&waiting, 1, kStartTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return Error(ErrorKind::internal, "the function's process does not start");
  ChildFailure failure;
  const ssize_t size = ::read(exec_fd, &failure, sizeof failure);
  if (size == 0) return ok();
  if (size != static_cast<ssize_t>(sizeof failure)) failure = {};
  return start_error(failure, request);
}

Result<std::vector<OwnedFd>> receive_listeners(int control, size_t count) {
  int fds[kMaxForwardedPorts];
  alignas(cmsghdr) char buffer[CMSG_SPACE(sizeof fds)];
  char word = 0;
  iovec part{&word, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = buffer;
  message.msg_controllen = sizeof buffer;
  if (::recvmsg(control, &message, MSG_CMSG_CLOEXEC) != 1) return our_error("receive the sockets");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_len != CMSG_LEN(sizeof(int) * count))
    return Error(ErrorKind::internal, "the function's sockets did not arrive");
  std::memcpy(fds, CMSG_DATA(header), sizeof(int) * count);
  std::vector<OwnedFd> listeners;
  for (size_t i = 0; i < count; ++i) listeners.emplace_back(fds[i]);
  return listeners;
}

}  // namespace

FunctionProcess::~FunctionProcess() {
  if (pid_ < 0 || !pidfd_.valid() || reaped_) return;
  kill();
  wait();
}

void FunctionProcess::kill() {
  if (reaped_ || !pidfd_.valid()) return;
  // The first process of a namespace takes all others with it; without one it has to be told, so
  // that it can end them.
  const int signal = has_pid_namespace_ ? SIGKILL : SIGTERM;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

std::string FunctionProcess::wait() {
  if (!reaped_) {
    int ignored = 0;
    while (::waitpid(pid_, &ignored, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
  }
  int status = 0;
  if (::recv(control_.get(), &status, sizeof status, MSG_DONTWAIT) != sizeof status)
    return "signal: killed";
  if (WIFEXITED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
  std::string name = strsignal(WTERMSIG(status));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return fmt::format("signal: {}", name);
}

Result<FunctionProcess> spawn_function(const SpawnRequest& request, const Isolation& isolation) {
  if (request.argv.empty()) return Error(ErrorKind::failed, "the image has no entry point");
  const auto candidate_strings = candidates_for(request);
  const auto candidates = pointers_to(candidate_strings);
  const auto argv = pointers_to(request.argv);
  const auto environment = pointers_to(request.environment);
  const std::string tmp_options = fmt::format("mode=1777,size={}m", request.tmp_mb);
  PAWL_TRY(Pipe log, make_pipe(0));
  PAWL_TRY(Pipe exec, make_pipe(0));
  int control[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0)
    return our_error("socketpair");
  OwnedFd control_ours(control[0]), control_theirs(control[1]);
  OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return our_error("/dev/null");

  ChildPlan plan;
  plan.user = isolation.user;
  plan.mount = isolation.mount;
  plan.pid = isolation.pid;
  plan.network = isolation.network;
  plan.uts = isolation.uts;
  plan.proc = isolation.proc;
  plan.pivot = isolation.pivot;
  plan.outer_uid = ::geteuid();
  plan.outer_gid = ::getegid();
  plan.drop_to_uid = !isolation.user && plan.outer_uid == 0;
  plan.root = request.root.c_str();
  plan.tmp_options = tmp_options.c_str();
  plan.working_directory = request.working_directory.c_str();
  plan.candidates = candidates.data();
  plan.argv = argv.data();
  plan.environment = environment.data();
  // A guard for the machine, not Lambda's accounting: runtimes reserve far more than they use.
  plan.data_limit_bytes =
      static_cast<uint64_t>(std::max<int64_t>(kSmallestDataLimit, request.memory_mb * (4 << 20)));
  if (!isolation.mount) plan.file_limit_bytes = static_cast<uint64_t>(request.tmp_mb) << 20;
  plan.null_fd = null.get();
  plan.log_fd = log.write.get();
  plan.control_fd = control_theirs.get();
  plan.exec_fd = exec.write.get();
  if (isolation.network) {
    for (const uint16_t port : request.ports) {
      if (plan.port_count < kMaxForwardedPorts) plan.ports[plan.port_count++] = port;
    }
  }

  FunctionProcess process;
  process.has_pid_namespace_ = isolation.pid;
  int pidfd = -1;
  const pid_t pid = raw_clone(isolation.clone_flags(), &pidfd);
  if (pid == 0) run_child(plan);
  if (pid < 0) return our_error("clone");
  process.pid_ = pid;
  process.pidfd_ = OwnedFd(pidfd);
  process.log_ = std::move(log.read);
  process.control_ = std::move(control_ours);
  exec.write.reset();
  log.write.reset();
  control_theirs.reset();
  PAWL_CHECK(await_exec(exec.read.get(), request));
  if (plan.port_count > 0) {
    PAWL_TRY(process.listeners_,
             receive_listeners(process.control_.get(), static_cast<size_t>(plan.port_count)));
  }
  ::fcntl(process.log_.get(), F_SETFL, O_NONBLOCK);
  return process;
}

}  // namespace pawl::sandbox
