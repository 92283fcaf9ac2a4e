#include "aws/sts.h"

#include <fmt/format.h>

#include "aws/xml.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr size_t kMaxSessionName = 64;
// It answers in milliseconds, and everything else waits for it: its silence is not borne for as
// long as that of a service that may have work to do.
constexpr std::chrono::milliseconds kAnswersWithin{10'000};

Call sts_call(std::string action) {
  Call call;
  call.service = Service::sts;
  call.action = "sts:" + action;
  call.timeout = kAnswersWithin;
  call.method = "POST";
  call.headers.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  call.body = "Action=" + action + "&Version=2011-06-15";
  return call;
}

Result<Credentials> read_credentials(const std::string& body, const std::string& action) {
  PAWL_TRY(auto answer, parse_xml(body, "the answer of " + action));
  const XmlElement* found = answer.find(action + "Result/Credentials");
  if (found == nullptr) return Error(ErrorKind::corrupt, "STS gave no credentials");
  Credentials credentials;
  credentials.access_key_id = found->text_of("AccessKeyId");
  credentials.secret_access_key = Secret(found->text_of("SecretAccessKey"));
  credentials.session_token = Secret(found->text_of("SessionToken"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
    return Error(ErrorKind::corrupt, "STS gave credentials without key or secret");
  PAWL_TRY(const WallTime expires, parse_iso8601(found->text_of("Expiration")));
  credentials.expires = expires;
  return credentials;
}

}  // namespace

Task<Result<CallerIdentity>> Sts::caller() {
  Call call = sts_call("GetCallerIdentity");
  PAWL_CO_TRY(auto response, co_await client_.send(std::move(call)));
  PAWL_CO_TRY(auto answer, parse_xml(response.body, "the answer of GetCallerIdentity"));
  CallerIdentity identity;
  identity.account = answer.text_of("GetCallerIdentityResult/Account");
  identity.arn = answer.text_of("GetCallerIdentityResult/Arn");
  if (identity.account.empty())
    co_return Error(ErrorKind::corrupt, "the answer of GetCallerIdentity has no Account");
  co_return identity;
}

Task<Result<Credentials>> assume_role_with_web_identity(Client& client, AssumeRequest request) {
  Call call = sts_call("AssumeRoleWithWebIdentity");
  call.is_signed = false;
  call.body += "&RoleArn=" + url_encode(request.role_arn) +
               "&RoleSessionName=" + url_encode(session_name_from(request.session_name)) +
               "&DurationSeconds=" + std::to_string(request.duration.count()) +
               "&WebIdentityToken=" + url_encode(request.token.reveal_for("sts"));
  auto response = co_await client.send(std::move(call));
  if (!response.ok())
    co_return std::move(response)
        .while_doing(fmt::format("becoming the role {}", request.role_arn))
        .error();
  co_return read_credentials(response->body, "AssumeRoleWithWebIdentity");
}

Task<Result<Credentials>> assume_role(Client& client, ChainedRole role) {
  Call call = sts_call("AssumeRole");
  call.body += "&RoleArn=" + url_encode(role.role_arn) +
               "&RoleSessionName=" + url_encode(session_name_from(role.session_name)) +
               "&DurationSeconds=" + std::to_string(role.duration.count());
  if (!role.external_id.empty()) call.body += "&ExternalId=" + url_encode(role.external_id);
  auto response = co_await client.send(std::move(call));
  if (!response.ok())
    co_return std::move(response)
        .while_doing(fmt::format("becoming the role {}", role.role_arn))
        .error();
  co_return read_credentials(response->body, "AssumeRole");
}

std::string session_name_from(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kMaxSessionName)) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') ||
                         std::string_view("_+=,.@-").find(c) != std::string_view::npos;
    name += allowed ? c : '-';
  }
  return name.size() < 2 ? "pawl" : name;
}

}  // namespace pawl::aws
