#include "aws/instance_metadata.h"

#include <fmt/format.h>

#include <charconv>

#include "aws/answered_credentials.h"
#include "aws/canonical.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr const char* kTokenPath = "/latest/api/token";
constexpr const char* kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr const char* kTokenSeconds = "21600";
constexpr size_t kMaxAnswerBytes = 64u << 10;
// The service may give credentials that have ended while it cannot renew them; AWS may still take
// them, and the SDKs go on with them for so long.
constexpr std::chrono::minutes kServedBeyondTheirEnd{15};

class InstanceIssuer : public CredentialIssuer {
 public:
  InstanceIssuer(ClientPorts ports, InstanceMetadata metadata)
      : ports_(std::move(ports)), metadata_(std::move(metadata)) {}

  Task<Result<Credentials>> issue() override {
    auto given = co_await ask();
    if (given.ok()) co_return given;
    co_return std::move(given)
        .while_doing(fmt::format("asking the instance metadata service at {} for AWS credentials",
                                 metadata_.endpoint))
        .error();
  }

 private:
  Task<Result<Credentials>> ask() {
    Headers lifetime;
    lifetime.set("X-aws-ec2-metadata-token-ttl-seconds", kTokenSeconds);
    auto token = co_await send("PUT", kTokenPath, std::move(lifetime));
    if (!token.ok()) co_return without_token(std::move(token).error());
    register_for_redaction(*token);
    Headers session;
    session.set("X-aws-ec2-metadata-token", *token);
    auto roles = co_await send("GET", kRolePath, session);
    if (!roles.ok() && roles.error().kind() == ErrorKind::not_found)
      co_return Error(ErrorKind::not_found, "this instance has no role")
          .with_hint("give the instance a role (an instance profile)");
    if (!roles.ok()) co_return std::move(roles).error();
    const std::string role(trim(std::string_view(*roles).substr(0, roles->find('\n'))));
    if (role.empty()) co_return Error(ErrorKind::not_found, "this instance has no role");
    const std::string path = kRolePath + url_encode(role);
    PAWL_CO_TRY(const std::string body, co_await send("GET", path, session));
    co_return read(body, role);
  }

  Result<Credentials> read(const std::string& body, const std::string& role) const {
    const std::string what = fmt::format("the answer for the role {}", role);
    const auto answer = parse_json_object(body, what);
    if (!answer.ok()) return Error(ErrorKind::corrupt, what + " is no JSON object");
    if (const auto code = string_or(*answer, "Code", "Success"); code != "Success")
      return Error(ErrorKind::denied, fmt::format("{}: {}", code, string_or(*answer, "Message")))
          .with_code(code);
    PAWL_TRY(auto given, read_answered_credentials(*answer, what));
    given.source = fmt::format("the instance's role {}", role);
    if (given.expires && *given.expires <= ports_.now())
      given.expires = ports_.now() + kServedBeyondTheirEnd;
    return given;
  }

  Error without_token(Error error) const {
    const auto kind = error.kind();
    // A container's packet dies on the hop from its host when the instance allows one hop only.
    if (kind == ErrorKind::timeout)
      return std::move(error)
          .as(ErrorKind::not_found)
          .with_hint(
              "in a container on EC2, the instance's metadata hop limit must be 2; elsewhere, "
              "AWS_EC2_METADATA_DISABLED=true spares the wait");
    if (kind == ErrorKind::unavailable) return std::move(error).as(ErrorKind::not_found);
    return error;
  }

  Task<Result<std::string>> send(std::string method, std::string path, Headers headers) {
    RetryPolicy policy;
    policy.attempts = metadata_.attempts;
    HttpRequest request;
    request.method = std::move(method);
    request.url = metadata_.endpoint + path;
    request.headers = std::move(headers);
    request.timeout = metadata_.timeout;
    request.connect_timeout = metadata_.timeout;
    request.max_body_bytes = kMaxAnswerBytes;
    request.is_direct = true;
    PAWL_CO_TRY(auto response,
                co_await with_retry<HttpResponse>(ports_.clock, ports_.entropy, policy,
                                                  [this, &request] { return attempt(request); }));
    co_return std::move(response.body);
  }

  Task<Result<HttpResponse>> attempt(const HttpRequest& request) {
    HttpRequest copy = request;
    PAWL_CO_TRY(auto response, co_await ports_.http.send(std::move(copy)));
    if (response.is_success()) co_return response;
    co_return Error(error_kind_of_status(response.status),
                    fmt::format("{} answered {}", request.url, response.status))
        .with_http_status(response.status);
  }

  ClientPorts ports_;
  InstanceMetadata metadata_;
};

std::string chosen(const Variables& variables, const Profiles& profiles, const char* name,
                   const char* setting) {
  auto value = variable(variables, name);
  return value.empty() ? profiles.setting(setting) : value;
}

Result<int> small_number(const std::string& text, const char* name, int most) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || number < 1 || number > most)
    return Error(ErrorKind::usage, fmt::format("{} is '{}'", name, text))
        .with_hint(fmt::format("it must be a number from 1 to {}", most));
  return number;
}

}  // namespace

Result<std::optional<InstanceMetadata>> instance_metadata_from(const Variables& variables,
                                                               const Profiles& profiles) {
  std::optional<InstanceMetadata> none;
  if (lower_case(variable(variables, "AWS_EC2_METADATA_DISABLED")) == "true") return none;
  InstanceMetadata metadata;
  const auto mode = lower_case(chosen(variables, profiles, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                      "ec2_metadata_service_endpoint_mode"));
  if (mode == "ipv6") metadata.endpoint = "http://[fd00:ec2::254]";
  if (auto endpoint = chosen(variables, profiles, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                             "ec2_metadata_service_endpoint");
      !endpoint.empty()) {
    if (!split_url(endpoint))
      return Error(ErrorKind::usage,
                   fmt::format("AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL: '{}'", endpoint));
    while (endpoint.back() == '/') endpoint.pop_back();
    metadata.endpoint = std::move(endpoint);
  }
  if (const auto text =
          chosen(variables, profiles, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout");
      !text.empty()) {
    constexpr int kMostSeconds = 60;
    PAWL_TRY(const int seconds, small_number(text, "AWS_METADATA_SERVICE_TIMEOUT", kMostSeconds));
    metadata.timeout = std::chrono::seconds(seconds);
  }
  if (const auto text = chosen(variables, profiles, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
                               "metadata_service_num_attempts");
      !text.empty()) {
    constexpr int kMostAttempts = 20;
    PAWL_TRY(metadata.attempts,
             small_number(text, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", kMostAttempts));
  }
  return std::optional(std::move(metadata));
}

std::unique_ptr<CredentialSource> instance_credentials(ClientPorts ports,
                                                       InstanceMetadata metadata) {
  auto issuer = std::make_unique<InstanceIssuer>(ports, std::move(metadata));
  return renewed_ahead(std::move(ports), std::move(issuer));
}

}  // namespace pawl::aws
