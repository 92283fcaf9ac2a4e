// A role instead of stored keys: an identity token (from a file, or from GitHub Actions) is
// exchanged for an hour's credentials, again five minutes before they end, so that a rollback never
// finds them gone.
// https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments
#pragma once

#include <memory>
#include <string>

#include "aws/client.h"
#include "aws/renewal.h"

namespace pawl::aws {

/// Where the identity token comes from. Asked anew for each exchange: tokens live for minutes.
class TokenProvider {
 public:
  virtual ~TokenProvider() = default;
  virtual Task<Result<Secret>> token() = 0;
};

/// A file that something else keeps fresh (AWS_WEB_IDENTITY_TOKEN_FILE).
std::unique_ptr<TokenProvider> token_from_file(std::string path);

struct GithubTokenRequest {
  std::string url;  // ACTIONS_ID_TOKEN_REQUEST_URL
  Secret token;     // ACTIONS_ID_TOKEN_REQUEST_TOKEN
  std::string audience = "sts.amazonaws.com";
};
std::unique_ptr<TokenProvider> token_from_github(ClientPorts ports, GithubTokenRequest request);

struct WebIdentity {
  std::string role_arn;
  std::string session_name;  // made to fit what STS allows
  std::chrono::seconds duration{3600};
  std::string source = "a web identity";  // whose, for people
};
/// Renewed ahead of their end (renewal.h).
std::unique_ptr<CredentialSource> web_identity_credentials(ClientPorts ports, AwsOptions options,
                                                           WebIdentity identity,
                                                           std::unique_ptr<TokenProvider> tokens);

}  // namespace pawl::aws
