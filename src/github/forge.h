// Tells GitHub of a deployment: check run, commit status, deployment with its status, and one issue
// for each broken release. Each is found again before it is made, so that telling twice (after a
// crash, by another process) changes nothing.
#pragma once

#include <memory>

#include "engine/ports/forge.h"
#include "github/client.h"

namespace pawl {

struct GitHubForgeOptions {
  /// Where the log of what happens is, for people: the workflow run in GitHub Actions. Empty: the
  /// check run is where a deployment's status points.
  std::string run_url;
};

std::unique_ptr<Forge> make_github_forge(GitHubClient& client, GitHubForgeOptions options = {});

/// The hidden line in an issue's body by which a release's issue is found again.
std::string issue_marker(const DeploymentReport& report);
/// The marker without the release: all issues of an application in an environment.
std::string issue_marker_prefix(const DeploymentReport& report);

}  // namespace pawl
