#include "engine/steps/hook_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/secret.h"
#include "core/hooks.h"
#include "engine/steps/health.h"

namespace pawl::steps {
namespace {

constexpr size_t kShownAnswerBytes = 1'000;
constexpr size_t kShownReasonBytes = 400;
constexpr size_t kLinesInError = 3;
// Lambda gives the last 4 KB; what is nearly so long may have been cut, in the middle of a secret.
constexpr size_t kMayBeCutBytes = 4'000;

std::string shortened(std::string text, size_t most) {
  if (text.size() <= most) return text;
  const size_t left_out = text.size() - most;
  text.resize(most);
  return text + fmt::format("... [{} bytes more]", left_out);
}

// Lambda's own lines around the function's.
bool is_lambdas_own(std::string_view line) {
  for (const char* start :
       {"START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_START ", "XRAY TraceId:"})
    if (line.rfind(start, 0) == 0) return true;
  return false;
}

// The whole text is cleaned before it is cut: a secret may lie across a border of lines.
std::vector<std::string> lines_of(const std::string& log_tail) {
  const bool may_be_cut = log_tail.size() >= kMayBeCutBytes;
  const std::string clean = may_be_cut ? redact_tail(log_tail) : redact(log_tail);
  std::vector<std::string> lines;
  size_t at = 0;
  while (at < clean.size()) {
    const size_t end = std::min(clean.find('\n', at), clean.size());
    std::string line = clean.substr(at, end - at);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && !is_lambdas_own(line)) lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

// {"errorType": "...", "errorMessage": "..."}, as runtimes report an error.
std::string reason_in(const std::string& payload) {
  const auto parsed = parse_json(payload, "the answer");
  const json::object* object = parsed.ok() ? parsed->if_object() : nullptr;
  const std::string type = object ? string_or(*object, "errorType") : "";
  const std::string message = object ? string_or(*object, "errorMessage") : payload;
  const std::string text = type.empty() || message.empty() ? type + message : type + ": " + message;
  return shortened(redact(text), kShownReasonBytes);
}

// Why an answer that came without a function error is not good; empty: it is.
std::string complaint_about(const std::string& payload,
                            const std::map<std::string, std::string>& expected) {
  const auto parsed = parse_json(payload.empty() ? "null" : payload, "the answer");
  if (parsed.ok() && parsed->is_object()) {
    // Of a handler that answers as to an HTTP API: its own failures come as a status.
    const json::value* status = parsed->get_object().if_contains("statusCode");
    const bool has_status = status != nullptr && status->is_int64();
    if (has_status && (status->get_int64() < 200 || status->get_int64() > 299))
      return fmt::format("statusCode is {}", status->get_int64());
  }
  return redact(judge_body(expected, payload));
}

void read_error(const Error& error, HookAnswer& answer) {
  answer.kind = error.kind();
  answer.result = redact(error.message());
  const bool is_open = error.outcome_unknown() || error.kind() == ErrorKind::timeout ||
                       error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::corrupt;
  answer.effect = is_open ? kEffectUnknown : kEffectNone;
  // A version that is still Pending, or a function that wakes, refuses as a conflict.
  answer.may_pass = is_open || is_transient(error.kind()) || error.kind() == ErrorKind::conflict;
}

// What it printed last, for an error.
std::string last_lines(const std::vector<std::string>& log) {
  std::string last;
  for (size_t i = log.size() - std::min(log.size(), kLinesInError); i < log.size(); ++i)
    last += (last.empty() ? "" : " / ") + shortened(log[i], kShownReasonBytes);
  return last.empty() ? "" : "; it printed last: " + last;
}

// How it failed; empty: it did its work.
std::string failure_in(const FunctionAnswer& got,
                       const std::map<std::string, std::string>& expected, FunctionWords words) {
  const bool is_shown = words == FunctionWords::shown;
  if (!got.function_error.empty())
    return fmt::format("failed ({}){}", got.function_error,
                       is_shown ? ": " + reason_in(got.payload) : "");
  const std::string complaint = complaint_about(got.payload, expected);
  if (complaint.empty()) return "";
  return is_shown ? "did not answer well: " + complaint : "did not answer well";
}

void read_answer(const FunctionAnswer& got, const std::map<std::string, std::string>& expected,
                 FunctionWords words, HookAnswer& answer) {
  const bool is_shown = words == FunctionWords::shown;
  answer.version = got.executed_version;
  if (is_shown) {
    answer.payload = shortened(redact(got.payload), kShownAnswerBytes);
    answer.log = lines_of(got.log_tail);
  }
  const std::string failure = failure_in(got, expected, words);
  if (failure.empty()) {
    answer.effect = kEffectDone;
    answer.result = got.executed_version.empty()
                        ? "done"
                        : fmt::format("done by version {}", got.executed_version);
    return;
  }
  answer.effect = kEffectPart;
  answer.result =
      failure + (is_shown ? last_lines(answer.log)
                          : "; its words are not shown, since its variables could not be read");
}

}  // namespace

Task<FunctionWords> learn_secrets(StepContext& context, Functions& functions, FunctionCall call) {
  auto read = co_await functions.get(call.function, call.qualifier);
  if (read.ok()) co_return FunctionWords::shown;
  context.log(
      fmt::format("what {} says is not shown: its variables, which tell what is secret, could not "
                  "be read ({}); grant lambda:GetFunction on it",
                  call.function, redact(read.error().message())));
  co_return FunctionWords::withheld;
}

std::string with_key(json::object payload, const std::string& key) {
  payload["idempotency_key"] = key;
  return json::serialize(payload);
}

Task<Result<HookAnswer>> call_hook(StepContext& context, FunctionCalls& calls, FunctionCall call,
                                   std::map<std::string, std::string> expected,
                                   FunctionWords words) {
  PAWL_CO_CHECK(co_await context.before_change());
  auto got = co_await with_stop({}, calls.call(std::move(call)));
  HookAnswer answer;
  if (got.ok())
    read_answer(*got, expected, words, answer);
  else
    read_error(got.error(), answer);
  for (const auto& line : answer.log) context.log("  " + line);
  context.log(answer.result);
  co_return answer;
}

}  // namespace pawl::steps
