// AWS STS and as much of IAM as it needs: access keys, roles that a web identity may take, and the
// temporary credentials that come of it. https://docs.aws.amazon.com/STS/latest/APIReference/
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/cloud/common.h"

namespace pawl::cloud {

struct Role {
  std::string name;
  std::string id;  // "AROA..."
  int max_session_seconds = 3600;
  /// Who may take it: subjects of web identity tokens, `*` standing for any characters. Empty: all.
  std::vector<std::string> subjects;
  std::string audience = "sts.amazonaws.com";  // empty: any
};

/// Who stands behind an access key.
struct Principal {
  std::string access_key_id;
  std::string secret;
  std::string session_token;  // empty for a key that does not expire
  std::string arn;
  std::string user_id;
  std::optional<WallTime> expires_at;
};

struct AssumeWithWebIdentity {
  std::string role_arn;
  std::string session_name;
  std::string token;  // a JWT
  int duration_seconds = 3600;
};

struct AssumedRole {
  Principal principal;
  std::string subject;
  std::string audience;
  std::string provider;
};

class Sts {
 public:
  Sts(Account account, IdSource& ids, Ledger& ledger)
      : account_(std::move(account)), ids_(ids), ledger_(ledger) {}

  void add_key(std::string access_key_id, std::string secret, std::string user_name);
  Role add_role(std::string name, WallTime now);
  Role* find_role(const std::string& name);
  std::string role_arn(const std::string& name) const;

  /// Looks at the claims (form, time, audience, subject). Whether the token's signature is good is
  /// asked of `verify`, when there is one.
  using VerifyToken = std::function<Result<void>(const std::string& token)>;
  Result<AssumedRole> assume_with_web_identity(const AssumeWithWebIdentity& request, WallTime now,
                                               const VerifyToken& verify = nullptr);
  /// By somebody who has a key already.
  Result<AssumedRole> assume_role(const std::string& role_arn, const std::string& session_name,
                                  int duration_seconds, WallTime now);

  /// InvalidClientTokenId when there is no such key or the session token is not its own;
  /// ExpiredToken.
  Result<Principal> find_key(const std::string& access_key_id, const std::string& session_token,
                             WallTime now) const;

  /// nullptr when there is none; nothing is checked.
  const Principal* key(const std::string& access_key_id) const;

  json::object to_json() const;
  Result<void> load(const json::object& object);

 private:
  Result<Role*> role_of(const std::string& arn, const char* action);
  Result<AssumedRole> issue(const Role& role, const std::string& session_name, int duration_seconds,
                            WallTime now);

  Account account_;
  IdSource& ids_;
  Ledger& ledger_;
  std::map<std::string, Role> roles_;
  std::map<std::string, Principal> keys_;
};

}  // namespace pawl::cloud
