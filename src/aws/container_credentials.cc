#include "aws/container_credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/answered_credentials.h"
#include "aws/canonical.h"
#include "aws/small_file.h"

namespace pawl::aws {
namespace {

constexpr std::string_view kEcsAgent = "http://169.254.170.2";
constexpr std::array<std::string_view, 3> kAgents = {"169.254.170.2", "169.254.170.23",
                                                     "[fd00:ec2::23]"};
constexpr std::chrono::seconds kLimit{2};
constexpr int kTries = 3;
constexpr size_t kMaxAnswerBytes = 64u << 10;

bool may_be_plain(const std::string& host) {
  return is_loopback_host(host) || std::find(kAgents.begin(), kAgents.end(), host) != kAgents.end();
}

class ContainerIssuer : public CredentialIssuer {
 public:
  ContainerIssuer(ClientPorts ports, ContainerEndpoint endpoint)
      : ports_(std::move(ports)), endpoint_(std::move(endpoint)) {}

  Task<Result<Credentials>> issue() override {
    RetryPolicy policy;
    policy.attempts = kTries;
    auto answer = co_await with_retry<HttpResponse>(ports_.clock, ports_.entropy, policy,
                                                    [this] { return ask(); });
    if (!answer.ok())
      co_return std::move(answer)
          .while_doing("asking the container's agent for AWS credentials")
          .error();
    PAWL_CO_TRY(auto object,
                parse_json_object(answer->body, "the answer of the container's agent"));
    PAWL_CO_TRY(auto given,
                read_answered_credentials(object, "the answer of the container's agent"));
    given.source = "the container's agent";
    co_return given;
  }

 private:
  Task<Result<HttpResponse>> ask() {
    HttpRequest request;
    request.url = endpoint_.url;
    request.timeout = kLimit;
    request.connect_timeout = kLimit;
    request.max_body_bytes = kMaxAnswerBytes;
    request.is_direct = endpoint_.url.starts_with("http://");
    request.headers.set("Accept", "application/json");
    PAWL_CO_TRY(const std::string token, authorization());
    if (!token.empty()) request.headers.set("Authorization", token);
    PAWL_CO_TRY(auto response, co_await ports_.http.send(std::move(request)));
    if (response.is_success()) co_return response;
    // The body may be a credential of somebody's; its message alone is quoted.
    std::string message;
    if (const auto object = parse_json_object(response.body, "the answer"); object.ok())
      message = string_or(*object, "message", string_or(*object, "Message"));
    co_return Error(error_kind_of_status(response.status),
                    fmt::format("{} answered {}{}{}", url_for_people(endpoint_.url),
                                response.status, message.empty() ? "" : ": ", message))
        .with_http_status(response.status);
  }

  Result<std::string> authorization() const {
    std::string token = endpoint_.token.reveal_for("the container's agent");
    if (!endpoint_.token_file.empty()) {
      auto text = read_small_file(endpoint_.token_file);
      if (!text.ok())
        return std::move(text)
            .while_doing("reading AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
            .error();
      token = trim(*text);
      register_for_redaction(token);
    }
    if (token.find_first_of("\r\n") != std::string::npos)
      return Error(ErrorKind::config, "the container's authorization token has several lines");
    return token;
  }

  ClientPorts ports_;
  ContainerEndpoint endpoint_;
};

}  // namespace

Result<std::optional<ContainerEndpoint>> container_endpoint(const Variables& variables) {
  std::optional<ContainerEndpoint> none;
  ContainerEndpoint endpoint;
  const std::string relative = variable(variables, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = variable(variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return none;
  endpoint.url = relative.empty() ? full : std::string(kEcsAgent) + relative;
  const auto parts = split_url(endpoint.url);
  if (!parts || (!relative.empty() && relative[0] != '/'))
    return Error(ErrorKind::config, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI is none");
  if (parts->scheme == "http" && !may_be_plain(parts->host))
    return Error(ErrorKind::config,
                 fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI is plain HTTP to {}", parts->host))
        .with_hint("it must be https, or this machine's, or that of an ECS or EKS agent");
  endpoint.token_file = variable(variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  endpoint.token = Secret(variable(variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
  return std::optional(std::move(endpoint));
}

std::unique_ptr<CredentialSource> container_credentials(ClientPorts ports,
                                                        ContainerEndpoint endpoint) {
  auto issuer = std::make_unique<ContainerIssuer>(ports, std::move(endpoint));
  return renewed_ahead(std::move(ports), std::move(issuer));
}

}  // namespace pawl::aws
