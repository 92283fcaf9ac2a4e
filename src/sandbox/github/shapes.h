// The model's GitHub objects as the REST API shows them: field for field the shapes of GitHub's
// published OpenAPI description (required fields are all there).
#pragma once

#include <string>

#include "base/json.h"
#include "sim/cloud/github.h"

namespace pawl::sandbox {

/// Makes the URLs: `api` is "http://127.0.0.1:4511", `html` what people open.
class GitHubShapes {
 public:
  GitHubShapes(std::string api, std::string login)
      : api_(std::move(api)), login_(std::move(login)) {}

  json::object user() const;
  /// With what GitHub tells of a user only when asked for that one.
  json::object whole_user() const;
  json::object repository(const cloud::GitHubRepository& repository) const;
  json::object check_run(const cloud::GitHubRepository& repository,
                         const cloud::CheckRun& run) const;
  json::array annotations(const cloud::GitHubRepository& repository,
                          const cloud::CheckRun& run) const;
  json::object status(const cloud::GitHubRepository& repository,
                      const cloud::CommitStatus& status) const;
  /// The latest of each context, and what they come to.
  json::object combined_status(const cloud::GitHubRepository& repository,
                               const std::string& sha) const;
  json::object deployment(const cloud::GitHubRepository& repository,
                          const cloud::GitHubDeployment& deployment) const;
  json::object deployment_status(const cloud::GitHubRepository& repository,
                                 const cloud::GitHubDeployment& deployment,
                                 const cloud::DeploymentStatus& status) const;
  json::object issue(const cloud::GitHubRepository& repository, const cloud::Issue& issue) const;
  json::object comment(const cloud::GitHubRepository& repository,
                       const cloud::IssueComment& comment) const;
  json::object label(const cloud::GitHubRepository& repository, const std::string& name) const;
  json::object commit(const cloud::GitHubRepository& repository, const cloud::Commit& commit) const;
  json::object tag(const cloud::GitHubRepository& repository, const cloud::GitTag& tag) const;
  /// One page of it: commits `first` to `last` (without it).
  json::object comparison(const cloud::GitHubRepository& repository, const std::string& base_head,
                          const cloud::Comparison& comparison, size_t first, size_t last) const;
  json::object environment(const cloud::GitHubRepository& repository,
                           const cloud::GitHubEnvironment& environment) const;
  json::object installation(const std::string& app_id, int64_t id, WallTime now) const;
  json::object release(const cloud::GitHubRepository& repository,
                       const cloud::GitHubRelease& release) const;
  json::object workflow_run(const cloud::GitHubRepository& repository,
                            const cloud::WorkflowRun& run) const;
  std::string repository_url(const cloud::GitHubRepository& repository) const {
    return api_ + "/repos/" + repository.full_name();
  }

 private:
  std::string html_url(const cloud::GitHubRepository& repository) const {
    return api_ + "/" + repository.full_name();
  }
  json::object minimal_repository(const cloud::GitHubRepository& repository) const;
  std::string api_;
  std::string login_;
};

}  // namespace pawl::sandbox
