// How Pawl reaches GitHub: a token, or an App with its private key, from the environment or from
// pawl.yaml's `github`.
#pragma once

#include <optional>
#include <string>

#include "cli/globals.h"
#include "github/client.h"

namespace pawl {

/// An App where one is named and its key is here, else GITHUB_TOKEN; no value when there is neither
/// (nobody is told). The App: PAWL_GITHUB_APP_ID (else github.app.id), with its key in
/// PAWL_GITHUB_APP_KEY, in the file PAWL_GITHUB_APP_KEY_FILE, or in that of github.app.key_file. An
/// Error when what the environment names cannot be read. `sandbox`: what talks to the sandbox has
/// its token and no App.
Result<std::optional<GitHubOptions>> github_access(const ProcessEnvironment& environment,
                                                   const LoadedConfig& config, bool sandbox,
                                                   HttpClient& http, Clock& clock,
                                                   Entropy& entropy);

/// The page of this workflow run, from GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_RUN_ID;
/// empty elsewhere.
std::string workflow_run_url(const ProcessEnvironment& environment);

}  // namespace pawl
