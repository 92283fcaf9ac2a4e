#include "sim/cloud/sts.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {

// Sessions that ran out longer ago than this are forgotten; until then they are ExpiredToken.
constexpr std::chrono::hours kForgetAfter{24};
constexpr size_t kMaxTokenBytes = 20'000;
constexpr int kMinSessionSeconds = 900;

Error rejected(std::string message) {
  return aws_error(400, "ValidationError", std::move(message));
}
Error bad_token(std::string message) {
  return aws_error(400, "InvalidIdentityToken", std::move(message));
}

/// `*` stands for any characters; everything else for itself.
bool matches(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  for (size_t from = star; from <= text.size(); ++from)
    if (matches(pattern.substr(star + 1), text.substr(from))) return true;
  return false;
}

bool is_session_name(std::string_view name) {
  return name.size() >= 2 && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) ||
                  std::string_view("_+=,.@-").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

Result<json::object> claims_of(const std::string& token) {
  const Error malformed = bad_token(
      "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access "
      "Token)");
  if (token.size() > kMaxTokenBytes || std::count(token.begin(), token.end(), '.') != 2)
    return malformed;
  std::string payload = token.substr(token.find('.') + 1);
  payload.resize(payload.find('.'));
  std::replace(payload.begin(), payload.end(), '-', '+');
  std::replace(payload.begin(), payload.end(), '_', '/');
  payload.append((4 - payload.size() % 4) % 4, '=');
  auto bytes = base64_decode(payload);
  if (!bytes.ok()) return malformed;
  auto claims = parse_json_object(*bytes, "the claims of a token");
  if (!claims.ok()) return malformed;
  return claims;
}

bool has_audience(const json::object& claims, const std::string& wanted) {
  if (wanted.empty()) return true;
  const std::vector<std::string> several = read_list(claims, "aud");
  return string_or(claims, "aud") == wanted ||
         std::find(several.begin(), several.end(), wanted) != several.end();
}

}  // namespace

void Sts::add_key(std::string access_key_id, std::string secret, std::string user_name) {
  Principal principal;
  principal.access_key_id = access_key_id;
  principal.secret = std::move(secret);
  principal.arn = account_.global_arn("iam", "user/" + user_name);
  // The same name has the same identifier, also after a restart.
  std::string id = sha256_hex("user/" + user_name).substr(0, 17);
  std::transform(id.begin(), id.end(), id.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  principal.user_id = "AIDA" + id;
  keys_[std::move(access_key_id)] = std::move(principal);
}

Role Sts::add_role(std::string name, WallTime now) {
  auto [it, added] = roles_.try_emplace(name);
  if (added) {
    it->second.name = name;
    it->second.id = "AROA" + ids_.base32(17);
    ledger_.record(now, "iam", "CreateRole", name);
  }
  return it->second;
}

Role* Sts::find_role(const std::string& name) {
  auto found = roles_.find(name);
  return found == roles_.end() ? nullptr : &found->second;
}

std::string Sts::role_arn(const std::string& name) const {
  return account_.global_arn("iam", "role/" + name);
}

// A role that is not there and one that may not be taken are told apart for nobody.
Result<Role*> Sts::role_of(const std::string& arn, const char* action) {
  const std::string prefix = account_.global_arn("iam", "role/");
  if (arn.compare(0, prefix.size(), prefix) == 0) {
    // The path before the name is no part of what we keep.
    if (Role* role = find_role(arn.substr(arn.rfind('/') + 1))) return role;
  }
  return aws_error(403, "AccessDenied", fmt::format("Not authorized to perform {}", action));
}

Result<AssumedRole> Sts::assume_with_web_identity(const AssumeWithWebIdentity& request,
                                                  WallTime now, const VerifyToken& verify) {
  if (!is_session_name(request.session_name))
    return rejected(
        fmt::format("1 validation error detected: Value '{}' at 'roleSessionName' failed to "
                    "satisfy constraint: "
                    "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
                    request.session_name));
  PAWL_TRY(const json::object claims, claims_of(request.token));
  if (verify) {
    if (auto verified = verify(request.token); !verified.ok())
      return bad_token(
          "Couldn't retrieve verification key from your identity provider,  please "
          "reference AssumeRoleWithWebIdentity documentation for requirements");
  }
  constexpr int64_t kMsPerSecond = 1000;
  const int64_t expires = int_or(claims, "exp");
  if (expires != 0 && expires * kMsPerSecond <= now.unix_ms)
    return aws_error(400, "ExpiredTokenException", "Token expired");
  PAWL_TRY(Role * role, role_of(request.role_arn, "sts:AssumeRoleWithWebIdentity"));
  if (!has_audience(claims, role->audience)) return bad_token("Incorrect token audience");
  const std::string subject = string_or(claims, "sub");
  const bool allowed =
      role->subjects.empty() ||
      std::any_of(role->subjects.begin(), role->subjects.end(),
                  [&](const std::string& pattern) { return matches(pattern, subject); });
  if (!allowed)
    return aws_error(403, "AccessDenied",
                     "Not authorized to perform sts:AssumeRoleWithWebIdentity");
  PAWL_TRY(AssumedRole assumed, issue(*role, request.session_name, request.duration_seconds, now));
  assumed.subject = subject;
  assumed.audience = role->audience.empty() ? string_or(claims, "aud") : role->audience;
  assumed.provider = string_or(claims, "iss");
  return assumed;
}

Result<AssumedRole> Sts::assume_role(const std::string& arn, const std::string& session_name,
                                     int duration_seconds, WallTime now) {
  if (!is_session_name(session_name))
    return rejected(
        fmt::format("1 validation error detected: Value '{}' at 'roleSessionName' failed to "
                    "satisfy constraint: "
                    "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
                    session_name));
  PAWL_TRY(Role * role, role_of(arn, ("sts:AssumeRole on resource: " + arn).c_str()));
  return issue(*role, session_name, duration_seconds, now);
}

Result<AssumedRole> Sts::issue(const Role& role, const std::string& session_name,
                               int duration_seconds, WallTime now) {
  if (duration_seconds < kMinSessionSeconds)
    return rejected(
        fmt::format("1 validation error detected: Value '{}' at 'durationSeconds' failed "
                    "to satisfy constraint: Member must have value greater than or equal "
                    "to {}",
                    duration_seconds, kMinSessionSeconds));
  if (duration_seconds > role.max_session_seconds)
    return rejected(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  std::erase_if(keys_, [&](const auto& entry) {
    return entry.second.expires_at && now - *entry.second.expires_at > kForgetAfter;
  });
  AssumedRole assumed;
  Principal& p = assumed.principal;
  p.access_key_id = "ASIA" + ids_.base32(16);
  p.secret = ids_.hex(40);
  p.session_token = "FwoGZXIvYXdzE" + ids_.hex(64) + ids_.hex(64);
  p.arn = account_.global_arn("sts", fmt::format("assumed-role/{}/{}", role.name, session_name));
  p.user_id = role.id + ":" + session_name;
  p.expires_at = now + std::chrono::seconds(duration_seconds);
  keys_[p.access_key_id] = p;
  ledger_.record(now, "sts", "AssumeRole", role.name,
                 {{"session", session_name}, {"expiresAt", p.expires_at->unix_ms}});
  return assumed;
}

Result<Principal> Sts::find_key(const std::string& access_key_id, const std::string& session_token,
                                WallTime now) const {
  auto found = keys_.find(access_key_id);
  if (found == keys_.end() || !equal_in_constant_time(found->second.session_token, session_token))
    return aws_error(403, "InvalidClientTokenId",
                     "The security token included in the request is invalid.");
  if (found->second.expires_at && now >= *found->second.expires_at)
    return aws_error(403, "ExpiredToken", "The security token included in the request is expired");
  return found->second;
}

const Principal* Sts::key(const std::string& access_key_id) const {
  auto found = keys_.find(access_key_id);
  return found == keys_.end() ? nullptr : &found->second;
}

json::object Sts::to_json() const {
  json::array roles;
  for (const auto& [name, r] : roles_)
    roles.push_back(json::object{{"name", name},
                                 {"id", r.id},
                                 {"maxSession", r.max_session_seconds},
                                 {"subjects", write_list(r.subjects)},
                                 {"audience", r.audience}});
  json::array keys;
  for (const auto& [id, p] : keys_) {
    json::object key{{"id", id},
                     {"secret", p.secret},
                     {"token", p.session_token},
                     {"arn", p.arn},
                     {"userId", p.user_id}};
    if (p.expires_at) key["expiresAt"] = p.expires_at->unix_ms;
    keys.push_back(std::move(key));
  }
  return {{"roles", std::move(roles)}, {"keys", std::move(keys)}};
}

Result<void> Sts::load(const json::object& object) {
  roles_.clear();
  keys_.clear();
  for (const json::object* o : objects_in(object, "roles")) {
    Role role{string_or(*o, "name"), string_or(*o, "id"),
              static_cast<int>(int_or(*o, "maxSession", 3600)), read_list(*o, "subjects"),
              string_or(*o, "audience")};
    roles_[role.name] = std::move(role);
  }
  for (const json::object* o : objects_in(object, "keys")) {
    Principal p{string_or(*o, "id"),  string_or(*o, "secret"), string_or(*o, "token"),
                string_or(*o, "arn"), string_or(*o, "userId"), {}};
    if (find(*o, "expiresAt")) p.expires_at = time_or(*o, "expiresAt");
    keys_[p.access_key_id] = std::move(p);
  }
  return ok();
}

}  // namespace pawl::cloud
