// Starting and ending the sandbox's process, and calling it.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/sandbox.h"
#include "sandbox/files.h"
#include "sandbox/sandbox.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStartLimit{30};
constexpr std::chrono::seconds kEndLimit{20};
constexpr std::chrono::milliseconds kLook{50};

Error not_running() {
  return Error(ErrorKind::not_found, "no sandbox runs for this project")
      .with_hint("start it with: pawl sandbox up --detach");
}

Result<void> serve(const SandboxUp& request, const SandboxReady& ready) {
  Loop loop;
  std::stop_source stop;
  loop.stop_on_signals(stop);
  sandbox::SandboxOptions options;
  options.folder = request.folder;
  options.base_port = request.base_port;
  options.github_rate_limit = request.github_rate_limit;
  options.seed = request.seed;
  PAWL_TRY(auto sandbox, sandbox::Sandbox::open(loop, std::move(options)));
  ready(sandbox->connection(), false);
  loop.run(sandbox->run(), stop.get_token());
  return ok();
}

// What the process behind tells the one that started it: nothing but "{}" when it is ready.
void tell(int pipe, const json::object& words) {
  const std::string text = json::serialize(words) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(pipe, text.data(), text.size());
}

// The new process, cut off from the terminal; what it prints goes to a file.
[[noreturn]] void run_behind(const SandboxUp& request, int pipe) {
  ::setsid();
  const fs::path log = request.folder / "sandbox.log";
  const int null = ::open("/dev/null", O_RDONLY);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (null >= 0) ::dup2(null, 0);
  if (out >= 0) {
    ::dup2(out, 1);
    ::dup2(out, 2);
  }
  auto served = serve(request, [pipe](const sandbox::Connection&, bool) {
    tell(pipe, {});
    ::close(pipe);
  });
  if (!served.ok())
    tell(pipe, {{"kind", static_cast<int>(served.error().kind())},
                {"message", served.error().message()},
                {"hint", served.error().hint()}});
  ::_exit(served.ok() ? 0 : 1);
}

Result<void> await_ready(int pipe) {
  std::string text;
  pollfd waiting{pipe, POLLIN, 0};
  const int limit_ms = static_cast<int>(std::chrono::milliseconds(kStartLimit).count());
  char buffer[4096];
  while (text.find('\n') == std::string::npos) {
    const int there = ::poll(&waiting, 1, limit_ms);
    if (there < 0 && errno == EINTR) continue;
    if (there <= 0)
      return Error(ErrorKind::timeout, "the sandbox did not get ready")
          .with_hint("see .pawl/sandbox/sandbox.log");
    const ssize_t count = ::read(pipe, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return Error(ErrorKind::internal, "the sandbox's process ended before it was ready")
          .with_hint("see .pawl/sandbox/sandbox.log");
    text.append(buffer, static_cast<size_t>(count));
  }
  PAWL_TRY(const auto words, parse_json_object(text, "the sandbox's answer"));
  if (!words.contains("message")) return ok();
  const auto kind =
      static_cast<ErrorKind>(int_or(words, "kind", static_cast<int>(ErrorKind::failed)));
  return Error(kind, string_or(words, "message")).with_hint(string_or(words, "hint"));
}

Result<void> start_behind(const SandboxUp& request, const SandboxReady& ready) {
  PAWL_CHECK(sandbox::make_folder(request.folder));
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0)
    return Error(ErrorKind::internal, fmt::format("pipe: {}", strerror(errno)));
  const pid_t child = ::fork();
  if (child < 0) return Error(ErrorKind::internal, fmt::format("fork: {}", strerror(errno)));
  if (child == 0) {
    ::close(pipe[0]);
    run_behind(request, pipe[1]);
  }
  ::close(pipe[1]);
  auto started = await_ready(pipe[0]);
  ::close(pipe[0]);
  if (!started.ok()) {
    // It must not come up later, when nobody looks any more.
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return started;
  }
  PAWL_TRY(const auto connection, sandbox::read_connection(request.folder));
  ready(connection, false);
  return ok();
}

}  // namespace

fs::path sandbox_folder(const std::string& state_dir) {
  return fs::path(state_dir) / "sandbox";
}

bool sandbox_holds(const fs::path& folder) {
  const int lock = ::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return false;
  const bool free = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
  ::close(lock);
  return !free;
}

Result<sandbox::Connection> running_sandbox(const fs::path& folder) {
  if (!sandbox_holds(folder)) return not_running();
  auto connection = sandbox::read_connection(folder);
  if (connection.ok()) return connection;
  if (connection.error().kind() == ErrorKind::not_found)
    return Error(ErrorKind::unavailable, "the sandbox is starting or ending just now");
  return connection;
}

Result<void> sandbox_up(SandboxUp request, SandboxReady ready) {
  auto running = running_sandbox(request.folder);
  if (running.ok()) {
    ready(*running, true);
    return ok();
  }
  if (running.error().kind() != ErrorKind::not_found) return std::move(running).error();
  return request.detach ? start_behind(request, ready) : serve(request, ready);
}

Result<bool> sandbox_down(const fs::path& folder) {
  if (!sandbox_holds(folder)) return false;
  PAWL_TRY(const auto connection, sandbox::read_connection(folder));
  Loop loop;
  const auto client = make_http_client(loop);
  const auto ask = [&]() -> Task<Result<bool>> {
    auto stopped = co_await call_sandbox(*client, connection, "POST", "/stop");
    // It may be gone before its answer is; and one that cannot be asked is told by signal.
    if (!stopped.ok() && !stopped.error().outcome_unknown() && connection.pid > 1)
      ::kill(connection.pid, SIGTERM);
    for (auto waited = kLook; waited < kEndLimit; waited += kLook) {
      if (!sandbox_holds(folder)) co_return true;
      PAWL_CO_CHECK(co_await loop.clock().sleep_for(kLook));
    }
    co_return Error(ErrorKind::timeout,
                    fmt::format("the sandbox (process {}) does not end", connection.pid));
  };
  return loop.run(ask());
}

Task<Result<json::object>> call_sandbox(HttpClient& client, sandbox::Connection connection,
                                        std::string method, std::string path, std::string body) {
  HttpRequest request;
  request.method = method;
  request.url = connection.control_url + path;
  request.headers.set("Authorization", "Bearer " + connection.credentials.control_token.reveal_for(
                                                       "the sandbox's control API"));
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  auto response = co_await client.send(std::move(request));
  if (!response.ok())
    co_return std::move(response).error().while_doing("asking the sandbox at " +
                                                      connection.control_url);
  auto answer = parse_json_object(response->body, "the sandbox's answer");
  if (response->is_success()) co_return answer;
  Error error = error_from_response(*response, method);
  if (response->status == 400) error = std::move(error).as(ErrorKind::usage);
  const std::string words = answer.ok() ? string_or(*answer, "message") : "";
  if (words.empty()) co_return std::move(error).while_doing("asking the sandbox");
  co_return Error(error.kind(), words).with_http_status(response->status);
}

}  // namespace pawl
