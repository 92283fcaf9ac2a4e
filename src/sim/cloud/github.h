// GitHub as plain state and transitions, as far as a deployment tells it things: check runs, commit
// statuses, deployments, issues, labels, and what is read (the repository, commits and what is
// between two of them, tags, releases, environments, workflow runs). No I/O and no clock. Modelled
// from https://docs.github.com/rest.
//
// The rules that a client can trip over are here: descriptions end at 140 characters, check run
// texts at 65,535, a call takes 50 annotations at most, a new deployment status makes older
// deployments of the same environment inactive.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/cloud/common.h"

namespace pawl::cloud {

constexpr size_t kMaxStatusDescription = 140;
constexpr size_t kMaxCheckTextBytes = 65'535;
constexpr size_t kMaxAnnotationsOfCall = 50;
constexpr size_t kMaxIssueBody = 65'536;
constexpr size_t kMaxIssueTitle = 256;
constexpr size_t kMaxLabelName = 50;

struct CheckRun {
  int64_t id = 0;
  std::string name;
  std::string head_sha;
  std::string status = "queued";  // queued, in_progress, completed
  std::string conclusion;         // empty until completed
  std::string external_id;
  std::string details_url;
  std::optional<WallTime> started_at;
  std::optional<WallTime> completed_at;
  std::string title, summary, text;  // of the output
  json::array annotations;
  json::array actions;
};

/// What is absent stays as it is (or as a new one has it).
struct CheckRunChange {
  std::optional<std::string> name, head_sha, status, conclusion, external_id, details_url;
  std::optional<WallTime> started_at, completed_at;
  std::optional<std::string> title, summary, text;
  json::array annotations;  // added to those that are there
  std::optional<json::array> actions;
};

struct CommitStatus {
  int64_t id = 0;
  std::string sha;
  std::string state;  // error, failure, pending, success
  std::string context = "default";
  std::string description;
  std::string target_url;
  WallTime created_at;
};

struct DeploymentStatus {
  int64_t id = 0;
  std::string state;  // error, failure, inactive, in_progress, queued, pending, success
  std::string description;
  std::string environment;
  std::string environment_url;
  std::string log_url;
  WallTime created_at;
};

struct GitHubDeployment {
  int64_t id = 0;
  std::string sha;
  std::string ref;
  std::string task = "deploy";
  std::string environment = "production";
  std::string description;
  json::value payload = json::object();
  bool production_environment = false;
  bool transient_environment = false;
  WallTime created_at;
  WallTime updated_at;
  std::vector<DeploymentStatus> statuses;  // oldest first
};

struct IssueComment {
  int64_t id = 0;
  int64_t issue_number = 0;
  std::string body;
  WallTime created_at;
  WallTime updated_at;
};

struct Issue {
  int64_t id = 0;
  int64_t number = 0;
  std::string title;
  std::string body;
  std::string state = "open";  // open, closed
  std::string state_reason;    // completed, not_planned, reopened; empty
  std::vector<std::string> labels;
  std::vector<std::string> assignees;
  WallTime created_at;
  WallTime updated_at;
  std::optional<WallTime> closed_at;
  std::vector<IssueComment> comments;
};

struct IssueChange {
  std::optional<std::string> title, body, state, state_reason;
  std::optional<std::vector<std::string>> labels, assignees;
};

struct IssueQuery {
  std::string state = "open";       // open, closed, all
  std::vector<std::string> labels;  // all of them
  std::string sort = "created";     // created, updated, comments
  bool ascending = false;
  std::optional<WallTime> since;  // updated since then
};

struct Label {
  int64_t id = 0;
  std::string name;
  std::string color = "ededed";
  std::string description;
};

struct Commit {
  std::string sha;
  std::string message;
  WallTime date;
};

/// What comes and goes between two commits of the one line of history that there is.
struct Comparison {
  std::vector<Commit> commits;  // after the base, oldest first
  int64_t behind_by = 0;        // commits of the base that the head has not
  std::string merge_base;
};

/// With its protection rules; made by the first deployment to it, or by hand.
struct GitHubEnvironment {
  int64_t id = 0;
  std::string name;
  int64_t wait_timer_minutes = 0;
  std::vector<std::string> reviewers;  // logins
  std::vector<std::string> teams;
  bool prevents_self_review = false;
  bool protected_branches_only = false;
  WallTime created_at;
};

struct GitTag {
  std::string name;
  std::string sha;
};

struct GitHubRelease {
  int64_t id = 0;
  std::string tag_name;
  std::string name;
  std::string body;
  std::string target;
  bool draft = false;
  bool prerelease = false;
  WallTime created_at;
};

struct WorkflowRun {
  int64_t id = 0;
  std::string name = "CI";
  std::string head_sha;
  std::string head_branch;
  std::string event = "push";
  std::string status = "completed";
  std::string conclusion = "success";
  int64_t number = 1;
  WallTime created_at;
};

struct GitHubRepository {
  int64_t id = 0;
  std::string owner;
  std::string name;
  std::string default_branch = "main";
  WallTime created_at;
  int64_t next_issue = 1;
  std::map<int64_t, CheckRun> check_runs;
  std::vector<CommitStatus> statuses;  // oldest first
  std::map<int64_t, GitHubDeployment> deployments;
  std::map<int64_t, Issue> issues;
  std::map<std::string, Label> labels;          // by name in lower case
  std::vector<Commit> commits;                  // oldest first
  std::map<std::string, std::string> branches;  // name -> sha
  std::vector<GitTag> tags;
  std::vector<GitHubRelease> releases;
  std::map<int64_t, WorkflowRun> runs;
  std::map<std::string, GitHubEnvironment> environments;
  std::vector<std::string> former_names;  // full ones

  std::string full_name() const { return owner + "/" + name; }
};

struct GitHubSettings {
  /// Takes any full SHA for a commit that was pushed: the sandbox never sees the pushes.
  bool accept_unknown_commits = true;
};

/// 404, 422 and the like: message as GitHub's, code() holds its list of `errors` as JSON text.
Error github_error(int status, std::string message, json::array errors = {});
/// {"resource": "Issue", "code": "missing_field", "field": "title"}
json::object github_field_error(std::string_view resource, std::string_view code,
                                std::string_view field);

class GitHub {
 public:
  GitHub(Ledger& ledger, GitHubSettings settings = {}) : ledger_(ledger), settings_(settings) {}

  GitHubRepository& add_repository(const std::string& full_name, WallTime now);
  Result<const GitHubRepository*> repository(const std::string& full_name) const;
  std::vector<std::string> repositories() const;
  Result<const GitHubRepository*> repository(int64_t id) const;
  /// What is asked of the old name is redirected from then on.
  Result<void> rename_repository(const std::string& old_name, const std::string& new_name);
  /// The repository that had this name before; nullptr when there is none.
  const GitHubRepository* formerly(const std::string& full_name) const;

  Result<void> add_commit(const std::string& repository, Commit commit, const std::string& branch);
  Result<void> add_tag(const std::string& repository, GitTag tag);
  Result<WorkflowRun> add_run(const std::string& repository, WorkflowRun run);
  Result<GitHubRelease> add_release(const std::string& repository, GitHubRelease release);
  Result<void> put_environment(const std::string& repository, GitHubEnvironment environment,
                               WallTime now);
  /// not_found for a commit that is not known, as GitHub has it.
  Result<Comparison> compare(const std::string& repository, const std::string& base,
                             const std::string& head) const;
  /// A branch, a tag, "heads/x", "tags/x" or a SHA.
  Result<std::string> resolve(const std::string& repository, const std::string& ref) const;

  Result<CheckRun> create_check_run(const std::string& repository, CheckRunChange change,
                                    WallTime now);
  Result<CheckRun> update_check_run(const std::string& repository, int64_t id,
                                    CheckRunChange change, WallTime now);
  Result<CommitStatus> create_status(const std::string& repository, CommitStatus status,
                                     WallTime now);
  Result<GitHubDeployment> create_deployment(const std::string& repository,
                                             GitHubDeployment deployment, WallTime now);
  Result<void> delete_deployment(const std::string& repository, int64_t id, WallTime now);
  /// `auto_inactive`: an older successful, non-transient deployment of the environment is inactive
  /// now.
  Result<DeploymentStatus> create_deployment_status(const std::string& repository, int64_t id,
                                                    DeploymentStatus status, bool auto_inactive,
                                                    WallTime now);

  Result<Issue> create_issue(const std::string& repository, IssueChange change, WallTime now);
  Result<Issue> update_issue(const std::string& repository, int64_t number, IssueChange change,
                             WallTime now);
  Result<std::vector<Issue>> issues(const std::string& repository, const IssueQuery& query) const;
  Result<IssueComment> add_comment(const std::string& repository, int64_t number, std::string body,
                                   WallTime now);
  Result<Label> create_label(const std::string& repository, Label label, WallTime now);
  Result<void> delete_label(const std::string& repository, const std::string& name, WallTime now);

  json::object to_json() const;
  Result<void> load(const json::object& object);

 private:
  Result<GitHubRepository*> find(const std::string& full_name);
  Result<Issue*> find_issue(const std::string& full_name, int64_t number);
  Result<void> apply(const GitHubRepository& repository, CheckRun& run, CheckRunChange change,
                     WallTime now);
  Result<std::string> resolve_in(const GitHubRepository& repository, const std::string& ref) const;
  void ensure_labels(GitHubRepository& repository, const std::vector<std::string>& names);
  void record(WallTime now, const char* action, const GitHubRepository& repository,
              json::object details);

  Ledger& ledger_;
  GitHubSettings settings_;
  int64_t next_id_ = 100'001;
  std::map<std::string, GitHubRepository> repositories_;  // by full name in lower case
};

}  // namespace pawl::cloud
