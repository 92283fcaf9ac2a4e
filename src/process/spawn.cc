#include "process/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <vector>

extern char** environ;  // POSIX: no header declares it

namespace pawl {
namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Error(ErrorKind::internal, fmt::format("pipe2: {}", std::strerror(errno)));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::string name = text.substr(0, text.find('='));
    const bool dropped = command.environment.count(name) > 0 ||
                         std::find(command.unset.begin(), command.unset.end(), name) !=
                             command.unset.end();
    if (!dropped) entries.push_back(text);
  }
  for (const auto& [name, value] : command.environment) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's two descriptions, freed whatever happens.
struct SpawnPlan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnPlan() {
    PAWL_ASSERT(posix_spawn_file_actions_init(&actions) == 0);
    PAWL_ASSERT(posix_spawnattr_init(&attributes) == 0);
    // A group of its own, so that a stop reaches what the program started; the signals that we
    // ignore or block are its own again.
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSIGMASK);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

Error cannot_start(const Command& command, int failure) {
  const bool absent = failure == ENOENT && !std::filesystem::exists(command.directory.empty()
                                                                        ? std::string(".")
                                                                        : command.directory);
  if (absent)
    return Error(ErrorKind::not_found, fmt::format("cannot run {} in {}: there is no such folder",
                                                   command.argv.front(), command.directory));
  return Error(ErrorKind::failed,
               fmt::format("cannot run {}: {}", command.argv.front(), std::strerror(failure)));
}

}  // namespace

std::optional<std::string> find_program(std::string_view program) {
  const auto is_program = [](const std::string& path) {
    std::error_code failure;
    return std::filesystem::is_regular_file(path, failure) && ::access(path.c_str(), X_OK) == 0;
  };
  const std::string name(program);
  if (name.find('/') != std::string::npos)
    return is_program(name) ? std::optional(name) : std::nullopt;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (is_program(candidate)) return candidate;
  }
  return std::nullopt;
}

Result<SpawnedChild> SpawnedChild::start(const Command& command) {
  PAWL_ASSERT(!command.argv.empty());
  const auto program = find_program(command.argv.front());
  if (!program)
    return Error(ErrorKind::not_found,
                 fmt::format("there is no program '{}' on the PATH", command.argv.front()))
        .with_hint("install it, or put its folder on the PATH");
  PAWL_TRY(auto in, make_pipe());
  PAWL_TRY(auto out, make_pipe());
  PAWL_TRY(auto err, make_pipe());
  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(&plan.actions, in.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&plan.actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&plan.actions, err.write.get(), STDERR_FILENO);
  if (!command.directory.empty())
    posix_spawn_file_actions_addchdir_np(&plan.actions, command.directory.c_str());
  auto arguments = command.argv;
  auto environment = environment_of(command);
  // A path that is relative to us means another file after the child changed its folder.
  const auto path = std::filesystem::absolute(*program).string();
  SpawnedChild child;
  const int failure = posix_spawn(&child.pid_, path.c_str(), &plan.actions, &plan.attributes,
                                  pointers_to(arguments).data(), pointers_to(environment).data());
  if (failure != 0) {
    child.pid_ = -1;
    return cannot_start(command, failure);
  }
  child.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, child.pid_, 0)));
  if (!child.pidfd)
    return Error(ErrorKind::internal, fmt::format("pidfd_open: {}", std::strerror(errno)));
  child.input = std::move(in.write);
  child.output = std::move(out.read);
  child.errors = std::move(err.read);
  return child;
}

SpawnedChild::SpawnedChild(SpawnedChild&& other) noexcept
    : pidfd(std::move(other.pidfd)),
      input(std::move(other.input)),
      output(std::move(other.output)),
      errors(std::move(other.errors)),
      pid_(std::exchange(other.pid_, -1)) {}

SpawnedChild::~SpawnedChild() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void SpawnedChild::signal(int number) const {
  if (pid_ > 0) ::kill(-pid_, number);
}

int SpawnedChild::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace pawl
