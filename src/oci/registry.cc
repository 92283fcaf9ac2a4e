#include "oci/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/log.h"

namespace pawl::oci {
namespace {

struct ServerWords {
  std::string code;
  std::string message;
};

// {"errors": [{"code": "DENIED", "message": "..."}]}, where the server keeps to the specification.
ServerWords read_words(std::string_view body) {
  ServerWords words;
  if (body.empty() || body.front() != '{') return words;
  const auto parsed = parse_json_object(body, "the error");
  if (!parsed.ok()) return words;
  const json::value* errors = parsed->if_contains("errors");
  if (errors == nullptr || !errors->is_array() || errors->get_array().empty()) return words;
  const json::object* first = errors->get_array().front().if_object();
  if (first == nullptr) return words;
  words.code = string_or(*first, "code").substr(0, 64);
  words.message = string_or(*first, "message").substr(0, kQuotedBodyBytes);
  return words;
}

std::string hint_for(const HttpResponse& response, std::string_view host,
                     std::string_view repository) {
  switch (response.status) {
    case 401:
    case 403:
      return fmt::format("docker login {} with an account that may use {}", host, repository);
    case 404:
      return fmt::format("check the name: does {}/{} exist?", host, repository);
    case 429:
      return "the registry limits its clients: wait, log in, or ask for less at once";
    default:
      return response.status >= 500 ? "the registry itself is in trouble: try again later" : "";
  }
}

// A certificate that is not trusted is most often that of a private CA; one that has run out is
// not.
Error about_trust(Error error, const RegistryOptions& options) {
  if (error.kind() != ErrorKind::failed || !options.base_url.starts_with("https:") ||
      error.message().find("certificate") == std::string::npos ||
      error.message().find("expired") != std::string::npos)
    return error;
  return std::move(error).with_hint(fmt::format(
      "for a private CA put its certificate into /etc/docker/certs.d/{}/ca.crt, or name "
      "it in SSL_CERT_FILE",
      options.host));
}

// Requests with streamed bodies have no limit as a whole, and one of their own at the end of an
// upload.
void limit_silence(HttpRequest& request, std::chrono::milliseconds limit) {
  if (request.timeout.count() > 0) request.timeout = std::min(request.timeout, limit);
  if (!request.source) request.stall_timeout = std::min(request.stall_timeout, limit);
}

std::vector<Challenge> challenges_of(const HttpResponse& response) {
  std::vector<Challenge> all;
  for (const auto& [name, value] : response.headers.fields()) {
    if (!equal_without_case(name, "WWW-Authenticate")) continue;
    for (auto& challenge : parse_challenges(value)) all.push_back(std::move(challenge));
  }
  return all;
}

}  // namespace

Registry::Registry(HttpClient& http, Clock& clock, Entropy& entropy, RegistryOptions options)
    : http_(http),
      clock_(clock),
      entropy_(entropy),
      options_(std::move(options)),
      auth_(http, clock, options_.credentials, options_.host, options_.base_url, options_.tls) {
  const auto parts = split_url(options_.base_url);
  PAWL_ASSERT(parts.has_value());
  origin_ = parts->origin();
}

bool Registry::is_ours(std::string_view url) const {
  const auto parts = split_url(url);
  return parts && parts->origin() == origin_;
}

Task<Result<HttpResponse>> Registry::send_once(HttpRequest request, Access access) {
  for (bool again = false;; again = true) {
    std::string authorization;
    if (is_ours(request.url)) {
      PAWL_CO_TRY(authorization, co_await auth_.header_for(access));
    }
    HttpRequest copy = request;
    copy.multiplex = true;
    limit_silence(copy, options_.silence_limit);
    if (is_ours(copy.url)) copy.tls = options_.tls;
    if (!authorization.empty()) copy.headers.set("Authorization", authorization);
    auto response = co_await http_.send(std::move(copy));
    if (!response.ok())
      co_return about_trust(std::move(response).error(), options_)
          .while_doing(fmt::format("talking to {} about {}", options_.host, access.repository));
    log_debug("{} {} -> {}", request.method, request.url.substr(0, request.url.find('?')),
              response->status);
    // A 401 from where a redirect led is not about our login here.
    if (response->status != 401 || !is_ours(response->url)) co_return response;
    if (again) co_return explain(*response, request.method, access.repository);
    auto challenges = challenges_of(*response);
    PAWL_CO_CHECK(co_await auth_.answer(std::move(challenges), authorization));
    // The login is mended, but these bytes are gone: whoever has them can try again.
    if (request.source && !request.source->rewind())
      co_return explain(*response, request.method, access.repository).as(ErrorKind::unavailable);
  }
}

Task<Result<HttpResponse>> Registry::send(HttpRequest request, Access access) {
  for (int attempt = 1;; ++attempt) {
    auto response = co_await send_once(request, access);
    if (response.ok() && response->status != 429 && response->status < 500) co_return response;
    Error error = response.ok() ? explain(*response, request.method, access.repository)
                                : std::move(response).error();
    if (!is_tried_again(error, attempt)) co_return error;
    const auto wait = retry_wait(options_.retry, attempt, error, entropy_);
    log_debug("{}; again in {} ms", error.message(), wait.count());
    PAWL_CO_CHECK(co_await clock_.sleep_for(wait));
  }
}

Result<std::string> Registry::locate(std::string_view from, std::string_view location) const {
  std::string url = resolve_url(from, location);
  auto parts = split_url(url);
  if (!parts)
    return Error(ErrorKind::corrupt, fmt::format("{} sent us to '{}', which is not a URL",
                                                 options_.host, location.substr(0, 200)));
  // A registry behind a proxy that ends TLS may not know that it is spoken to over https.
  if (options_.base_url.starts_with("https:") && parts->scheme == "http")
    url.replace(0, parts->scheme.size(), "https");
  return url;
}

Error Registry::explain(const HttpResponse& response, std::string_view method,
                        std::string_view repository) const {
  const Error plain = error_from_response(response, method);
  const ServerWords words = read_words(response.body);
  std::string what = fmt::format("{} answered {} to {} of {}/{}", options_.host, response.status,
                                 method, options_.host, repository);
  if (!words.code.empty() || !words.message.empty())
    what += fmt::format(" ({}{}{})", words.code,
                        words.code.empty() || words.message.empty() ? "" : ": ", words.message);
  if (plain.retry_after_seconds() > 0)
    what += fmt::format(", and asks for {} s of pause", plain.retry_after_seconds());
  return Error(plain.kind(), std::move(what))
      .with_hint(hint_for(response, options_.host, repository))
      .with_code(words.code)
      .with_http_status(response.status)
      .with_retry_after(plain.retry_after_seconds())
      .with_outcome_unknown(plain.outcome_unknown());
}

}  // namespace pawl::oci
