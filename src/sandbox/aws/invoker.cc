#include "sandbox/aws/invoker.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"

namespace pawl::sandbox {

namespace {

constexpr size_t kMaxWaitingEvents = 100;

/// Counts a running call for as long as it lives.
class Running {
 public:
  explicit Running(int& count) : count_(count) { ++count_; }
  ~Running() { --count_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  int& count_;
};

Error too_many(const std::string& reason) {
  return cloud::aws_error(429, "TooManyRequestsException", "Rate Exceeded. " + reason);
}

/// Everything that makes a running instance stale when it changes.
std::string revision_of(const cloud::FunctionSettings& s) {
  std::string text = s.resolved_image_uri + '\n' + s.working_directory + '\n' +
                     fmt::format("{} {}\n", s.timeout_seconds, s.memory_mb);
  for (const auto& [name, value] : s.environment) text += name + '=' + value + '\n';
  for (const std::string& word : s.entry_point) text += word + '\n';
  text += '\n';
  for (const std::string& word : s.command) text += word + '\n';
  constexpr size_t kEnough = 16;
  return sha256_hex(text).substr(0, kEnough);
}

}  // namespace

FunctionCode code_of(const cloud::FunctionVersion& version) {
  const cloud::FunctionSettings& s = version.settings;
  FunctionCode code;
  code.function = version.function;
  code.version = version.version;
  code.image_uri = s.image_uri;
  // host/repository@digest
  const size_t slash = s.resolved_image_uri.find('/');
  const size_t at = s.resolved_image_uri.find('@');
  if (slash != std::string::npos && at != std::string::npos && slash < at) {
    code.repository = s.resolved_image_uri.substr(slash + 1, at - slash - 1);
    code.image_digest = s.resolved_image_uri.substr(at + 1);
  }
  code.revision = revision_of(s);
  code.environment = s.environment;
  code.command = s.command;
  code.entry_point = s.entry_point;
  code.working_directory = s.working_directory;
  code.timeout = std::chrono::seconds(s.timeout_seconds);
  code.memory_mb = s.memory_mb;
  return code;
}

Invoker::Invoker(cloud::Cloud& cloud, Clock& clock, Entropy& entropy, FunctionRunner& runner)
    : cloud_(cloud),
      clock_(clock),
      entropy_(entropy),
      runner_(runner),
      request_ids_(fmt::format("{:x}{:x}", entropy.next(), entropy.next())),
      later_(&context_) {}

Task<Result<InvokeOutcome>> Invoker::invoke(std::string function, std::string qualifier,
                                            std::string payload, std::string client_context) {
  // 53 random bits make a number in [0, 1).
  const double draw = static_cast<double>(entropy_.next() >> 11) * 0x1.0p-53;
  PAWL_CO_TRY(cloud::Invocation target,
              cloud_.lambda.route(function, qualifier, draw, clock_.now()));
  cloud::Cloud::Call call{function, qualifier, target.executed_version, {}, false, false};
  int& count = running_[function];
  auto reserved = cloud_.lambda.reserved_concurrency(function);
  if (reserved.ok() && reserved->has_value() && count >= **reserved) {
    call.throttled = true;
    cloud_.record_call(call, clock_.now());
    co_return too_many("(the function's reserved concurrency is used up)");
  }
  Running running(count);

  InvokeRequest request;
  request.code = code_of(target.version);
  request.request_id = request_ids_.uuid();
  request.invoked_arn = target.invoked_arn;
  request.payload = std::move(payload);
  request.client_context = std::move(client_context);
  InvokeOutcome outcome;
  outcome.executed_version = target.executed_version;
  outcome.request_id = request.request_id;
  const SteadyTime began = clock_.steady_now();
  auto result = co_await runner_.invoke(std::move(request));
  if (!result.ok()) {
    Error error = std::move(result).error();
    if (error.kind() == ErrorKind::throttled) co_return too_many("(" + error.what() + ")");
    co_return std::move(error)
        .with_code("ServiceException")
        .with_http_status(500)
        .while_doing(fmt::format("running {}:{}", function, target.executed_version));
  }
  call.duration = clock_.steady_now() - began;
  call.failed = !result->function_error.empty();
  cloud_.record_call(call, clock_.now());
  outcome.result = *std::move(result);
  co_return outcome;
}

Result<void> Invoker::invoke_later(std::string function, std::string qualifier,
                                   std::string payload) {
  PAWL_CHECK(cloud_.lambda.get(function, qualifier, clock_.now()));
  if (later_.running() >= kMaxWaitingEvents) return too_many("(too many events wait)");
  later_.spawn(run_later(std::move(function), std::move(qualifier), std::move(payload)));
  return ok();
}

Task<void> Invoker::run_later(std::string function, std::string qualifier, std::string payload) {
  // The service tries three times, a minute and then two apart; a rehearsal need not wait so long.
  constexpr int kTries = 3;
  for (int attempt = 1; attempt <= kTries; ++attempt) {
    auto outcome = co_await invoke(function, qualifier, payload);
    if (outcome.ok() && outcome->result.function_error.empty()) co_return;
    auto slept = co_await clock_.sleep_for(std::chrono::seconds(attempt));
    if (!slept.ok()) co_return;
  }
}

void Invoker::provision(const std::string& function, const std::string& qualifier, int instances) {
  auto version = cloud_.lambda.get(function, qualifier, clock_.now());
  if (version.ok()) runner_.keep_warm(code_of(*version), instances);
}

void Invoker::retire(const std::string& function, const std::string& version) {
  runner_.retire(function, version);
}

}  // namespace pawl::sandbox
