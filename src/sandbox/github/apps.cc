#include "sandbox/github/apps.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/jwt.h"
#include "sim/cloud/github.h"

namespace pawl::sandbox {
namespace {

constexpr int64_t kMaxLifeSeconds = 600;
constexpr int64_t kTokenLifeMs = 3'600'000;

struct NounRow {
  const char* noun;
  const char* permission;
};
constexpr NounRow kNouns[] = {
    {"check-runs", "checks"}, {"statuses", "statuses"}, {"deployments", "deployments"},
    {"issues", "issues"},     {"labels", "issues"},     {"environments", "actions"},
    {"actions", "actions"},   {"compare", "contents"},  {"commits", "contents"},
    {"tags", "contents"},     {"releases", "contents"}};

Error refused(std::string message) {
  return cloud::github_error(401, std::move(message));
}

}  // namespace

std::optional<Result<void>> GitHubApps::check_app_token(const std::string& token,
                                                        WallTime now) const {
  if (seed_.app_id.empty() || token.rfind("ey", 0) != 0) return std::nullopt;
  const auto claims = read_jwt(token, seed_.key_pem);
  if (!claims.ok()) return refused("A JSON web token could not be decoded");
  const int64_t now_s = now.unix_ms / 1000;
  const int64_t issued = int_or(*claims, "iat"), expires = int_or(*claims, "exp");
  if (string_or(*claims, "iss") != seed_.app_id) return refused("Integration not found");
  if (issued > now_s)
    return refused(
        "'Issued at' claim ('iat') must be an Integer representing the time that the assertion "
        "was issued");
  if (expires <= now_s)
    return refused(
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at "
        "which the assertion expires");
  if (expires > now_s + kMaxLifeSeconds)
    return refused("'Expiration time' claim ('exp') is too far in the future");
  return ok();
}

std::optional<bool> GitHubApps::is_installation_token(const std::string& token,
                                                      WallTime now) const {
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return std::nullopt;
  return now.unix_ms < found->second;
}

json::object GitHubApps::make_token(WallTime now) {
  // As long as GitHub's have become.
  constexpr size_t kTokenLength = 520;
  std::string token = "ghs_";
  while (token.size() < kTokenLength)
    token += sha256_hex(fmt::format("{}:{}:{}", now.unix_ms, ++made_, token.size()));
  token.resize(kTokenLength);
  const WallTime expires{now.unix_ms + kTokenLifeMs};
  tokens_[token] = expires.unix_ms;
  json::object permissions;
  for (const auto& [name, access] : seed_.permissions) permissions[name] = access;
  return {{"token", token},
          {"expires_at", to_iso8601(expires).substr(0, 19) + "Z"},
          {"permissions", std::move(permissions)},
          {"repository_selection", "selected"}};
}

std::string GitHubApps::missing_permission(const std::string& method,
                                           const std::string& noun) const {
  const std::string wanted = method == "GET" ? "read" : "write";
  for (const auto& row : kNouns) {
    if (noun != row.noun) continue;
    const auto granted = seed_.permissions.find(row.permission);
    const bool is_enough = granted != seed_.permissions.end() &&
                           (granted->second == wanted || granted->second == "write");
    return is_enough ? "" : fmt::format("{}={}", row.permission, wanted);
  }
  return "";
}

}  // namespace pawl::sandbox
