#include "aws/sso_credentials.h"

#include <fmt/format.h>

#include <array>

#include "aws/sso_token.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr std::chrono::minutes kRefreshAhead{1};

class SsoIssuer : public CredentialIssuer {
 public:
  SsoIssuer(ClientPorts ports, AwsOptions options, SsoLogin login)
      : client_(std::move(ports), in_region(std::move(options), login.region),
                no_credentials(Error(ErrorKind::internal, "the exchange itself is not signed"))),
        login_(std::move(login)) {}

  Task<Result<Credentials>> issue() override {
    PAWL_CO_TRY(auto token, read_sso_token(login_));
    if (token.expires <= client_.ports().now() + kRefreshAhead) {
      PAWL_CO_TRY(token, co_await refresh_sso_token(client_, login_, std::move(token)));
    }
    Call call = role_call(token);
    auto answer = co_await client_.send_json(std::move(call));
    if (!answer.ok()) co_return refused(std::move(answer).error());
    co_return read(*answer);
  }

 private:
  static AwsOptions in_region(AwsOptions options, const std::string& region) {
    options.region = region;
    return options;
  }

  Call role_call(const SsoToken& token) const {
    Call call;
    call.service = Service::sso;
    call.action = "sso:GetRoleCredentials";
    call.path = "/federation/credentials";
    call.query = fmt::format("account_id={}&role_name={}", url_encode(login_.account_id),
                             url_encode(login_.role_name));
    call.headers.set("x-amz-sso_bearer_token", token.access_token.reveal_for("sso"));
    call.is_signed = false;
    return call;
  }

  Error refused(Error error) const {
    const bool is_over = error.http_status() == 401;
    Error told = std::move(error).while_doing(
        fmt::format("taking the role {} in account {} by the SSO login of profile [{}]",
                    login_.role_name, login_.account_id, login_.profile));
    if (is_over) return std::move(told).with_hint(login_hint(login_));
    if (told.kind() == ErrorKind::denied || told.kind() == ErrorKind::not_found)
      return std::move(told).with_hint(
          "the login must be assigned that role in that account (IAM Identity Center)");
    return told;
  }

  Result<Credentials> read(const json::object& answer) const {
    const json::value* found = find(answer, "roleCredentials");
    if (found == nullptr || !found->is_object())
      return Error(ErrorKind::corrupt, "the answer of GetRoleCredentials has no roleCredentials");
    const json::object& role = found->get_object();
    Credentials credentials;
    credentials.access_key_id = string_or(role, "accessKeyId");
    credentials.secret_access_key = Secret(string_or(role, "secretAccessKey"));
    credentials.session_token = Secret(string_or(role, "sessionToken"));
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
      return Error(ErrorKind::corrupt, "GetRoleCredentials gave no key with its secret");
    if (const int64_t expires_ms = int_or(role, "expiration"); expires_ms > 0)
      credentials.expires = WallTime{expires_ms};
    credentials.source = fmt::format("the SSO login of profile [{}] as the role {} in account {}",
                                     login_.profile, login_.role_name, login_.account_id);
    return credentials;
  }

  Client client_;
  SsoLogin login_;
};

}  // namespace

Result<std::optional<SsoLogin>> sso_login_of(const Profiles& profiles, const std::string& profile) {
  std::optional<SsoLogin> none;
  const ConfigSection* section = profiles.find(profile);
  if (section == nullptr || (!section->has("sso_account_id") && !section->has("sso_role_name")))
    return none;
  SsoLogin login;
  login.profile = profile;
  login.session = section->get("sso_session");
  login.cache_dir = profiles.home + "/.aws/sso/cache";
  const ConfigSection* where = section;
  if (!login.session.empty()) {
    const auto found = profiles.sso_sessions.find(login.session);
    if (found == profiles.sso_sessions.end())
      return Error(ErrorKind::config, fmt::format("profile [{}] names the sso-session {}, which is "
                                                  "not in {}",
                                                  profile, login.session, profiles.config_path))
          .with_hint(fmt::format("add it: aws configure sso --profile {}", profile));
    where = &found->second;
  }
  login.start_url = where->get("sso_start_url");
  login.region = where->get("sso_region");
  login.account_id = section->get("sso_account_id");
  login.role_name = section->get("sso_role_name");
  const std::array<std::pair<const char*, const std::string*>, 4> needed = {
      {{"sso_start_url", &login.start_url},
       {"sso_region", &login.region},
       {"sso_account_id", &login.account_id},
       {"sso_role_name", &login.role_name}}};
  for (const auto& [name, value] : needed)
    if (value->empty())
      return Error(ErrorKind::config,
                   fmt::format("profile [{}] is one of SSO and has no {}", profile, name))
          .with_hint(fmt::format("complete it: aws configure sso --profile {}", profile));
  return std::optional(std::move(login));
}

std::unique_ptr<CredentialSource> sso_credentials(ClientPorts ports, AwsOptions options,
                                                  SsoLogin login) {
  auto issuer = std::make_unique<SsoIssuer>(ports, std::move(options), std::move(login));
  return renewed_ahead(std::move(ports), std::move(issuer));
}

}  // namespace pawl::aws
