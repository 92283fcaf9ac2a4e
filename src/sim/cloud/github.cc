#include "sim/cloud/github.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pawl::cloud {
namespace {

constexpr size_t kMaxStatusesOfCommit = 1000;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool is_full_sha(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 3> kCheckStatuses{"queued", "in_progress", "completed"};
constexpr std::array<std::string_view, 8> kConclusions{"action_required", "cancelled", "failure",
                                                       "neutral",         "success",   "skipped",
                                                       "stale",           "timed_out"};
constexpr std::array<std::string_view, 4> kCommitStates{"error", "failure", "pending", "success"};
constexpr std::array<std::string_view, 7> kDeploymentStates{
    "error", "failure", "inactive", "in_progress", "queued", "pending", "success"};

Error invalid(std::string_view resource, std::string_view field) {
  json::array errors;
  errors.push_back(github_field_error(resource, "invalid", field));
  return github_error(422, "Validation Failed", std::move(errors));
}

Error missing(std::string_view resource, std::string_view field) {
  json::array errors;
  errors.push_back(github_field_error(resource, "missing_field", field));
  return github_error(422, "Validation Failed", std::move(errors));
}

Error too_long(std::string_view resource, std::string_view field, size_t limit) {
  json::object error = github_field_error(resource, "custom", field);
  error["message"] = fmt::format("{} is too long (maximum is {} characters)", field, limit);
  json::array errors;
  errors.push_back(std::move(error));
  return github_error(422, "Validation Failed", std::move(errors));
}

Error not_found() {
  return github_error(404, "Not Found");
}

size_t characters_in(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

template <class T>
void assign(T& target, std::optional<T>& value) {
  if (value) target = *std::move(value);
}

}  // namespace

Error github_error(int status, std::string message, json::array errors) {
  Error error = aws_error(status, errors.empty() ? "" : json::serialize(errors), message);
  return error;
}

json::object github_field_error(std::string_view resource, std::string_view code,
                                std::string_view field) {
  return {{"resource", resource}, {"code", code}, {"field", field}};
}

GitHubRepository& GitHub::add_repository(const std::string& full_name, WallTime now) {
  const std::string key = lower_case(full_name);
  if (const auto there = repositories_.find(key); there != repositories_.end())
    return there->second;
  GitHubRepository repository;
  repository.id = next_id_++;
  const auto slash = full_name.find('/');
  repository.owner = full_name.substr(0, slash);
  repository.name = slash == std::string::npos ? full_name : full_name.substr(slash + 1);
  repository.created_at = now;
  return repositories_.emplace(key, std::move(repository)).first->second;
}

Result<GitHubRepository*> GitHub::find(const std::string& full_name) {
  const auto found = repositories_.find(lower_case(full_name));
  if (found == repositories_.end()) return not_found();
  return &found->second;
}

Result<const GitHubRepository*> GitHub::repository(const std::string& full_name) const {
  const auto found = repositories_.find(lower_case(full_name));
  if (found == repositories_.end()) return not_found();
  return &found->second;
}

Result<const GitHubRepository*> GitHub::repository(int64_t id) const {
  for (const auto& [key, repository] : repositories_)
    if (repository.id == id) return &repository;
  return not_found();
}

Result<void> GitHub::rename_repository(const std::string& old_name, const std::string& new_name) {
  PAWL_TRY(auto* found, find(old_name));
  GitHubRepository moved = std::move(*found);
  repositories_.erase(lower_case(old_name));
  moved.former_names.push_back(moved.full_name());
  const auto slash = new_name.find('/');
  moved.owner = new_name.substr(0, slash);
  moved.name = slash == std::string::npos ? new_name : new_name.substr(slash + 1);
  repositories_.insert_or_assign(lower_case(new_name), std::move(moved));
  return ok();
}

const GitHubRepository* GitHub::formerly(const std::string& full_name) const {
  for (const auto& [key, repository] : repositories_)
    for (const auto& name : repository.former_names)
      if (lower_case(name) == lower_case(full_name)) return &repository;
  return nullptr;
}

std::vector<std::string> GitHub::repositories() const {
  std::vector<std::string> names;
  for (const auto& [key, repository] : repositories_) names.push_back(repository.full_name());
  return names;
}

void GitHub::record(WallTime now, const char* action, const GitHubRepository& repository,
                    json::object details) {
  ledger_.record(now, "github", action, repository.full_name(), std::move(details));
}

Result<void> GitHub::add_commit(const std::string& repository, Commit commit,
                                const std::string& branch) {
  PAWL_TRY(auto* found, find(repository));
  if (!branch.empty()) found->branches[branch] = commit.sha;
  const bool known = std::any_of(found->commits.begin(), found->commits.end(),
                                 [&](const Commit& other) { return other.sha == commit.sha; });
  if (!known) found->commits.push_back(std::move(commit));
  return ok();
}

Result<void> GitHub::add_tag(const std::string& repository, GitTag tag) {
  PAWL_TRY(auto* found, find(repository));
  std::erase_if(found->tags, [&](const GitTag& other) { return other.name == tag.name; });
  found->tags.push_back(std::move(tag));
  return ok();
}

Result<void> GitHub::put_environment(const std::string& repository, GitHubEnvironment environment,
                                     WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  GitHubEnvironment& there = found->environments[environment.name];
  environment.id = there.id == 0 ? next_id_++ : there.id;
  environment.created_at = there.id == 0 ? now : there.created_at;
  there = std::move(environment);
  return ok();
}

// The history is one line: whichever commit stands first is the other's ancestor.
Result<Comparison> GitHub::compare(const std::string& repository, const std::string& base,
                                   const std::string& head) const {
  PAWL_TRY(const auto* found, this->repository(repository));
  const auto place_of = [&](const std::string& ref) -> std::optional<size_t> {
    const auto sha = resolve_in(*found, ref);
    for (size_t i = 0; sha.ok() && i < found->commits.size(); ++i)
      if (found->commits[i].sha == *sha) return i;
    return std::nullopt;
  };
  const auto from = place_of(base), to = place_of(head);
  if (!from || !to) return not_found();
  Comparison comparison;
  comparison.merge_base = found->commits[std::min(*from, *to)].sha;
  for (size_t i = *from + 1; i <= *to; ++i) comparison.commits.push_back(found->commits[i]);
  if (*to < *from) comparison.behind_by = static_cast<int64_t>(*from - *to);
  return comparison;
}

Result<WorkflowRun> GitHub::add_run(const std::string& repository, WorkflowRun run) {
  PAWL_TRY(auto* found, find(repository));
  run.id = next_id_++;
  run.number = static_cast<int64_t>(found->runs.size()) + 1;
  found->runs[run.id] = run;
  return run;
}

Result<GitHubRelease> GitHub::add_release(const std::string& repository, GitHubRelease release) {
  PAWL_TRY(auto* found, find(repository));
  release.id = next_id_++;
  found->releases.push_back(release);
  return release;
}

Result<std::string> GitHub::resolve(const std::string& repository, const std::string& ref) const {
  PAWL_TRY(const auto* found, this->repository(repository));
  return resolve_in(*found, ref);
}

Result<std::string> GitHub::resolve_in(const GitHubRepository& repository,
                                       const std::string& ref) const {
  std::string_view name = ref;
  for (const std::string_view prefix : {"refs/", "heads/", "tags/"})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  if (const auto branch = repository.branches.find(std::string(name));
      branch != repository.branches.end())
    return branch->second;
  for (const auto& tag : repository.tags)
    if (tag.name == name) return tag.sha;
  for (const auto& commit : repository.commits)
    if (ref.size() >= 7 && commit.sha.starts_with(ref)) return commit.sha;
  if (settings_.accept_unknown_commits && is_full_sha(ref)) return ref;
  return github_error(422, fmt::format("No commit found for SHA: {}", ref));
}

Result<void> GitHub::apply(const GitHubRepository& repository, CheckRun& run, CheckRunChange change,
                           WallTime now) {
  if (change.status && !is_one_of(kCheckStatuses, *change.status))
    return invalid("CheckRun", "status");
  if (change.conclusion && !is_one_of(kConclusions, *change.conclusion))
    return invalid("CheckRun", "conclusion");
  if (change.status == "completed" && !change.conclusion && run.conclusion.empty())
    return missing("CheckRun", "conclusion");
  if (change.annotations.size() > kMaxAnnotationsOfCall)
    return github_error(422,
                        fmt::format("Invalid request.\n\nNo more than {} items are allowed; {} "
                                    "were supplied.",
                                    kMaxAnnotationsOfCall, change.annotations.size()));
  for (const auto* text : {&change.summary, &change.text})
    if (*text && (*text)->size() > kMaxCheckTextBytes)
      return too_long("CheckRun", text == &change.summary ? "summary" : "text", kMaxCheckTextBytes);
  const bool has_output = change.summary || change.text || !change.annotations.empty();
  if (has_output && (!change.summary || (!change.title && run.title.empty())))
    return missing("CheckRun", change.summary ? "title" : "summary");
  if (change.head_sha) {
    PAWL_TRY(run.head_sha, resolve_in(repository, *change.head_sha));
  }
  assign(run.name, change.name);
  assign(run.external_id, change.external_id);
  assign(run.details_url, change.details_url);
  assign(run.title, change.title);
  assign(run.summary, change.summary);
  assign(run.text, change.text);
  assign(run.actions, change.actions);
  if (change.started_at) run.started_at = change.started_at;
  for (auto& annotation : change.annotations) run.annotations.push_back(std::move(annotation));
  assign(run.status, change.status);
  if (change.conclusion) {  // "Providing conclusion will automatically set the status parameter to
                            // completed"
    run.conclusion = *change.conclusion;
    run.status = "completed";
  }
  if (run.status == "completed") {
    run.completed_at = change.completed_at ? change.completed_at : run.completed_at.value_or(now);
  } else {
    run.conclusion.clear();
    run.completed_at.reset();
  }
  return ok();
}

Result<CheckRun> GitHub::create_check_run(const std::string& repository, CheckRunChange change,
                                          WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  if (!change.name || change.name->empty()) return missing("CheckRun", "name");
  if (!change.head_sha || change.head_sha->empty()) return missing("CheckRun", "head_sha");
  CheckRun run;
  PAWL_CHECK(apply(*found, run, std::move(change), now));
  if (!run.started_at) run.started_at = now;
  run.id = next_id_++;
  found->check_runs[run.id] = run;
  record(
      now, "CreateCheckRun", *found,
      {{"id", run.id}, {"name", run.name}, {"status", run.status}, {"conclusion", run.conclusion}});
  return run;
}

Result<CheckRun> GitHub::update_check_run(const std::string& repository, int64_t id,
                                          CheckRunChange change, WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  const auto there = found->check_runs.find(id);
  if (there == found->check_runs.end()) return not_found();
  CheckRun run = there->second;
  change.head_sha.reset();
  PAWL_CHECK(apply(*found, run, std::move(change), now));
  there->second = run;
  record(now, "UpdateCheckRun", *found,
         {{"id", id}, {"status", run.status}, {"conclusion", run.conclusion}});
  return run;
}

Result<CommitStatus> GitHub::create_status(const std::string& repository, CommitStatus status,
                                           WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  if (!is_one_of(kCommitStates, status.state)) return invalid("Status", "state");
  if (characters_in(status.description) > kMaxStatusDescription)
    return too_long("Status", "description", kMaxStatusDescription);
  if (!status.target_url.empty() && !status.target_url.starts_with("http://") &&
      !status.target_url.starts_with("https://"))
    return invalid("Status", "target_url");
  if (status.context.empty()) status.context = "default";
  PAWL_TRY(status.sha, resolve_in(*found, status.sha));
  const auto same =
      std::count_if(found->statuses.begin(), found->statuses.end(), [&](const auto& other) {
        return other.sha == status.sha && other.context == status.context;
      });
  if (static_cast<size_t>(same) >= kMaxStatusesOfCommit)
    return github_error(422, "This SHA and context has reached the maximum number of statuses.");
  status.id = next_id_++;
  status.created_at = now;
  found->statuses.push_back(status);
  record(now, "CreateStatus", *found,
         {{"sha", status.sha}, {"context", status.context}, {"state", status.state}});
  return status;
}

Result<GitHubDeployment> GitHub::create_deployment(const std::string& repository,
                                                   GitHubDeployment deployment, WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  if (deployment.ref.empty()) return missing("Deployment", "ref");
  if (characters_in(deployment.description) > kMaxStatusDescription)
    return too_long("Deployment", "description", kMaxStatusDescription);
  auto sha = resolve_in(*found, deployment.ref);
  if (!sha.ok()) return github_error(422, fmt::format("No ref found for: {}", deployment.ref));
  deployment.sha = *sha;
  deployment.id = next_id_++;
  deployment.created_at = now;
  deployment.updated_at = now;
  deployment.statuses.clear();
  found->deployments[deployment.id] = deployment;
  if (found->environments.count(deployment.environment) == 0) {
    GitHubEnvironment made;
    made.name = deployment.environment;
    PAWL_CHECK(put_environment(repository, std::move(made), now));
  }
  record(now, "CreateDeployment", *found,
         {{"id", deployment.id}, {"environment", deployment.environment}, {"sha", deployment.sha}});
  return deployment;
}

Result<void> GitHub::delete_deployment(const std::string& repository, int64_t id, WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  const auto there = found->deployments.find(id);
  if (there == found->deployments.end()) return not_found();
  const bool active =
      !there->second.statuses.empty() && there->second.statuses.back().state != "inactive";
  if (active && found->deployments.size() > 1)
    return github_error(422,
                        "We cannot delete an active deployment unless it is the only deployment "
                        "in a given environment.");
  found->deployments.erase(there);
  record(now, "DeleteDeployment", *found, {{"id", id}});
  return ok();
}

Result<DeploymentStatus> GitHub::create_deployment_status(const std::string& repository, int64_t id,
                                                          DeploymentStatus status,
                                                          bool auto_inactive, WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  const auto there = found->deployments.find(id);
  if (there == found->deployments.end()) return not_found();
  if (!is_one_of(kDeploymentStates, status.state)) return invalid("DeploymentStatus", "state");
  if (characters_in(status.description) > kMaxStatusDescription)
    return too_long("DeploymentStatus", "description", kMaxStatusDescription);
  GitHubDeployment& deployment = there->second;
  if (status.environment.empty()) status.environment = deployment.environment;
  status.id = next_id_++;
  status.created_at = now;
  deployment.statuses.push_back(status);
  deployment.updated_at = now;
  record(now, "CreateDeploymentStatus", *found, {{"deployment", id}, {"state", status.state}});
  // "Adds a new inactive status to all prior non-transient, non-production environment deployments
  // with the same repository and environment name", and since 2022 to production ones as well.
  if (status.state == "success" && auto_inactive) {
    for (auto& [other_id, other] : found->deployments) {
      if (other_id >= id || other.transient_environment ||
          other.environment != status.environment || other.statuses.empty() ||
          other.statuses.back().state == "inactive")
        continue;
      DeploymentStatus inactive;
      inactive.id = next_id_++;
      inactive.state = "inactive";
      inactive.environment = other.environment;
      inactive.created_at = now;
      other.statuses.push_back(inactive);
      other.updated_at = now;
    }
  }
  return status;
}

// ---- issues

Result<Issue*> GitHub::find_issue(const std::string& full_name, int64_t number) {
  PAWL_TRY(auto* found, find(full_name));
  const auto issue = found->issues.find(number);
  if (issue == found->issues.end()) return not_found();
  return &issue->second;
}

void GitHub::ensure_labels(GitHubRepository& repository, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const std::string key = lower_case(name);
    if (repository.labels.count(key) == 0)
      repository.labels[key] = Label{next_id_++, name, "ededed", ""};
  }
}

Result<Issue> GitHub::create_issue(const std::string& repository, IssueChange change,
                                   WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  if (!change.title || change.title->empty()) return missing("Issue", "title");
  Issue issue;
  issue.id = next_id_++;
  issue.number = found->next_issue++;
  issue.created_at = now;
  found->issues[issue.number] = issue;
  change.state.reset();
  auto made = update_issue(repository, issue.number, std::move(change), now);
  if (!made.ok()) found->issues.erase(issue.number);
  return made;
}

Result<Issue> GitHub::update_issue(const std::string& repository, int64_t number,
                                   IssueChange change, WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  PAWL_TRY(auto* issue, find_issue(repository, number));
  if (change.title && characters_in(*change.title) > kMaxIssueTitle)
    return too_long("Issue", "title", kMaxIssueTitle);
  if (change.body && characters_in(*change.body) > kMaxIssueBody)
    return too_long("Issue", "body", kMaxIssueBody);
  if (change.state && *change.state != "open" && *change.state != "closed")
    return invalid("Issue", "state");
  if (change.labels) {
    for (const auto& label : *change.labels)
      if (label.empty() || characters_in(label) > kMaxLabelName) return invalid("Label", "name");
    ensure_labels(*found, *change.labels);
    // Labels keep the spelling that the repository has.
    for (auto& label : *change.labels) label = found->labels[lower_case(label)].name;
    issue->labels = *std::move(change.labels);
  }
  assign(issue->title, change.title);
  assign(issue->body, change.body);
  assign(issue->assignees, change.assignees);
  if (change.state && *change.state != issue->state) {
    issue->state = *change.state;
    issue->state_reason =
        issue->state == "closed" ? change.state_reason.value_or("completed") : "reopened";
    if (issue->state == "closed")
      issue->closed_at = now;
    else
      issue->closed_at.reset();
  }
  issue->updated_at = now;
  record(now, "WriteIssue", *found, {{"number", number}, {"state", issue->state}});
  return *issue;
}

Result<std::vector<Issue>> GitHub::issues(const std::string& repository,
                                          const IssueQuery& query) const {
  PAWL_TRY(const auto* found, this->repository(repository));
  std::vector<Issue> listed;
  for (const auto& [number, issue] : found->issues) {
    if (query.state != "all" && issue.state != query.state) continue;
    if (query.since && issue.updated_at < *query.since) continue;
    const auto& labels = issue.labels;
    const bool has_all =
        std::all_of(query.labels.begin(), query.labels.end(), [&labels](const auto& wanted) {
          return std::any_of(labels.begin(), labels.end(), [&wanted](const auto& label) {
            return lower_case(label) == lower_case(wanted);
          });
        });
    if (has_all) listed.push_back(issue);
  }
  std::stable_sort(listed.begin(), listed.end(), [&](const Issue& a, const Issue& b) {
    if (query.sort == "updated") return a.updated_at < b.updated_at;
    if (query.sort == "comments") return a.comments.size() < b.comments.size();
    return a.number < b.number;
  });
  if (!query.ascending) std::reverse(listed.begin(), listed.end());
  return listed;
}

Result<IssueComment> GitHub::add_comment(const std::string& repository, int64_t number,
                                         std::string body, WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  PAWL_TRY(auto* issue, find_issue(repository, number));
  if (body.empty()) return missing("IssueComment", "body");
  if (characters_in(body) > kMaxIssueBody) return too_long("IssueComment", "body", kMaxIssueBody);
  IssueComment comment{next_id_++, number, std::move(body), now, now};
  issue->comments.push_back(comment);
  issue->updated_at = now;
  record(now, "CreateComment", *found, {{"number", number}});
  return comment;
}

Result<Label> GitHub::create_label(const std::string& repository, Label label, WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  if (label.name.empty()) return missing("Label", "name");
  if (characters_in(label.name) > kMaxLabelName) return invalid("Label", "name");
  if (label.color.size() != 6 ||
      label.color.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
    return invalid("Label", "color");
  if (characters_in(label.description) > 100) return too_long("Label", "description", 100);
  const std::string key = lower_case(label.name);
  if (found->labels.count(key) > 0) {
    json::array errors;
    errors.push_back(github_field_error("Label", "already_exists", "name"));
    return github_error(422, "Validation Failed", std::move(errors));
  }
  label.id = next_id_++;
  found->labels[key] = label;
  record(now, "CreateLabel", *found, {{"name", label.name}});
  return label;
}

Result<void> GitHub::delete_label(const std::string& repository, const std::string& name,
                                  WallTime now) {
  PAWL_TRY(auto* found, find(repository));
  if (found->labels.erase(lower_case(name)) == 0) return not_found();
  for (auto& [number, issue] : found->issues)
    std::erase_if(issue.labels,
                  [&](const auto& label) { return lower_case(label) == lower_case(name); });
  record(now, "DeleteLabel", *found, {{"name", name}});
  return ok();
}

}  // namespace pawl::cloud
