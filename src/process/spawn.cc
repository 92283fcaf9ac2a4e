#include "process/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace pawl {
namespace {

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> search(std::string_view program, std::string_view search_path) {
  if (program.empty()) return std::nullopt;
  if (program.find('/') != std::string_view::npos) {
    std::string path(program);
    return is_program(path) ? std::optional(std::move(path)) : std::nullopt;
  }
  for (;;) {
    const auto colon = search_path.find(':');
    const std::string_view folder = search_path.substr(0, colon);
    std::string path = fmt::format("{}/{}", folder.empty() ? "." : folder, program);
    if (is_program(path)) return path;
    if (colon == std::string_view::npos) return std::nullopt;
    search_path.remove_prefix(colon + 1);
  }
}

std::string_view inherited_path() {
  const char* value = std::getenv("PATH");
  return value != nullptr ? value : "/usr/local/bin:/usr/bin:/bin";
}

Result<std::string> locate(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty())
    return Error(ErrorKind::internal, "a command without a program");
  const auto own = command.environment.find("PATH");
  std::string program = command.argv[0];
  // A relative path is meant from the folder that the program starts in.
  if (!command.directory.empty() && program[0] != '/' && program.find('/') != std::string::npos)
    program = command.directory + "/" + program;
  auto found = search(
      program, own != command.environment.end() ? std::string_view(own->second) : inherited_path());
  if (!found) {
    if (program.find('/') != std::string::npos) {
      return Error(ErrorKind::not_found,
                   fmt::format("'{}' is not a program that can be run", program));
    }
    return Error(ErrorKind::not_found, fmt::format("there is no program '{}' on the PATH", program))
        .with_hint("install it, or put its folder on the PATH");
  }
  // Found relative to where we are, started from where it is to run.
  if ((*found)[0] != '/') {
    char* whole = ::realpath(found->c_str(), nullptr);
    if (whole != nullptr) found = whole;
    std::free(whole);
  }
  return *std::move(found);
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

/// Both ends closed on exec, and clear of the numbers 0 to 2, which the child's streams take.
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return Error(ErrorKind::unavailable, fmt::format("no pipe: {}", std::strerror(errno)));
  Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  for (UniqueFd* end : {&made.read, &made.write})
    if (end->get() < 3) end->reset(::fcntl(end->get(), F_DUPFD_CLOEXEC, 3));
  return made;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    // Its own group; signals as a fresh program expects them (we ignore SIGPIPE).
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (auto& text : strings) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

Error cannot_start(const std::string& program, int number) {
  return {number == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable,
          fmt::format("cannot start {}: {}", program, std::strerror(number))};
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

std::optional<std::string> find_program(std::string_view program) {
  return search(program, inherited_path());
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    const bool taken_out =
        std::find(command.unset.begin(), command.unset.end(), name) != command.unset.end() ||
        command.environment.count(name) > 0;
    if (!taken_out) list.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) list.push_back(name + "=" + value);
  return list;
}

Result<Spawned> spawn_program(Loop& loop, const Command& command) {
  if (!command.directory.empty() && !is_folder(command.directory))
    return Error(ErrorKind::not_found, fmt::format("there is no folder '{}'", command.directory));
  PAWL_TRY(const auto program, locate(command));
  PAWL_TRY(auto out, make_pipe());
  PAWL_TRY(auto err, make_pipe());
  Pipe in;
  if (!command.input.empty()) {
    PAWL_TRY(in, make_pipe());
  }

  FileActions actions;
  if (in.read)
    posix_spawn_file_actions_adddup2(actions.get(), in.read.get(), 0);
  else
    posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), out.write.get(), 1);
  posix_spawn_file_actions_adddup2(actions.get(), err.write.get(), 2);
  if (!command.directory.empty())
    posix_spawn_file_actions_addchdir_np(actions.get(), command.directory.c_str());
  // Libraries may have opened descriptors without close-on-exec.
  posix_spawn_file_actions_addclosefrom_np(actions.get(), 3);

  Attributes attributes;
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> variables = environment_of(command);
  pid_t pid = 0;
  const int failure = ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(),
                                    pointers(arguments).data(), pointers(variables).data());
  if (failure != 0) return cannot_start(command.argv[0], failure);
  // glibc 2.36 declares pidfd_open() without C linkage.
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  PAWL_ASSERT(pidfd);  // every kernel since 5.3 has it, and the child is not reaped yet

  Spawned spawned;
  spawned.child = std::make_unique<Child>(loop, pid, std::move(pidfd));
  spawned.streams = {std::move(in.write), std::move(out.read), std::move(err.read)};
  return spawned;
}

Child::Child(Loop& loop, pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(loop, std::move(pidfd)) {}

Child::~Child() {
  if (reaped_) return;
  signal_group(SIGKILL);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

bool Child::has_ended() {
  siginfo_t info{};
  const int result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return result == 0 && info.si_pid == pid_;
}

void Child::signal_group(int number) {
  // Until it is reaped nobody else can have its number.
  if (!reaped_) ::kill(-pid_, number);
}

int Child::reap() {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0) PAWL_ASSERT(errno == EINTR);
  reaped_ = true;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace pawl
