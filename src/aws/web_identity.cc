#include "aws/web_identity.h"

#include <fmt/format.h>

#include <fstream>
#include <utility>
#include <vector>

#include "aws/canonical.h"
#include "aws/sts.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr size_t kMaxTokenBytes = 64u << 10;

class FileToken : public TokenProvider {
 public:
  explicit FileToken(std::string path) : path_(std::move(path)) {}

  Task<Result<Secret>> token() override {
    std::ifstream file(path_, std::ios::binary);
    if (!file)
      co_return Error(ErrorKind::denied, fmt::format("cannot read the identity token {}", path_))
          .with_hint("AWS_WEB_IDENTITY_TOKEN_FILE must name a readable file");
    std::string text(kMaxTokenBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    const std::string_view token = trim(text);
    if (token.empty() || text.size() > kMaxTokenBytes)
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

class WebIdentitySource : public CredentialSource {
 public:
  WebIdentitySource(ClientPorts ports, AwsOptions options, WebIdentity identity,
                    std::unique_ptr<TokenProvider> tokens)
      : clock_(ports.clock),
        client_(ports, std::move(options),
                no_credentials(Error(ErrorKind::internal, "the exchange itself is not signed"))),
        identity_(std::move(identity)),
        tokens_(std::move(tokens)) {}

  Task<Result<Credentials>> get() override {
    if (current_ && clock_.now() + kRenewAhead < *current_->expires) co_return *current_;
    Result<Credentials> renewed = co_await exchange_once();
    if (!renewed.ok() && current_ && clock_.now() < *current_->expires) co_return *current_;
    co_return renewed;
  }

  void forget() override { current_.reset(); }

 private:
  // Requests that run side by side must not all exchange: the first does, the others wait for what
  // it gets.
  Task<Result<Credentials>> exchange_once() {
    if (is_exchanging_) {
      OneShot<Result<Credentials>> arrival;
      waiting_.push_back(arrival);
      co_return co_await arrival.wait();
    }
    Exchange running{this, Error(ErrorKind::interrupted, "the exchange was given up")};
    is_exchanging_ = true;
    running.result = co_await exchange();
    if (running.result.ok()) current_ = *running.result;
    co_return running.result;
  }

  // Tells those who wait, also when the exchanging task is destroyed in the middle.
  struct Exchange {
    WebIdentitySource* source;
    Result<Credentials> result;
    Exchange(WebIdentitySource* owner, Error otherwise)
        : source(owner), result(std::move(otherwise)) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange() {
      source->is_exchanging_ = false;
      for (auto& waiter : std::exchange(source->waiting_, {})) waiter.set(result);
    }
  };

  Task<Result<Credentials>> exchange() {
    AssumeRequest request;
    request.role_arn = identity_.role_arn;
    request.session_name = identity_.session_name;
    request.duration = identity_.duration;
    PAWL_CO_TRY(request.token, co_await tokens_->token());
    co_return co_await assume_role_with_web_identity(client_, std::move(request));
  }

  Clock& clock_;
  Client client_;
  WebIdentity identity_;
  std::unique_ptr<TokenProvider> tokens_;
  std::optional<Credentials> current_;
  bool is_exchanging_ = false;
  std::vector<OneShot<Result<Credentials>>> waiting_;
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
  return std::make_unique<WebIdentitySource>(ports, std::move(options), std::move(identity),
                                             std::move(tokens));
}

}  // namespace pawl::aws
