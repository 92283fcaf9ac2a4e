// Who signs: AWS credentials and what gives them. A source is asked before each request, so
// that credentials which end (a role's hour) are renewed ahead of their end and never in the middle
// of a rollback.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "base/task.h"

namespace pawl::aws {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;             // empty for a user's own keys
  std::optional<WallTime> expires;  // of a role's session
  std::string source;               // where they come from, for people: "profile [work] of ..."
};

class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// Kind denied, with what to set, when there are none.
  virtual Task<Result<Credentials>> get() = 0;
  /// What was given is refused by AWS as expired: the next get() asks anew.
  virtual void forget() {}
};

/// The same credentials always.
std::unique_ptr<CredentialSource> static_credentials(Credentials credentials);
/// Never gives any: each request ends with `error`.
std::unique_ptr<CredentialSource> no_credentials(Error error);

}  // namespace pawl::aws
