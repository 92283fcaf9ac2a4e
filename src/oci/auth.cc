#include "oci/auth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"

namespace pawl::oci {
namespace {

constexpr size_t kMaxTokenReplyBytes = 256u << 10;
// The specification's default for a reply without expires_in.
constexpr int64_t kDefaultTokenSeconds = 60;
constexpr int64_t kMaxTokenSeconds = int64_t{24} * 3600;
constexpr std::chrono::milliseconds kTokenTimeout{30'000};
// For what the source of a password knows of its end, this is short enough.
constexpr std::chrono::milliseconds kBasicKept{60'000};

const Challenge* find_scheme(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::find_if(challenges.begin(), challenges.end(),
                                  [&](const Challenge& c) { return c.scheme == scheme; });
  return found == challenges.end() ? nullptr : &*found;
}

std::string basic_value(const Credentials& who, std::string_view receiver) {
  const std::string pair = base64_encode(who.user + ":" + who.password.reveal_for(receiver));
  register_for_redaction(pair);
  return "Basic " + pair;
}

}  // namespace

std::vector<std::string> Access::scopes() const {
  std::vector<std::string> scopes{fmt::format("repository:{}:pull{}{}", repository,
                                              push ? ",push" : "", remove ? ",delete" : "")};
  if (!mount_from.empty()) scopes.push_back(fmt::format("repository:{}:pull", mount_from));
  return scopes;
}

Authenticator::Authenticator(HttpClient& http, Clock& clock,
                             std::shared_ptr<CredentialSource> credentials, std::string host,
                             std::string base_url, std::shared_ptr<const TlsFiles> tls)
    : http_(http),
      clock_(clock),
      credentials_(std::move(credentials)),
      host_(std::move(host)),
      base_url_(std::move(base_url)),
      tls_(std::move(tls)) {}

Error Authenticator::refused(std::string_view what) const {
  return Error(ErrorKind::denied, fmt::format("{} {}", host_, what))
      .with_hint(fmt::format("docker login {}", host_));
}

Task<Result<std::string>> Authenticator::basic_header() {
  if (basic_ && clock_.steady_now() < basic_->until) co_return basic_->header;
  auto found = co_await credentials_->find(host_);
  if (!found.ok()) co_return std::move(found).error();
  const std::optional<Credentials>& who = *found;
  if (!who || who->password.empty())
    co_return refused("wants a user name and a password, and none are known for it");
  basic_ = Token{basic_value(*who, host_), clock_.steady_now() + kBasicKept};
  co_return basic_->header;
}

Task<Result<std::string>> Authenticator::header_for(Access access) {
  if (scheme_ == Scheme::none) co_return std::string();
  if (scheme_ == Scheme::basic) co_return co_await basic_header();
  co_return co_await bearer_header(std::move(access));
}

Task<Result<std::string>> Authenticator::bearer_header(Access access) {
  const auto scopes = access.scopes();
  auto permit = co_await fetching_.try_emplace(scopes, 1).first->second.acquire();
  const auto known = tokens_.find(scopes);
  if (known != tokens_.end() && clock_.steady_now() < known->second.until)
    co_return known->second.header;
  PAWL_CO_TRY(const Token token, co_await fetch_token(access));
  tokens_.insert_or_assign(scopes, token);
  co_return token.header;
}

Task<Result<void>> Authenticator::answer(std::vector<Challenge> challenges, std::string rejected) {
  if (const Challenge* bearer = find_scheme(challenges, "bearer")) {
    const std::string realm = bearer->get("realm");
    PAWL_CO_CHECK(check_realm(realm, base_url_));
    scheme_ = Scheme::bearer;
    realm_ = realm;
    service_ = bearer->get("service");
    // Another request may have renewed the token meanwhile: only the refused one goes.
    std::erase_if(tokens_, [&](const auto& entry) { return entry.second.header == rejected; });
    co_return Result<void>();
  }
  if (find_scheme(challenges, "basic") == nullptr)
    co_return refused("refused the request without saying how to log in");
  const bool first = scheme_ != Scheme::basic;
  scheme_ = Scheme::basic;
  if (basic_ && basic_->header == rejected) {
    // ECR's may have been revoked before its time: where another can be had, it is.
    basic_.reset();
    credentials_->forget(host_);
  }
  PAWL_CO_TRY(const std::string header, co_await basic_header());
  if (!first && header == rejected)
    co_return refused("did not accept the user name and password that are known for it");
  co_return Result<void>();
}

Task<Result<Authenticator::Token>> Authenticator::fetch_token(Access access) {
  auto found = co_await credentials_->find(host_);
  if (!found.ok()) co_return std::move(found).error();
  HttpRequest request = token_request(access, *found);
  const std::string where = split_url(realm_)->origin();
  request.multiplex = true;
  if (where == split_url(base_url_)->origin()) request.tls = tls_;
  auto response = co_await http_.send(std::move(request));
  if (!response.ok())
    co_return std::move(response).error().while_doing(
        fmt::format("asking {} for a token to {}", where, host_));
  if (response->status == 401 || response->status == 403) {
    const std::string_view known = found->has_value() ? "did not accept the credentials"
                                                      : "gives no token without credentials";
    co_return refused(fmt::format("sent us to {} for a token, which answered {}: it {}", where,
                                  response->status, known))
        .with_http_status(response->status);
  }
  if (!response->is_success())
    co_return error_from_response(*response, "GET")
        .while_doing(fmt::format("asking {} for a token to {}", where, host_));
  co_return read_token(*response);
}

HttpRequest Authenticator::token_request(const Access& access,
                                         const std::optional<Credentials>& who) const {
  HttpRequest request;
  request.timeout = kTokenTimeout;
  request.max_body_bytes = kMaxTokenReplyBytes;
  const auto scopes = access.scopes();
  if (who && !who->identity_token.empty()) {
    std::string joined;
    for (const auto& scope : scopes) joined += (joined.empty() ? "" : " ") + scope;
    request.method = "POST";
    request.url = realm_;
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body =
        fmt::format("grant_type=refresh_token&service={}&client_id=pawl&scope={}&refresh_token={}",
                    url_encode(service_), url_encode(joined),
                    url_encode(who->identity_token.reveal_for(realm_)));
    return request;
  }
  request.url = realm_;
  const auto add = [&request](std::string_view name, std::string_view value) {
    const char separator = request.url.find('?') == std::string::npos ? '?' : '&';
    request.url += fmt::format("{}{}={}", separator, name, url_encode(value));
  };
  if (!service_.empty()) add("service", service_);
  for (const auto& scope : scopes) add("scope", scope);
  if (who && !who->password.empty())
    request.headers.set("Authorization", basic_value(*who, realm_));
  return request;
}

Result<Authenticator::Token> Authenticator::read_token(const HttpResponse& response) const {
  const std::string what = "the token for " + host_;
  PAWL_TRY(const auto reply, parse_json_object(response.body, what));
  std::string text = string_or(reply, "token");
  if (text.empty()) text = string_or(reply, "access_token");
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
  if (text.empty() || !printable) return Error(ErrorKind::corrupt, what + " came without one");
  register_for_redaction(text);
  const int64_t seconds =
      std::clamp<int64_t>(int_or(reply, "expires_in", kDefaultTokenSeconds), 1, kMaxTokenSeconds);
  // A fifth of its life early, so that a request does not leave with a token that dies on the way.
  const std::chrono::milliseconds usable(seconds * 800);
  return Token{"Bearer " + text, clock_.steady_now() + usable};
}

}  // namespace pawl::oci
