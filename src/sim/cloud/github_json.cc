// GitHub's part of the state file.
#include "sim/cloud/github.h"
#include "sim/cloud/state_json.h"

namespace pawl::cloud {
namespace {

json::value write_time(const std::optional<WallTime>& time) {
  return time ? json::value(time->unix_ms) : json::value(nullptr);
}

std::optional<WallTime> read_time(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return WallTime{value->get_int64()};
}

json::array read_array(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : json::array();
}

json::object write(const CheckRun& run) {
  return {{"id", run.id},
          {"name", run.name},
          {"head_sha", run.head_sha},
          {"status", run.status},
          {"conclusion", run.conclusion},
          {"external_id", run.external_id},
          {"details_url", run.details_url},
          {"started_at", write_time(run.started_at)},
          {"completed_at", write_time(run.completed_at)},
          {"title", run.title},
          {"summary", run.summary},
          {"text", run.text},
          {"annotations", run.annotations},
          {"actions", run.actions}};
}

CheckRun read_check_run(const json::object& o) {
  CheckRun run;
  run.id = int_or(o, "id");
  run.name = string_or(o, "name");
  run.head_sha = string_or(o, "head_sha");
  run.status = string_or(o, "status", "queued");
  run.conclusion = string_or(o, "conclusion");
  run.external_id = string_or(o, "external_id");
  run.details_url = string_or(o, "details_url");
  run.started_at = read_time(o, "started_at");
  run.completed_at = read_time(o, "completed_at");
  run.title = string_or(o, "title");
  run.summary = string_or(o, "summary");
  run.text = string_or(o, "text");
  run.annotations = read_array(o, "annotations");
  run.actions = read_array(o, "actions");
  return run;
}

json::object write(const CommitStatus& status) {
  return {{"id", status.id},
          {"sha", status.sha},
          {"state", status.state},
          {"context", status.context},
          {"description", status.description},
          {"target_url", status.target_url},
          {"created_at", status.created_at.unix_ms}};
}

CommitStatus read_commit_status(const json::object& o) {
  return {int_or(o, "id"),         string_or(o, "sha"),         string_or(o, "state"),
          string_or(o, "context"), string_or(o, "description"), string_or(o, "target_url"),
          time_or(o, "created_at")};
}

json::object write(const DeploymentStatus& status) {
  return {{"id", status.id},
          {"state", status.state},
          {"description", status.description},
          {"environment", status.environment},
          {"environment_url", status.environment_url},
          {"log_url", status.log_url},
          {"created_at", status.created_at.unix_ms}};
}

DeploymentStatus read_deployment_status(const json::object& o) {
  return {int_or(o, "id"),
          string_or(o, "state"),
          string_or(o, "description"),
          string_or(o, "environment"),
          string_or(o, "environment_url"),
          string_or(o, "log_url"),
          time_or(o, "created_at")};
}

json::object write(const GitHubDeployment& d) {
  json::array statuses;
  for (const auto& status : d.statuses) statuses.push_back(write(status));
  return {{"id", d.id},
          {"sha", d.sha},
          {"ref", d.ref},
          {"task", d.task},
          {"environment", d.environment},
          {"description", d.description},
          {"payload", d.payload},
          {"production_environment", d.production_environment},
          {"transient_environment", d.transient_environment},
          {"created_at", d.created_at.unix_ms},
          {"updated_at", d.updated_at.unix_ms},
          {"statuses", std::move(statuses)}};
}

GitHubDeployment read_deployment(const json::object& o) {
  GitHubDeployment d;
  d.id = int_or(o, "id");
  d.sha = string_or(o, "sha");
  d.ref = string_or(o, "ref");
  d.task = string_or(o, "task", "deploy");
  d.environment = string_or(o, "environment");
  d.description = string_or(o, "description");
  if (const auto* payload = o.if_contains("payload")) d.payload = *payload;
  d.production_environment = bool_or(o, "production_environment");
  d.transient_environment = bool_or(o, "transient_environment");
  d.created_at = time_or(o, "created_at");
  d.updated_at = time_or(o, "updated_at");
  for (const auto* status : objects_in(o, "statuses"))
    d.statuses.push_back(read_deployment_status(*status));
  return d;
}

json::object write(const Issue& issue) {
  json::array comments;
  for (const auto& c : issue.comments)
    comments.push_back(json::object{{"id", c.id},
                                    {"issue_number", c.issue_number},
                                    {"body", c.body},
                                    {"created_at", c.created_at.unix_ms},
                                    {"updated_at", c.updated_at.unix_ms}});
  return {{"id", issue.id},
          {"number", issue.number},
          {"title", issue.title},
          {"body", issue.body},
          {"state", issue.state},
          {"state_reason", issue.state_reason},
          {"labels", write_list(issue.labels)},
          {"assignees", write_list(issue.assignees)},
          {"created_at", issue.created_at.unix_ms},
          {"updated_at", issue.updated_at.unix_ms},
          {"closed_at", write_time(issue.closed_at)},
          {"comments", std::move(comments)}};
}

Issue read_issue(const json::object& o) {
  Issue issue;
  issue.id = int_or(o, "id");
  issue.number = int_or(o, "number");
  issue.title = string_or(o, "title");
  issue.body = string_or(o, "body");
  issue.state = string_or(o, "state", "open");
  issue.state_reason = string_or(o, "state_reason");
  issue.labels = read_list(o, "labels");
  issue.assignees = read_list(o, "assignees");
  issue.created_at = time_or(o, "created_at");
  issue.updated_at = time_or(o, "updated_at");
  issue.closed_at = read_time(o, "closed_at");
  for (const auto* c : objects_in(o, "comments"))
    issue.comments.push_back({int_or(*c, "id"), int_or(*c, "issue_number"), string_or(*c, "body"),
                              time_or(*c, "created_at"), time_or(*c, "updated_at")});
  return issue;
}

json::object write(const WorkflowRun& r) {
  return {{"id", r.id},
          {"name", r.name},
          {"head_sha", r.head_sha},
          {"head_branch", r.head_branch},
          {"event", r.event},
          {"status", r.status},
          {"conclusion", r.conclusion},
          {"number", r.number},
          {"created_at", r.created_at.unix_ms}};
}

json::object write(const GitHubRelease& r) {
  return {{"id", r.id},
          {"tag_name", r.tag_name},
          {"name", r.name},
          {"body", r.body},
          {"target", r.target},
          {"draft", r.draft},
          {"prerelease", r.prerelease},
          {"created_at", r.created_at.unix_ms}};
}

json::object write(const GitHubEnvironment& e) {
  return {{"id", e.id},
          {"name", e.name},
          {"wait_timer_minutes", e.wait_timer_minutes},
          {"reviewers", write_list(e.reviewers)},
          {"teams", write_list(e.teams)},
          {"prevents_self_review", e.prevents_self_review},
          {"protected_branches_only", e.protected_branches_only},
          {"created_at", e.created_at.unix_ms}};
}

GitHubEnvironment read_environment(const json::object& o) {
  return {int_or(o, "id"),
          string_or(o, "name"),
          int_or(o, "wait_timer_minutes"),
          read_list(o, "reviewers"),
          read_list(o, "teams"),
          bool_or(o, "prevents_self_review"),
          bool_or(o, "protected_branches_only"),
          time_or(o, "created_at")};
}

// What a repository holds beside issues, checks and deployments.
void write_rest(const GitHubRepository& repository, json::object& o) {
  json::array labels, commits, tags, releases, runs, environments;
  for (const auto& [key, l] : repository.labels)
    labels.push_back(json::object{
        {"id", l.id}, {"name", l.name}, {"color", l.color}, {"description", l.description}});
  for (const auto& c : repository.commits)
    commits.push_back(
        json::object{{"sha", c.sha}, {"message", c.message}, {"date", c.date.unix_ms}});
  for (const auto& t : repository.tags)
    tags.push_back(json::object{{"name", t.name}, {"sha", t.sha}});
  for (const auto& r : repository.releases) releases.push_back(write(r));
  for (const auto& [id, r] : repository.runs) runs.push_back(write(r));
  o["labels"] = std::move(labels);
  o["commits"] = std::move(commits);
  o["branches"] = write_map(repository.branches);
  o["tags"] = std::move(tags);
  o["releases"] = std::move(releases);
  for (const auto& [name, e] : repository.environments) environments.push_back(write(e));
  o["runs"] = std::move(runs);
  o["environments"] = std::move(environments);
  o["former_names"] = write_list(repository.former_names);
}

void read_rest(const json::object& o, GitHubRepository& repository) {
  for (const auto* l : objects_in(o, "labels")) {
    Label label{int_or(*l, "id"), string_or(*l, "name"), string_or(*l, "color"),
                string_or(*l, "description")};
    std::string key = label.name;
    for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    repository.labels[key] = std::move(label);
  }
  for (const auto* c : objects_in(o, "commits"))
    repository.commits.push_back(
        {string_or(*c, "sha"), string_or(*c, "message"), time_or(*c, "date")});
  repository.branches = read_map(o, "branches");
  for (const auto* t : objects_in(o, "tags"))
    repository.tags.push_back({string_or(*t, "name"), string_or(*t, "sha")});
  for (const auto* r : objects_in(o, "releases"))
    repository.releases.push_back({int_or(*r, "id"), string_or(*r, "tag_name"),
                                   string_or(*r, "name"), string_or(*r, "body"),
                                   string_or(*r, "target"), bool_or(*r, "draft"),
                                   bool_or(*r, "prerelease"), time_or(*r, "created_at")});
  for (const auto* e : objects_in(o, "environments"))
    repository.environments[string_or(*e, "name")] = read_environment(*e);
  repository.former_names = read_list(o, "former_names");
  for (const auto* r : objects_in(o, "runs"))
    repository.runs[int_or(*r, "id")] = {int_or(*r, "id"),
                                         string_or(*r, "name"),
                                         string_or(*r, "head_sha"),
                                         string_or(*r, "head_branch"),
                                         string_or(*r, "event"),
                                         string_or(*r, "status"),
                                         string_or(*r, "conclusion"),
                                         int_or(*r, "number"),
                                         time_or(*r, "created_at")};
}

}  // namespace

json::object GitHub::to_json() const {
  json::array repositories;
  for (const auto& [key, repository] : repositories_) {
    json::array check_runs, statuses, deployments, issues;
    for (const auto& [id, run] : repository.check_runs) check_runs.push_back(write(run));
    for (const auto& status : repository.statuses) statuses.push_back(write(status));
    for (const auto& [id, deployment] : repository.deployments)
      deployments.push_back(write(deployment));
    for (const auto& [number, issue] : repository.issues) issues.push_back(write(issue));
    json::object o{{"id", repository.id},
                   {"owner", repository.owner},
                   {"name", repository.name},
                   {"default_branch", repository.default_branch},
                   {"created_at", repository.created_at.unix_ms},
                   {"next_issue", repository.next_issue},
                   {"check_runs", std::move(check_runs)},
                   {"statuses", std::move(statuses)},
                   {"deployments", std::move(deployments)},
                   {"issues", std::move(issues)}};
    write_rest(repository, o);
    repositories.push_back(std::move(o));
  }
  return {{"next_id", next_id_}, {"repositories", std::move(repositories)}};
}

Result<void> GitHub::load(const json::object& object) {
  repositories_.clear();
  for (const auto* o : objects_in(object, "repositories")) {
    GitHubRepository& repository = add_repository(
        string_or(*o, "owner") + "/" + string_or(*o, "name"), time_or(*o, "created_at"));
    repository.id = int_or(*o, "id");
    repository.default_branch = string_or(*o, "default_branch", "main");
    repository.next_issue = std::max<int64_t>(int_or(*o, "next_issue"), 1);
    for (const auto* run : objects_in(*o, "check_runs"))
      repository.check_runs[int_or(*run, "id")] = read_check_run(*run);
    for (const auto* status : objects_in(*o, "statuses"))
      repository.statuses.push_back(read_commit_status(*status));
    for (const auto* deployment : objects_in(*o, "deployments"))
      repository.deployments[int_or(*deployment, "id")] = read_deployment(*deployment);
    for (const auto* issue : objects_in(*o, "issues"))
      repository.issues[int_or(*issue, "number")] = read_issue(*issue);
    read_rest(*o, repository);
  }
  next_id_ = std::max<int64_t>(int_or(object, "next_id"), 1);
  return ok();
}

}  // namespace pawl::cloud
