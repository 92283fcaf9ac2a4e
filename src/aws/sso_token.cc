#include "aws/sso_token.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <filesystem>

#include "aws/answered_credentials.h"
#include "aws/small_file.h"
#include "base/encoding.h"
#include "base/log.h"
#include "process/private_file.h"

namespace pawl::aws {
namespace {

Result<SsoToken> token_from(json::object file) {
  SsoToken token;
  const std::string access = string_or(file, "accessToken");
  if (access.empty()) return Error(ErrorKind::denied, "it holds no accessToken");
  token.access_token = Secret(access);
  PAWL_TRY(token.expires, parse_expiration(string_or(file, "expiresAt")));
  token.refresh_token = Secret(string_or(file, "refreshToken"));
  token.client_id = string_or(file, "clientId");
  token.client_secret = Secret(string_or(file, "clientSecret"));
  if (const auto end = parse_expiration(string_or(file, "registrationExpiresAt")); end.ok())
    token.registration_expires = *end;
  token.file = std::move(file);
  return token;
}

// Others may read it at the same time: it is there whole, or as it was.
Result<void> write_token(const std::string& path, const SsoToken& token) {
  const std::string draft = path + ".pawl";
  PAWL_CHECK(write_private_file(draft, json::serialize(token.file)));
  std::error_code failure;
  std::filesystem::rename(draft, path, failure);
  if (failure) return Error(ErrorKind::storage, fmt::format("cannot replace {}", path));
  return ok();
}

Call create_token_call(const SsoToken& token) {
  Call call;
  call.service = Service::sso_oidc;
  call.action = "sso-oauth:CreateToken";
  call.method = "POST";
  call.path = "/token";
  call.is_signed = false;
  call.headers.set("Content-Type", "application/json");
  call.body =
      json::serialize(json::object{{"clientId", token.client_id},
                                   {"clientSecret", token.client_secret.reveal_for("sso-oidc")},
                                   {"grantType", "refresh_token"},
                                   {"refreshToken", token.refresh_token.reveal_for("sso-oidc")}});
  return call;
}

}  // namespace

std::string login_hint(const SsoLogin& login) {
  return fmt::format("log in again: aws sso login --profile {}", login.profile);
}

std::string sso_token_path(const SsoLogin& login) {
  const std::string& name = login.session.empty() ? login.start_url : login.session;
  std::array<uint8_t, 20> digest{};
  unsigned int size = 0;
  const int done = EVP_Digest(name.data(), name.size(), digest.data(), &size, EVP_sha1(), nullptr);
  PAWL_ASSERT(done == 1 && size == digest.size());
  return fmt::format("{}/{}.json", login.cache_dir, hex_encode(digest));
}

Result<SsoToken> read_sso_token(const SsoLogin& login) {
  const std::string path = sso_token_path(login);
  const auto problem = [&](std::string_view what) {
    return Error(ErrorKind::denied,
                 fmt::format("profile [{}] has no SSO login: {}", login.profile, what))
        .with_hint(login_hint(login));
  };
  auto text = read_small_file(path);
  if (!text.ok()) return problem(text.error().message());
  auto file = parse_json_object(*text, path);
  if (!file.ok()) return problem(path + " is no JSON object");
  auto token = token_from(*std::move(file));
  if (!token.ok()) return problem(fmt::format("{}: {}", path, token.error().message()));
  return token;
}

Task<Result<SsoToken>> refresh_sso_token(Client& client, SsoLogin login, SsoToken token) {
  const WallTime now = client.ports().now();
  const bool can_refresh = !login.session.empty() && !token.refresh_token.empty() &&
                           !token.client_id.empty() && token.registration_expires &&
                           now < *token.registration_expires;
  if (!can_refresh)
    co_return Error(ErrorKind::denied, fmt::format("the SSO login of profile [{}] ended at {}",
                                                   login.profile, to_iso8601(token.expires)))
        .with_hint(login_hint(login));
  Call call = create_token_call(token);
  auto answer = co_await client.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("renewing the SSO login of profile [{}]", login.profile))
        .error()
        .with_hint(login_hint(login));
  PAWL_CO_TRY(const auto access,
              require_string(*answer, "accessToken", "the answer of CreateToken"));
  json::object file = token.file;
  file["accessToken"] = access;
  file["expiresAt"] = to_iso8601(now + std::chrono::seconds(int_or(*answer, "expiresIn")));
  if (const auto refresh = string_or(*answer, "refreshToken"); !refresh.empty())
    file["refreshToken"] = refresh;
  PAWL_CO_TRY(auto renewed, token_from(std::move(file)));
  if (const auto written = write_token(sso_token_path(login), renewed); !written.ok())
    log_debug("the renewed SSO token is not kept: {}", written.error().message());
  co_return renewed;
}

}  // namespace pawl::aws
