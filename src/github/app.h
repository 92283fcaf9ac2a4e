// A GitHub App as the caller: a token signed with its private key finds the App's installation in
// the repository, and is changed there into an installation token for that repository alone, which
// is renewed ahead of its end (an hour).
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
#pragma once

#include <memory>
#include <string>

#include "github/client.h"

namespace pawl {

struct GitHubAppOptions {
  std::string app_id;        // the App's id, or its client id
  Secret private_key;        // PEM
  std::string repository;    // "owner/name"
  int64_t installation = 0;  // 0: found by the repository
  GitHubOptions api;         // its address and patience
};

/// The key as people put it into a variable: PEM as it is, with "\n" for its line ends, or as
/// base64. Each line of it is registered for redaction.
Secret github_app_key(std::string text);

/// For GitHubOptions::credentials. No call is made before the first token is asked for.
std::shared_ptr<GitHubCredentials> make_github_app(HttpClient& http, Clock& clock, Entropy& entropy,
                                                   GitHubAppOptions options);

}  // namespace pawl
