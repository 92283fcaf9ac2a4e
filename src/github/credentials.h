// What GitHub's API is called with: a token as it was given, or an App that gets its tokens itself
// and renews them (github/app.h).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/secret.h"
#include "base/task.h"

namespace pawl {

class GitHubCredentials {
 public:
  virtual ~GitHubCredentials() = default;
  /// What the next call shall be made with; empty: without.
  virtual Task<Result<Secret>> token() = 0;
  /// GitHub answered 401 to `rejected`, at `http_date` by its own clock (the Date header; may be
  /// empty). Whether token() gives another one now.
  virtual bool renew(const Secret& rejected, std::string_view http_date) = 0;
  /// What the token may do ("checks" -> "write"), where it is known: after token(), of an App.
  virtual std::map<std::string, std::string> permissions() const { return {}; }
  /// "the token", "the App 1234": for people.
  virtual std::string description() const = 0;
};

/// The same one always. Of any length: installation tokens have grown, and may again.
std::shared_ptr<GitHubCredentials> fixed_token(Secret token);

}  // namespace pawl
