// The token of `aws sso login` in its cache file.
#pragma once

#include <string>

#include "aws/client.h"
#include "aws/sso_credentials.h"

namespace pawl::aws {

struct SsoToken {
  Secret access_token;
  WallTime expires;
  Secret refresh_token;
  std::string client_id;
  Secret client_secret;
  std::optional<WallTime> registration_expires;
  json::object file;  // all of it: what is not ours is kept when it is written back
};

/// Kind denied, with the command that logs in, when it is not there or makes no sense.
Result<SsoToken> read_sso_token(const SsoLogin& login);
/// A new token for the refresh token, written back to the cache for the other tools.
Task<Result<SsoToken>> refresh_sso_token(Client& client, SsoLogin login, SsoToken token);
/// "aws sso login --profile work"
std::string login_hint(const SsoLogin& login);

}  // namespace pawl::aws
