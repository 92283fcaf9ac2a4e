// Who signs: AWS credentials and where they come from. A source is asked before each request, so
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

/// One profile of a shared credentials file (~/.aws/credentials); not_found when it has none of
/// that name. https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
Result<Credentials> parse_shared_credentials(std::string_view text, std::string_view profile);

}  // namespace pawl::aws
