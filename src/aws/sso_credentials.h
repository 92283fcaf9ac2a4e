// Credentials of a person who is logged in through IAM Identity Center: the token that `aws sso
// login` left in its cache, exchanged for those of a role.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
//
// A token that has ended is renewed with the refresh token beside it, and written back, as the AWS
// tools do. When that cannot be, a person has to log in again: Pawl opens no browser.
#pragma once

#include <memory>
#include <string>

#include "aws/renewal.h"

namespace pawl::aws {

struct SsoLogin {
  std::string profile;  // for people
  std::string session;  // of [sso-session ...]; empty: the older form, by its start URL alone
  std::string start_url;
  std::string region;  // where Identity Center is
  std::string account_id;
  std::string role_name;
  std::string cache_dir;  // "~/.aws/sso/cache"
};

/// What a profile says about SSO; no value when nothing. Kind config names what is missing.
Result<std::optional<SsoLogin>> sso_login_of(const Profiles& profiles, const std::string& profile);

/// The file in the cache that holds the login's token: SHA-1 of the session's name or start URL.
std::string sso_token_path(const SsoLogin& login);

std::unique_ptr<CredentialSource> sso_credentials(ClientPorts ports, AwsOptions options,
                                                  SsoLogin login);

}  // namespace pawl::aws
