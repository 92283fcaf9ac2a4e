// One issue for each broken release: opened at its first failure, updated at the next, closed by
// the next verified deployment. Found by listing labels, never by GitHub's search, whose index
// lags. https://docs.github.com/en/rest/issues
#pragma once

#include <string>
#include <vector>

#include "engine/ports/forge.h"
#include "github/changes.h"
#include "github/client.h"

namespace pawl {

/// The issue's URL.
Task<Result<std::string>> open_or_update_issue(GitHubClient& client, DeploymentReport report,
                                               Changes changes);

/// Closes every open issue of the report's application and environment; gives their URLs.
Task<Result<std::vector<std::string>>> close_issues(GitHubClient& client, DeploymentReport report);

}  // namespace pawl
