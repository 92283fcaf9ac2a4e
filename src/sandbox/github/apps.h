// The sandbox's GitHub App: a token signed with its private key is changed into an installation
// token, which runs out after an hour and may do what the App was granted.
// https://docs.github.com/rest/apps/apps
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace pawl::sandbox {

struct GitHubAppSeed {
  std::string app_id;   // empty: there is no App
  std::string key_pem;  // either half of its key
  std::map<std::string, std::string> permissions = {
      {"actions", "read"}, {"checks", "write"},  {"contents", "read"}, {"deployments", "write"},
      {"issues", "write"}, {"metadata", "read"}, {"statuses", "write"}};
};

class GitHubApps {
 public:
  explicit GitHubApps(GitHubAppSeed seed) : seed_(std::move(seed)) {}

  /// Whether `token` is signed by the App and holds now; an Error (401) says why not, as GitHub
  /// does. No value: it is no such token.
  std::optional<Result<void>> check_app_token(const std::string& token, WallTime now) const;
  /// The same for an installation token: no value when it is none of ours, false when its hour is
  /// over.
  std::optional<bool> is_installation_token(const std::string& token, WallTime now) const;
  /// The answer to "create an installation access token".
  json::object make_token(WallTime now);
  /// Empty when an installation token may make this call, else the permission that it lacks:
  /// "checks=write". `noun` is the first part of the path behind the repository.
  std::string missing_permission(const std::string& method, const std::string& noun) const;

  const GitHubAppSeed& seed() const { return seed_; }
  static constexpr int64_t kInstallation = 4242;

 private:
  GitHubAppSeed seed_;
  std::map<std::string, int64_t> tokens_;  // -> when it runs out, Unix time in ms
  int64_t made_ = 0;
};

}  // namespace pawl::sandbox
