// One running copy of a function: its process, its Runtime API, one event at a time. What the
// function did wrong comes back as Lambda says it; the log gets Lambda's lines.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "net/watched_fd.h"
#include "sandbox/function_runner.h"
#include "sandbox/runner/function_logs.h"
#include "sandbox/runner/image.h"
#include "sandbox/runner/spawn.h"

namespace pawl::sandbox {

constexpr std::chrono::seconds kInitLimit{10};  // Lambda's

struct RunnerSettings {
  std::string region = "us-east-1";
  std::string account = "000000000000";
  /// For every function, under its own variables: credentials, for example.
  std::map<std::string, std::string> environment;
  /// The AWS endpoint, offered on the same port of the function's own loopback; 0: not at all.
  uint16_t aws_port = 0;
  HttpHandler aws_handler;
  size_t max_instances = 40;
  size_t max_instances_of_version = 10;
  std::chrono::milliseconds keep_idle{5 * 60'000};
  UnpackLimits unpack;
};

/// What Lambda puts into a function's environment, the image's variables below, the function's
/// above. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
std::vector<std::string> function_environment(const FunctionCode& code, const ImageRunConfig& image,
                                              const RunnerSettings& settings,
                                              const std::string& runtime_api,
                                              const std::string& log_stream);

class Instance {
 public:
  struct Parts {
    Loop& loop;
    FunctionLogs& logs;
    const RunnerSettings& settings;
    const Isolation& isolation;
    std::string id;  // names the log stream
  };
  Instance(Parts parts, FunctionCode code, UnpackedImage image);
  ~Instance();

  /// Starts the process and waits for its first call of invocation/next (or its end).
  Task<Result<void>> start();
  /// One at a time; call when is_idle(). Starts the process if start() was not called.
  Task<InvokeResult> invoke(InvokeRequest request);

  const FunctionCode& code() const { return code_; }
  bool is_idle() const { return !dead_ && !busy_; }
  bool is_dead() const { return dead_; }
  SteadyTime idle_since() const { return idle_since_; }
  /// Ends with its current call, or now.
  void retire();
  bool is_retired() const { return retired_; }
  void kill();
  /// Claimed by a caller that has not invoked yet.
  void claim() { busy_ = true; }
  void release();

 private:
  // How an event, or the init phase, ended.
  struct Outcome {
    enum class Kind { ready, response, error, init_error, exited, timed_out } kind;
    std::string body;
    std::string error_type;
  };
  struct Event {
    std::string id;
    std::string payload;
    std::string arn;
    std::string client_context;
    int64_t deadline_ms = 0;
  };

  Result<void> spawn();
  Result<void> serve_apis(FunctionProcess& process);
  Task<ServerResponse> runtime_api(ServerRequest& request);
  Task<ServerResponse> next_event();
  Task<ServerResponse> take_outcome(ServerRequest& request, std::string wanted, Outcome::Kind kind);
  Task<void> pump_log();
  Task<void> watch_process();
  Task<void> give_up_after(std::chrono::milliseconds limit, OneShot<Outcome> outcome);
  void settle(Outcome outcome);
  bool drain_log();
  void log(std::string_view line);
  InvokeResult failed(const InvokeRequest& request, std::string type, std::string message);
  InvokeResult result_of(const InvokeRequest& request, Outcome outcome);
  std::string max_memory_used() const;
  void report(const InvokeRequest& request, std::chrono::milliseconds duration,
              std::optional<std::chrono::milliseconds> init);

  Parts parts_;
  FunctionCode code_;
  UnpackedImage image_;
  std::optional<FunctionProcess> process_;
  std::optional<WatchedFd> log_pipe_;
  std::string log_rest_;  // an unfinished line
  std::string tail_;      // of the current call
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::optional<Event> event_;  // waits for invocation/next
  std::string current_id_;      // was handed out
  std::optional<OneShot<bool>> next_waiter_;
  std::optional<OneShot<Outcome>> outcome_;  // of init or of the current event
  std::string exit_words_;
  std::optional<std::chrono::milliseconds> init_duration_;
  bool initialised_ = false;
  bool busy_ = false;
  bool dead_ = false;
  bool retired_ = false;
  SteadyTime idle_since_;
  Scope scope_;  // last: its tasks use all of the above
};

}  // namespace pawl::sandbox
