#include "aws/web_identity.h"

#include <fmt/format.h>

#include <utility>

#include "aws/canonical.h"
#include "aws/small_file.h"
#include "aws/sts.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr size_t kMaxTokenBytes = 64u << 10;

class FileToken : public TokenProvider {
 public:
  explicit FileToken(std::string path) : path_(std::move(path)) {}

  Task<Result<Secret>> token() override {
    auto text = read_small_file(path_, kMaxTokenBytes);
    if (!text.ok())
      co_return Error(ErrorKind::denied,
                      fmt::format("cannot read the identity token: {}", text.error().message()))
          .with_hint("AWS_WEB_IDENTITY_TOKEN_FILE must name a readable file");
    const std::string_view token = trim(*text);
    if (token.empty())
      co_return Error(ErrorKind::denied, fmt::format("{} holds no identity token", path_));
    co_return Secret(std::string(token));
  }

 private:
  std::string path_;
};

class GithubToken : public TokenProvider {
 public:
  GithubToken(ClientPorts ports, GithubTokenRequest request)
      : ports_(ports), request_(std::move(request)) {}

  Task<Result<Secret>> token() override {
    auto answer = co_await with_retry<HttpResponse>(ports_.clock, ports_.entropy, RetryPolicy{},
                                                    [this] { return ask(); });
    if (!answer.ok())
      co_return std::move(answer).while_doing("asking GitHub for an identity token").error();
    PAWL_CO_TRY(auto object, parse_json_object(answer->body, "GitHub's identity token"));
    PAWL_CO_TRY(auto value, require_string(object, "value", "GitHub's identity token"));
    co_return Secret(std::move(value));
  }

 private:
  Task<Result<HttpResponse>> ask() {
    HttpRequest request;
    request.url = request_.url + (request_.url.find('?') == std::string::npos ? "?" : "&") +
                  "audience=" + url_encode(request_.audience);
    request.headers.set("Authorization", "Bearer " + request_.token.reveal_for("GitHub Actions"));
    request.headers.set("Accept", "application/json; api-version=2.0");
    PAWL_CO_TRY(auto response, co_await ports_.http.send(std::move(request)));
    if (!response.is_success())
      co_return error_from_response(response, "GET")
          .with_hint("the job needs `permissions: id-token: write`");
    co_return response;
  }

  ClientPorts ports_;
  GithubTokenRequest request_;
};

class WebIdentityIssuer : public CredentialIssuer {
 public:
  WebIdentityIssuer(ClientPorts ports, AwsOptions options, WebIdentity identity,
                    std::unique_ptr<TokenProvider> tokens)
      : client_(std::move(ports), std::move(options),
                no_credentials(Error(ErrorKind::internal, "the exchange itself is not signed"))),
        identity_(std::move(identity)),
        tokens_(std::move(tokens)) {}

  Task<Result<Credentials>> issue() override {
    AssumeRequest request;
    request.role_arn = identity_.role_arn;
    request.session_name = identity_.session_name;
    request.duration = identity_.duration;
    PAWL_CO_TRY(request.token, co_await tokens_->token());
    PAWL_CO_TRY(auto given, co_await assume_role_with_web_identity(client_, std::move(request)));
    given.source = fmt::format("{} as the role {}", identity_.source, identity_.role_arn);
    co_return given;
  }

 private:
  Client client_;
  WebIdentity identity_;
  std::unique_ptr<TokenProvider> tokens_;
};

}  // namespace

std::unique_ptr<TokenProvider> token_from_file(std::string path) {
  return std::make_unique<FileToken>(std::move(path));
}

std::unique_ptr<TokenProvider> token_from_github(ClientPorts ports, GithubTokenRequest request) {
  return std::make_unique<GithubToken>(ports, std::move(request));
}

std::unique_ptr<CredentialSource> web_identity_credentials(ClientPorts ports, AwsOptions options,
                                                           WebIdentity identity,
                                                           std::unique_ptr<TokenProvider> tokens) {
  auto issuer = std::make_unique<WebIdentityIssuer>(ports, std::move(options), std::move(identity),
                                                    std::move(tokens));
  return renewed_ahead(std::move(ports), std::move(issuer));
}

}  // namespace pawl::aws
