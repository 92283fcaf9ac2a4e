#include "engine/steps/health.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/backoff.h"
#include "core/version_order.h"

namespace pawl::steps {
namespace {

constexpr size_t kShownLength = 80;

// "checks.0.status": names and, in lists, numbers.
const json::value* at_path(const json::value& root, std::string_view path) {
  const json::value* value = &root;
  while (value != nullptr && !path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string_view part = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    if (const auto* object = value->if_object()) {
      value = object->if_contains(part);
    } else if (const auto* list = value->if_array()) {
      const bool is_number =
          !part.empty() && part.size() < 6 &&
          std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
      value = is_number ? list->if_contains(std::stoul(std::string(part))) : nullptr;
    } else {
      value = nullptr;
    }
  }
  return value;
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

std::string shortened(std::string text) {
  return text.size() <= kShownLength ? text : text.substr(0, kShownLength) + "...";
}

std::string join_url(const std::string& base, const std::string& path) {
  const bool doubled = !base.empty() && base.back() == '/' && !path.empty() && path[0] == '/';
  return doubled ? base + path.substr(1) : base + path;
}

json::object try_data(int number, int of, const HealthAnswer& answer,
                      std::chrono::milliseconds next_wait) {
  return {{"number", number},
          {"of", of},
          {"result", answer.result},
          {"ok", answer.ok},
          {"next_wait_ms", next_wait.count()}};
}

}  // namespace

std::string judge(const HealthSettings& settings, const ProbeAnswer& answer,
                  const std::string& version) {
  if (answer.status >= 300 && answer.status < 400)
    return fmt::format("HTTP {}: a redirect, which is not followed", answer.status);
  if (answer.status != settings.expect_status)
    return fmt::format("HTTP {} (expected {})", answer.status, settings.expect_status);
  if (!settings.version_header.empty() && !version.empty()) {
    if (answer.version_header.empty())
      return fmt::format("{} is missing (expected {})", settings.version_header, version);
    if (strip_v(answer.version_header) != strip_v(version))
      return fmt::format("{} is {} (expected {})", settings.version_header,
                         shortened(answer.version_header), version);
  }
  return judge_body(settings.expect_json, answer.body);
}

std::string judge_body(const std::map<std::string, std::string>& expected,
                       const std::string& body) {
  if (expected.empty()) return "";
  const auto parsed = parse_json(body, "the body");
  if (!parsed.ok()) return "the body is not JSON";
  for (const auto& [path, wanted] : expected) {
    const json::value* value = at_path(*parsed, path);
    if (value == nullptr) return fmt::format("'{}' is missing in the body", path);
    if (text_of(*value) != wanted)
      return fmt::format("'{}' is {} (expected {})", path, shortened(text_of(*value)), wanted);
  }
  return "";
}

Task<HealthAnswer> ask_once(HealthProbe& probe, HealthSettings settings, std::string base_url,
                            std::string version) {
  HealthAnswer answer;
  const std::string url = join_url(base_url, settings.path);
  auto got = co_await probe.ask(url, settings.version_header, settings.timeout);
  if (!got.ok()) {
    answer.stopped = got.error().kind() == ErrorKind::interrupted;
    answer.result = "no answer: " + got.error().message();
    co_return answer;
  }
  answer.status = got->status;
  answer.version = got->version_header;
  const std::string complaint = judge(settings, *got, version);
  answer.ok = complaint.empty();
  answer.result = complaint;
  if (answer.ok)
    answer.result = fmt::format("HTTP {}{}", answer.status,
                                answer.version.empty() ? "" : ", version " + answer.version);
  co_return answer;
}

Task<Result<json::object>> check_until_healthy(StepContext& context, HealthProbe& probe,
                                               HealthCheck check) {
  const SteadyTime start = context.clock().steady_now();
  const std::string url = join_url(check.base_url, check.settings.path);
  int passes = 0;
  std::string last;
  for (int attempt = 1; attempt <= check.attempts; ++attempt) {
    const HealthAnswer answer =
        co_await ask_once(probe, check.settings, check.base_url, check.version);
    if (answer.stopped) co_return Error(ErrorKind::interrupted, "asked to stop");
    passes = answer.ok ? passes + 1 : 0;
    last = answer.result;
    const bool is_healthy = passes >= check.settings.passes;
    const bool is_last = is_healthy || attempt == check.attempts;
    // Between good answers the next one need not be waited for as long as for an application to
    // start.
    const auto wait = is_last ? std::chrono::milliseconds(0)
                              : health_wait(answer.ok ? 1 : attempt, check.settings.max_wait);
    PAWL_CO_CHECK(co_await context.record_attempt(try_data(attempt, check.attempts, answer, wait)));
    const std::string next =
        wait.count() > 0 ? fmt::format("; next in {}", format_duration(wait)) : "";
    context.log(fmt::format("{} of {}: {}{}", attempt, check.attempts, answer.result, next));
    if (is_healthy) {
      const auto took = context.clock().steady_now() - start;
      json::object outputs{{"attempts", attempt},
                           {"seconds", static_cast<double>(took.count()) / 1000.0},
                           {"version", answer.version},
                           {"url", url}};
      co_return outputs;
    }
    if (!is_last) PAWL_CO_CHECK(co_await context.clock().sleep_for(wait));
  }
  co_return Error(
      ErrorKind::failed,
      fmt::format("{} did not answer well within {} attempts ({}); last: {}", url, check.attempts,
                  format_duration(context.clock().steady_now() - start), last));
}

Error explain_url_error(Error error, const std::string& api) {
  if (error.kind() != ErrorKind::not_found) return error;
  return Error(ErrorKind::not_found, fmt::format("there is no HTTP API called {}", api))
      .with_hint(
          "create it with Terraform first, or set url in pawl.yaml to the address or the "
          "API's name");
}

}  // namespace pawl::steps
