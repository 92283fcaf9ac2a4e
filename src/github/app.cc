#include "github/app.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/jwt.h"
#include "github/rate_limit.h"

namespace pawl {
namespace {

// "The time that the JWT was created. To protect against clock drift, we recommend that you set
// this 60 seconds in the past"; "must be no more than 10 minutes into the future".
constexpr int64_t kIssuedBeforeSeconds = 60;
constexpr int64_t kLifeSeconds = 540;
constexpr int64_t kRenewedAheadMs = 60'000;
constexpr int64_t kTokenRenewedAheadMs = 300'000;
constexpr int64_t kTokenLifeMs = 3'600'000;  // when the answer does not say
// A clock that is off by less is not what a 401 is about.
constexpr int64_t kSkewThatMattersMs = 30'000;

/// The App itself: what it may ask for is its installations and their tokens.
class AppToken : public GitHubCredentials {
 public:
  AppToken(Clock& clock, std::string app_id, Secret key)
      : clock_(clock), app_id_(std::move(app_id)), key_(std::move(key)) {}

  Task<Result<Secret>> token() override {
    const int64_t now_ms = clock_.now().unix_ms + skew_ms_;
    if (token_.empty() || now_ms < made_at_ms_ ||
        now_ms > made_at_ms_ + kLifeSeconds * 1000 - kRenewedAheadMs) {
      const json::object claims{{"iat", now_ms / 1000 - kIssuedBeforeSeconds},
                                {"exp", now_ms / 1000 + kLifeSeconds},
                                {"iss", app_id_}};
      auto made = make_jwt(claims, key_);
      if (!made.ok())
        co_return std::move(made).error().while_doing("signing as the App " + app_id_);
      token_ = Secret(*std::move(made));
      made_at_ms_ = now_ms;
    }
    co_return token_;
  }

  // 401 is the answer to a clock that is off: what matters is GitHub's.
  bool renew(const Secret&, std::string_view http_date) override {
    const auto date = parse_http_date(http_date);
    if (!date) return false;
    const int64_t skew_ms = date->unix_ms - clock_.now().unix_ms;
    const int64_t change_ms = skew_ms - skew_ms_;
    if (change_ms > -kSkewThatMattersMs && change_ms < kSkewThatMattersMs) return false;
    skew_ms_ = skew_ms;
    token_ = Secret();
    return true;
  }

  std::string description() const override { return "the App " + app_id_; }

 private:
  Clock& clock_;
  std::string app_id_;
  Secret key_;
  Secret token_;
  int64_t made_at_ms_ = 0;
  int64_t skew_ms_ = 0;  // GitHub's clock less ours
};

GitHubOptions with_credentials(GitHubOptions options, std::shared_ptr<GitHubCredentials> those) {
  options.credentials = std::move(those);
  return options;
}

/// The installation: what it may do is what the App was granted in the repository.
class InstallationToken : public GitHubCredentials {
 public:
  InstallationToken(HttpClient& http, Clock& clock, Entropy& entropy, GitHubAppOptions options)
      : clock_(clock),
        options_(std::move(options)),
        app_(http, clock, entropy,
             with_credentials(options_.api, std::make_shared<AppToken>(clock, options_.app_id,
                                                                       options_.private_key))) {}

  // Calls that run side by side share one new token, or one failure to get it.
  Task<Result<Secret>> token() override {
    while (!is_fresh()) {
      if (is_getting_) {
        const OneShot<bool> turn;
        waiting_.push_back(turn);
        co_await turn.wait();
        if (failure_ && failure_->kind() != ErrorKind::interrupted) co_return *failure_;
        continue;
      }
      is_getting_ = true;
      auto gotten = co_await get_token();
      is_getting_ = false;
      failure_.reset();
      if (!gotten.ok())
        failure_ =
            std::move(gotten).error().while_doing("getting a token for " + options_.repository);
      const std::optional<Error> failure = failure_;
      wake_those_who_wait();
      if (failure) co_return *failure;
      co_return token_;
    }
    co_return token_;
  }

  bool renew(const Secret& rejected, std::string_view) override {
    // Another call may have got a new one meanwhile.
    if (rejected == token_) token_ = Secret();
    return true;
  }

  std::map<std::string, std::string> permissions() const override { return permissions_; }
  std::string description() const override { return "the App " + options_.app_id; }

 private:
  // By hand, never by a destructor: a task that is being destroyed must wake nobody.
  void wake_those_who_wait() {
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& turn : waiting) turn.set(true);
  }

  bool is_fresh() const {
    return !token_.empty() && clock_.now().unix_ms + kTokenRenewedAheadMs < expires_at_ms_;
  }

  Task<Result<int64_t>> installation() {
    if (options_.installation != 0) co_return options_.installation;
    auto found = co_await app_.get(fmt::format("/repos/{}/installation", options_.repository));
    if (!found.ok() && found.error().http_status() == 404)
      co_return std::move(found).error().with_hint(
          fmt::format("install the App {} in {} (its settings, Install App), and let it see that "
                      "repository",
                      options_.app_id, options_.repository));
    if (!found.ok()) co_return std::move(found).error();
    options_.installation = found->is_object() ? int_or(found->get_object(), "id") : 0;
    if (options_.installation == 0)
      co_return Error(ErrorKind::corrupt, "GitHub told of an installation without an id");
    co_return options_.installation;
  }

  // https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
  Task<Result<void>> get_token() {
    PAWL_CO_TRY(const int64_t id, co_await installation());
    const std::string path = fmt::format("/app/installations/{}/access_tokens", id);
    const std::string name = options_.repository.substr(options_.repository.find('/') + 1);
    const int64_t asked_at_ms = clock_.now().unix_ms;
    // No more than it needs: a token that leaks opens this one repository.
    json::object narrow{{"repositories", json::array{json::string(name)}}};
    auto answer = co_await app_.call("POST", path, narrow);
    if (!answer.ok() && answer.error().http_status() == 422) {
      // The repository has another name by now.
      json::object wide;
      answer = co_await app_.call("POST", path, wide);
    }
    if (!answer.ok()) co_return std::move(answer).error();
    const json::object empty;
    const json::object& object = answer->is_object() ? answer->get_object() : empty;
    PAWL_CO_TRY(auto token, require_string(object, "token", "GitHub's installation token"));
    token_ = Secret(std::move(token));
    permissions_.clear();
    if (const auto* granted = find(object, "permissions"); granted && granted->is_object())
      for (const auto& [permission, access] : granted->get_object())
        if (access.is_string()) permissions_[permission] = std::string(access.get_string());
    expires_at_ms_ = asked_at_ms + kTokenLifeMs;
    const auto expires = parse_iso8601(string_or(object, "expires_at"));
    // By a clock that is far off it would be over already, or never.
    const int64_t least_ms = asked_at_ms + 2 * kTokenRenewedAheadMs;
    if (expires.ok() && expires->unix_ms > least_ms && expires->unix_ms < expires_at_ms_)
      expires_at_ms_ = expires->unix_ms;
    co_return ok();
  }

  Clock& clock_;
  GitHubAppOptions options_;
  GitHubClient app_;
  Secret token_;
  std::map<std::string, std::string> permissions_;
  int64_t expires_at_ms_ = 0;
  bool is_getting_ = false;
  std::vector<OneShot<bool>> waiting_;
  std::optional<Error> failure_;  // of the last try
};

}  // namespace

Secret github_app_key(std::string text) {
  constexpr std::string_view kBegin = "-----BEGIN";
  if (text.find(kBegin) == std::string::npos) {
    auto plain = base64_decode(text);
    if (plain.ok() && plain->find(kBegin) != std::string::npos) text = *std::move(plain);
  }
  if (text.find('\n') == std::string::npos)
    for (size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at + 1))
      text.replace(at, 2, "\n");
  // Whoever prints the key prints it by lines.
  constexpr size_t kLeastSecretLine = 16;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const auto line = std::string_view(text).substr(at, end - at);
    if (line.size() >= kLeastSecretLine && line.rfind("-----", 0) != 0)
      register_for_redaction(line);
    at = end + 1;
  }
  return Secret(std::move(text));
}

std::shared_ptr<GitHubCredentials> make_github_app(HttpClient& http, Clock& clock, Entropy& entropy,
                                                   GitHubAppOptions options) {
  return std::make_shared<InstallationToken>(http, clock, entropy, std::move(options));
}

}  // namespace pawl
