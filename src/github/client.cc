#include "github/client.h"

#include <fmt/format.h>

#include <charconv>

namespace pawl {
namespace {

constexpr const char* kApiVersion = "2022-11-28";
constexpr std::chrono::milliseconds kTimeout{20'000};
// Longer waits than this are not waited out within a notification.
constexpr int kMaxRateLimitWaitSeconds = 60;

// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
bool is_rate_limit(const HttpResponse& response) {
  if (response.status == 429) return true;
  if (response.status != 403) return false;
  return response.headers.has("retry-after") ||
         response.headers.get_or("x-ratelimit-remaining", "") == "0" ||
         response.body.find("secondary rate limit") != std::string::npos;
}

// The sentence in GitHub's error body, with the fields that validation complained about.
std::string message_of(const HttpResponse& response) {
  auto body = parse_json_object(response.body, "GitHub's answer");
  if (!body.ok()) return response.body.substr(0, kQuotedBodyBytes);
  std::string text = string_or(*body, "message");
  // Somebody between GitHub and us has words of his own.
  if (text.empty()) return response.body.substr(0, kQuotedBodyBytes);
  if (const auto* errors = find(*body, "errors"); errors != nullptr && errors->is_array())
    for (const auto& each : errors->get_array()) {
      if (!each.is_object()) continue;
      const auto& object = each.get_object();
      text += fmt::format("; {} {} {}", string_or(object, "field"), string_or(object, "code"),
                          string_or(object, "message"));
    }
  return text;
}

}  // namespace

GitHubClient::GitHubClient(HttpClient& http, Clock& clock, Entropy& entropy, GitHubOptions options)
    : http_(http), clock_(clock), entropy_(entropy), options_(std::move(options)) {
  while (!options_.api_url.empty() && options_.api_url.back() == '/') options_.api_url.pop_back();
}

Task<Result<HttpResponse>> GitHubClient::send_once(std::string method, std::string url,
                                                   std::string body) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.timeout = kTimeout;
  request.headers.set("Accept", "application/vnd.github+json");
  request.headers.set("X-GitHub-Api-Version", kApiVersion);
  if (!options_.token.empty())
    request.headers.set("Authorization", "Bearer " + options_.token.reveal_for(options_.api_url));
  if (!body.empty()) {
    request.headers.set("Content-Type", "application/json");
    request.body = std::move(body);
  }
  PAWL_CO_TRY(auto response, co_await http_.send(std::move(request)));
  if (!response.is_success()) co_return failure(response, method, url);
  co_return response;
}

Task<Result<HttpResponse>> GitHubClient::send(std::string method, std::string url,
                                              std::string body) {
  const bool reads = method == "GET";
  const RetryPolicy policy;
  for (int attempt = 1;; ++attempt) {
    auto response = co_await send_once(method, url, body);
    if (response.ok()) co_return response;
    const Error& error = response.error();
    const bool did_nothing = error.kind() == ErrorKind::throttled;
    if (attempt >= policy.attempts || !is_transient(error.kind()) || (!reads && !did_nothing) ||
        error.retry_after_seconds() > kMaxRateLimitWaitSeconds)
      co_return response;
    PAWL_CO_CHECK(co_await clock_.sleep_for(retry_wait(policy, attempt, error, entropy_)));
  }
}

Error GitHubClient::failure(const HttpResponse& response, const std::string& method,
                            const std::string& url) const {
  const auto parts = split_url(url);
  const std::string what = fmt::format(
      "{} {} on {} answered {}: {}", method, parts ? parts->path : url,
      parts ? parts->authority() : options_.api_url, response.status, message_of(response));
  Error error = error_from_response(response, method);
  ErrorKind kind = error.kind();
  std::string hint;
  int wait = error.retry_after_seconds();
  if (is_rate_limit(response)) {
    kind = ErrorKind::throttled;
    if (wait == 0) {
      const auto reset = response.headers.get_or("x-ratelimit-reset", "");
      int64_t at = 0;
      std::from_chars(reset.data(), reset.data() + reset.size(), at);
      const int64_t left = at - clock_.now().unix_ms / 1000;
      wait = at > 0 && left > 0 ? static_cast<int>(std::min<int64_t>(left, 3600)) : 60;
    }
  } else if (response.status == 401) {
    hint = "the token is not valid: set GITHUB_TOKEN to one that is";
  } else if (response.status == 403 || response.status == 404) {
    const auto wanted = response.headers.get_or("x-accepted-github-permissions", "");
    hint = wanted.empty() ? "the token may lack a permission, or the repository does not exist"
                          : "the token needs: " + wanted;
    if (url.find("/check-runs") != std::string::npos)
      hint += "; check runs are made with an App's token only, such as GITHUB_TOKEN in Actions";
  }
  return Error(kind, what)
      .with_http_status(response.status)
      .with_retry_after(wait)
      .with_outcome_unknown(error.outcome_unknown())
      .with_hint(hint);
}

Task<Result<json::value>> GitHubClient::call(std::string method, std::string path,
                                             json::object body) {
  PAWL_CO_TRY(auto response, co_await send(method, options_.api_url + path, json::serialize(body)));
  if (response.body.empty()) co_return json::value(nullptr);
  co_return parse_json(response.body, "GitHub's answer to " + path);
}

Task<Result<json::value>> GitHubClient::get(std::string path) {
  PAWL_CO_TRY(auto response, co_await send("GET", options_.api_url + path, ""));
  co_return parse_json(response.body, "GitHub's answer to " + path);
}

Task<Result<json::array>> GitHubClient::list(std::string path, std::string member) {
  json::array all;
  std::string url = options_.api_url + path;
  for (int page = 0; page < kMaxPages && !url.empty(); ++page) {
    PAWL_CO_TRY(auto response, co_await send("GET", url, ""));
    PAWL_CO_TRY(auto value, parse_json(response.body, "GitHub's answer to " + path));
    const json::value* items = member.empty() ? &value : find(value, member);
    if (items == nullptr || !items->is_array())
      co_return Error(ErrorKind::corrupt, "GitHub's answer to " + path + " is not a list");
    for (const auto& item : items->get_array()) all.push_back(item);
    url = next_page(response.headers.get_or("link", ""));
    // The token goes to the API that was configured, wherever a header points.
    if (url.rfind(options_.api_url + "/", 0) != 0) url.clear();
  }
  co_return all;
}

std::string next_page(std::string_view link_header) {
  size_t at = 0;
  while (at < link_header.size()) {
    const size_t open = link_header.find('<', at);
    if (open == std::string_view::npos) return "";
    const size_t close = link_header.find('>', open);
    if (close == std::string_view::npos) return "";
    const size_t next = std::min(link_header.find('<', close), link_header.size());
    const auto parameters = link_header.substr(close, next - close);
    if (parameters.find("rel=\"next\"") != std::string_view::npos)
      return std::string(link_header.substr(open + 1, close - open - 1));
    at = next;
  }
  return "";
}

}  // namespace pawl
