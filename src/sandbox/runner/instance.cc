#include "sandbox/runner/instance.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/json.h"
#include "sandbox/files.h"
#include "sandbox/runner/child.h"

namespace pawl::sandbox {
namespace {

constexpr size_t kMaxPendingLineBytes = 16u << 10;
constexpr size_t kLogTailBytes = 4096;

std::string error_payload(const std::string& type, const std::string& message) {
  return json::serialize(json::object{{"errorType", type}, {"errorMessage", message}});
}

// Without a network namespace the function calls us on the host's loopback.
Result<OwnedFd> listen_on_host(uint16_t& port) {
  OwnedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener.valid() || ::bind(listener.get(), generic, size) != 0 ||
      ::listen(listener.get(), 64) != 0 || ::getsockname(listener.get(), generic, &size) != 0)
    return Error(ErrorKind::internal, fmt::format("listen for a function: {}", strerror(errno)));
  port = ntohs(address.sin_port);
  return listener;
}

// What RIE and Lambda call an entry point that cannot be started.
std::string start_error_type(const Error& error) {
  if (error.kind() != ErrorKind::failed) return "Runtime.Unknown";
  return error.what().find("working directory") != std::string::npos ? "Runtime.InvalidWorkingDir"
                                                                     : "Runtime.InvalidEntrypoint";
}

}  // namespace

Instance::Instance(Parts parts, FunctionCode code, UnpackedImage image)
    : parts_(std::move(parts)),
      code_(std::move(code)),
      image_(std::move(image)),
      idle_since_(parts_.loop.clock().steady_now()) {}

Instance::~Instance() {
  for (auto& server : servers_) server->close();
}

void Instance::release() {
  busy_ = false;
  idle_since_ = parts_.loop.clock().steady_now();
  if (retired_) kill();
}

void Instance::retire() {
  retired_ = true;
  if (!busy_) kill();
}

void Instance::kill() {
  retired_ = true;  // nobody may claim what is dying
  if (process_) process_->kill();
  if (!process_) dead_ = true;
}

Result<void> Instance::serve_apis(FunctionProcess& process) {
  const auto serve = [this](int listener, HttpHandler handler) -> Result<void> {
    HttpServerOptions options;
    options.listening_socket = listener;
    PAWL_TRY(auto server, serve_http(parts_.loop, options, std::move(handler)));
    servers_.push_back(std::move(server));
    return ok();
  };
  auto& listeners = process.listeners();
  for (size_t i = 0; i < listeners.size(); ++i) {
    if (i == 0)
      PAWL_CHECK(serve(listeners[i].release(),
                       [this](ServerRequest& request) { return runtime_api(request); }));
    else
      PAWL_CHECK(serve(listeners[i].release(), parts_.settings.aws_handler));
  }
  return ok();
}

Result<void> Instance::spawn() {
  SpawnRequest request;
  request.root = image_.root;
  request.memory_mb = code_.memory_mb;
  request.argv = code_.entry_point.empty() ? image_.config.entry_point : code_.entry_point;
  const auto& command = code_.command.empty() ? image_.config.command : code_.command;
  request.argv.insert(request.argv.end(), command.begin(), command.end());
  request.working_directory =
      code_.working_directory.empty() ? image_.config.working_directory : code_.working_directory;
  if (request.working_directory.empty()) request.working_directory = "/";
  uint16_t port = kRuntimeApiPort;
  OwnedFd host_listener;
  if (parts_.isolation.network) {
    request.ports.push_back(port);
    if (parts_.settings.aws_port != 0) request.ports.push_back(parts_.settings.aws_port);
  } else {
    PAWL_TRY(host_listener, listen_on_host(port));
  }
  request.environment = function_environment(code_, image_.config, parts_.settings,
                                             fmt::format("127.0.0.1:{}", port), parts_.id);
  PAWL_TRY(auto process, spawn_function(request, parts_.isolation));
  if (host_listener.valid()) process.listeners().push_back(std::move(host_listener));
  PAWL_CHECK(serve_apis(process));
  log_pipe_.emplace(parts_.loop, ::dup(process.log()));
  process_.emplace(std::move(process));
  scope_.spawn(pump_log());
  scope_.spawn(watch_process());
  return ok();
}

// Whoever waits goes on from the loop, never from inside the task that settles: what goes on may
// end this very instance.
void Instance::settle(Outcome outcome) {
  if (!outcome_) return;
  const OneShot<Outcome> waiting = *std::exchange(outcome_, std::nullopt);
  parts_.loop.post([waiting, outcome = std::move(outcome)] { waiting.set(outcome); });
}

Task<void> Instance::watch_process() {
  WatchedFd ended(parts_.loop, ::dup(process_->pidfd()));
  auto waited = co_await ended.readable();
  if (!waited.ok()) co_return;
  exit_words_ = process_->wait();
  drain_log();
  dead_ = true;
  settle({Outcome::Kind::exited, "", ""});
}

Task<void> Instance::give_up_after(std::chrono::milliseconds limit, OneShot<Outcome> outcome) {
  auto slept = co_await parts_.loop.clock().sleep_for(limit);
  if (!slept.ok()) co_return;
  parts_.loop.post([outcome] { outcome.set(Outcome{Outcome::Kind::timed_out, "", ""}); });
}

Task<Result<void>> Instance::start() {
  busy_ = true;
  const SteadyTime begun = parts_.loop.clock().steady_now();
  // Before it starts: its first request may be answered from within spawn().
  const OneShot<Outcome> initialised;
  outcome_ = initialised;
  auto spawned = spawn();
  if (!spawned.ok()) {
    outcome_.reset();
    dead_ = true;
    co_return std::move(spawned).error();
  }
  const auto limit = kInitLimit + code_.timeout;
  Scope timer;
  timer.spawn(give_up_after(limit, initialised));
  const Outcome outcome = co_await initialised.wait();
  init_duration_ = parts_.loop.clock().steady_now() - begun;
  if (outcome.kind == Outcome::Kind::ready) {
    initialised_ = true;
    co_return ok();
  }
  kill();
  if (outcome.kind == Outcome::Kind::init_error)
    co_return Error(ErrorKind::failed, outcome.body).with_code(outcome.error_type);
  if (outcome.kind == Outcome::Kind::timed_out)
    co_return Error(ErrorKind::timeout, fmt::format("Task timed out after {:.2f} seconds",
                                                    static_cast<double>(limit.count()) / 1000))
        .with_code("Sandbox.Timedout");
  co_return Error(ErrorKind::failed,
                  exit_words_ == "exit status 0"
                      ? std::string("Error: Runtime exited without providing a reason")
                      : fmt::format("Error: Runtime exited with error: {}", exit_words_))
      .with_code("Runtime.ExitError");
}

InvokeResult Instance::failed(const InvokeRequest& request, std::string type, std::string message) {
  InvokeResult result;
  result.function_error = "Unhandled";
  result.payload =
      error_payload(type, fmt::format("RequestId: {} {}", request.request_id, message));
  return result;
}

InvokeResult Instance::result_of(const InvokeRequest& request, Outcome outcome) {
  InvokeResult result;
  switch (outcome.kind) {
    case Outcome::Kind::response:
      result.payload = std::move(outcome.body);
      return result;
    case Outcome::Kind::error:
    case Outcome::Kind::init_error:
      result.payload = std::move(outcome.body);
      result.function_error = "Unhandled";
      return result;
    case Outcome::Kind::timed_out: {
      const std::string words = fmt::format("Task timed out after {:.2f} seconds",
                                            static_cast<double>(code_.timeout.count()) / 1000);
      log(fmt::format("{} {} {}", to_iso8601(parts_.loop.clock().now()), request.request_id,
                      words));
      return failed(request, "Sandbox.Timedout", "Error: " + words);
    }
    case Outcome::Kind::exited:
    case Outcome::Kind::ready:
      break;
  }
  const std::string words = exit_words_ == "exit status 0"
                                ? std::string("Error: Runtime exited without providing a reason")
                                : fmt::format("Error: Runtime exited with error: {}", exit_words_);
  log(fmt::format("RequestId: {} {}", request.request_id, words));
  return failed(request, "Runtime.ExitError", words);
}

Task<InvokeResult> Instance::invoke(InvokeRequest request) {
  Clock& clock = parts_.loop.clock();
  busy_ = true;
  tail_.clear();
  InvokeResult result;
  const bool cold = !initialised_;
  Result<void> started = ok();
  if (cold) started = co_await start();
  log(fmt::format("START RequestId: {} Version: {}", request.request_id, code_.version));
  const SteadyTime begun = clock.steady_now();
  if (!started.ok()) {
    const Error& error = started.error();
    std::string type = error.code().empty() ? start_error_type(error) : error.code();
    if (error.code().starts_with("{")) type = "Runtime.Unknown";
    log(fmt::format("{} {}", error.what(), type));
    if (!error.hint().empty()) log(error.hint());
    // What the function itself told init/error is its answer, word for word.
    if (error.what().starts_with("{")) {
      result.payload = error.what();
      result.function_error = "Unhandled";
    } else {
      result = failed(request, type, error.what());
    }
  } else {
    const OneShot<Outcome> outcome;
    outcome_ = outcome;
    event_ = Event{request.request_id, std::move(request.payload), request.invoked_arn,
                   request.client_context, (clock.now() + code_.timeout).unix_ms};
    if (next_waiter_) {
      const OneShot<bool> waiter = *std::exchange(next_waiter_, std::nullopt);
      parts_.loop.post([waiter] { waiter.set(true); });
    }
    Outcome ended{Outcome::Kind::exited, "", ""};
    {
      Scope timer;
      timer.spawn(give_up_after(code_.timeout, outcome));
      if (!dead_) ended = co_await outcome.wait();
    }
    outcome_.reset();
    event_.reset();
    current_id_.clear();
    drain_log();
    if (ended.kind == Outcome::Kind::timed_out) kill();
    result = result_of(request, std::move(ended));
  }
  result.cold_start = cold;
  result.duration = clock.steady_now() - begun;
  report(request, result.duration, cold ? init_duration_ : std::nullopt);
  result.log_tail = tail_;
  if (!dead_) release();
  co_return result;
}

std::string Instance::max_memory_used() const {
  if (!process_) return "0";
  // The first process of the tree is our own little init; its child is the function.
  const auto pid = process_->pid();
  auto children = read_whole_file(fmt::format("/proc/{}/task/{}/children", pid, pid), 4096);
  if (!children.ok()) return "0";
  const auto child = children->substr(0, children->find(' '));
  if (child.empty()) return "0";
  auto status = read_whole_file(fmt::format("/proc/{}/status", child), 65536);
  if (!status.ok()) return "0";
  const auto at = status->find("VmHWM:");
  if (at == std::string::npos) return "0";
  return std::to_string((std::atoll(status->c_str() + at + 6) + 1023) / 1024);
}

void Instance::report(const InvokeRequest& request, std::chrono::milliseconds duration,
                      std::optional<std::chrono::milliseconds> init) {
  log(fmt::format("END RequestId: {}", request.request_id));
  std::string line = fmt::format(
      "REPORT RequestId: {}\tDuration: {}.00 ms\tBilled Duration: {} ms\tMemory Size: {} MB\t"
      "Max Memory Used: {} MB\t",
      request.request_id, duration.count(), duration.count() + (init ? init->count() : 0),
      code_.memory_mb, max_memory_used());
  if (init) line += fmt::format("Init Duration: {}.00 ms\t", init->count());
  log(line);
}

void Instance::log(std::string_view line) {
  parts_.logs.add(code_.function, code_.version, line);
  tail_.append(line.substr(0, kMaxPendingLineBytes)).append("\n");
  if (tail_.size() > kLogTailBytes) tail_.erase(0, tail_.size() - kLogTailBytes);
}

Task<void> Instance::pump_log() {
  for (;;) {
    auto waited = co_await log_pipe_->readable();
    // The end of the pipe would be readable for ever.
    if (!waited.ok() || !drain_log()) co_return;
  }
}

// False at the end of the pipe.
bool Instance::drain_log() {
  if (!log_pipe_) return false;
  char buffer[16384];
  // A bound, so that a function that never stops printing does not keep the loop to itself.
  for (int round = 0; round < 64; ++round) {
    const ssize_t count = ::read(log_pipe_->get(), buffer, sizeof buffer);
    if (count <= 0) {
      if (count == 0 && !log_rest_.empty()) log(std::exchange(log_rest_, ""));
      return count < 0;
    }
    log_rest_.append(buffer, static_cast<size_t>(count));
    size_t begin = 0;
    for (size_t end; (end = log_rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
      log(std::string_view(log_rest_).substr(begin, end - begin));
    log_rest_.erase(0, begin);
    if (log_rest_.size() > kMaxPendingLineBytes) log(std::exchange(log_rest_, ""));
  }
  return true;
}

}  // namespace pawl::sandbox
