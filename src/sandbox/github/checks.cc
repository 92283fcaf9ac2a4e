// Check runs, commits and their statuses, deployments.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/github/face.h"

namespace pawl::sandbox {
namespace {

std::optional<std::string> text_in(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

Result<std::optional<WallTime>> time_in(const json::object& body, std::string_view key) {
  const auto text = text_in(body, key);
  if (!text) return std::optional<WallTime>();
  auto time = parse_iso8601(*text);
  if (!time.ok()) {
    json::array errors;
    errors.push_back(cloud::github_field_error("CheckRun", "invalid", key));
    return cloud::github_error(422, "Validation Failed", std::move(errors));
  }
  return std::optional<WallTime>(*time);
}

// A value of another type than text is refused, as GitHub's schema check does.
Result<void> only_text(const json::object& body, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) {
    const json::value* value = body.if_contains(key);
    if (value == nullptr || value->is_null() || value->is_string()) continue;
    return cloud::github_error(
        422, fmt::format("Invalid request.\n\nFor 'properties/{}', {} is not a string.", key,
                         json::serialize(*value)));
  }
  return ok();
}

Result<cloud::CheckRunChange> check_run_change(const json::object& body) {
  PAWL_CHECK(only_text(body, {"name", "head_sha", "status", "conclusion", "external_id",
                              "details_url", "started_at", "completed_at"}));
  cloud::CheckRunChange change;
  change.name = text_in(body, "name");
  change.head_sha = text_in(body, "head_sha");
  change.status = text_in(body, "status");
  change.conclusion = text_in(body, "conclusion");
  change.external_id = text_in(body, "external_id");
  change.details_url = text_in(body, "details_url");
  PAWL_TRY(change.started_at, time_in(body, "started_at"));
  PAWL_TRY(change.completed_at, time_in(body, "completed_at"));
  if (const auto* output = body.if_contains("output"); output != nullptr && output->is_object()) {
    const json::object& out = output->get_object();
    change.title = text_in(out, "title");
    change.summary = text_in(out, "summary");
    change.text = text_in(out, "text");
    if (const auto* annotations = out.if_contains("annotations");
        annotations != nullptr && annotations->is_array())
      change.annotations = annotations->get_array();
    if (!change.summary) {
      json::array errors;
      errors.push_back(cloud::github_field_error("CheckRun", "missing_field", "summary"));
      return cloud::github_error(422, "Validation Failed", std::move(errors));
    }
  }
  if (const auto* actions = body.if_contains("actions"); actions != nullptr && actions->is_array())
    change.actions = actions->get_array();
  return change;
}

}  // namespace

Result<GitHubFace::Answer> GitHubFace::shown(const Call& call, const cloud::CheckRun& run,
                                             int status) const {
  return Answer{status, shapes_.check_run(repository_of(call), run), false, ""};
}

GitHubFace::Routed GitHubFace::route_checks(const Call& call) {
  const auto write = [&](int status, auto&& make) -> Result<Answer> {
    PAWL_TRY(auto change, check_run_change(call.body));
    PAWL_TRY(auto run, make(std::move(change)));
    return shown(call, run, status);
  };
  if (call.is("POST", {"check-runs"}))
    return write(201, [&](cloud::CheckRunChange change) {
      return github_.create_check_run(call.repository, std::move(change), clock_.now());
    });
  if (call.path[0] != "check-runs" || call.path.size() < 2) return std::nullopt;
  const auto& repository = repository_of(call);
  const auto run = repository.check_runs.find(call.number(1));
  if (run == repository.check_runs.end()) return cloud::github_error(404, "Not Found");
  if (call.is("PATCH", {"check-runs", "*"}))
    return write(200, [&](cloud::CheckRunChange change) {
      return github_.update_check_run(call.repository, call.number(1), std::move(change),
                                      clock_.now());
    });
  if (call.is("GET", {"check-runs", "*"})) return shown(call, run->second, 200);
  if (call.is("GET", {"check-runs", "*", "annotations"}))
    return Answer{200, shapes_.annotations(repository, run->second), true, ""};
  return std::nullopt;
}

Result<GitHubFace::Answer> GitHubFace::list_check_runs(const Call& call) {
  PAWL_TRY(const std::string sha, github_.resolve(call.repository, call.path[1]));
  const std::string name = call.query_or("check_name"), status = call.query_or("status");
  const bool latest_only = call.query_or("filter", "latest") == "latest";
  const auto& repository = repository_of(call);
  json::array list;
  std::vector<std::string> seen;
  for (auto entry = repository.check_runs.rbegin(); entry != repository.check_runs.rend();
       ++entry) {
    const cloud::CheckRun& run = entry->second;
    if (run.head_sha != sha || (!name.empty() && run.name != name) ||
        (!status.empty() && run.status != status))
      continue;
    if (latest_only && std::find(seen.begin(), seen.end(), run.name) != seen.end()) continue;
    seen.push_back(run.name);
    list.push_back(shapes_.check_run(repository, run));
  }
  return Answer{200, std::move(list), true, "check_runs"};
}

GitHubFace::Routed GitHubFace::route_commits(const Call& call) {
  const auto& repository = repository_of(call);
  if (call.is("POST", {"statuses", "*"})) {
    const auto make = [&]() -> Result<Answer> {
      PAWL_CHECK(only_text(call.body, {"state", "context", "description", "target_url"}));
      cloud::CommitStatus status;
      status.sha = call.path[1];
      status.state = string_or(call.body, "state");
      status.context = string_or(call.body, "context", "default");
      status.description = string_or(call.body, "description");
      status.target_url = string_or(call.body, "target_url");
      PAWL_TRY(auto made, github_.create_status(call.repository, std::move(status), clock_.now()));
      return Answer{201, shapes_.status(repository_of(call), made), false, ""};
    };
    return make();
  }
  if (call.path[0] != "commits" || call.method != "GET") return std::nullopt;
  json::array list;
  if (call.path.size() == 1) {
    for (auto commit = repository.commits.rbegin(); commit != repository.commits.rend(); ++commit)
      list.push_back(shapes_.commit(repository, *commit));
    return Answer{200, std::move(list), true, ""};
  }
  auto sha = github_.resolve(call.repository, call.path[1]);
  if (!sha.ok()) return std::move(sha).error();
  if (call.path.size() == 2) {
    cloud::Commit commit{*sha, "", repository.created_at};
    for (const auto& known : repository.commits)
      if (known.sha == *sha) commit = known;
    return Answer{200, shapes_.commit(repository, commit), false, ""};
  }
  if (call.is("GET", {"commits", "*", "check-runs"})) return list_check_runs(call);
  if (call.is("GET", {"commits", "*", "status"}))
    return Answer{200, shapes_.combined_status(repository, *sha), false, ""};
  if (!call.is("GET", {"commits", "*", "statuses"})) return std::nullopt;
  for (auto status = repository.statuses.rbegin(); status != repository.statuses.rend(); ++status)
    if (status->sha == *sha) list.push_back(shapes_.status(repository, *status));
  return Answer{200, std::move(list), true, ""};
}

Result<GitHubFace::Answer> GitHubFace::list_deployments(const Call& call) {
  const auto& repository = repository_of(call);
  const auto matches = [&](const char* name, const std::string& value) {
    const std::string wanted = call.query_or(name, "none");
    return wanted == "none" || wanted.empty() || wanted == value;
  };
  json::array list;
  for (auto entry = repository.deployments.rbegin(); entry != repository.deployments.rend();
       ++entry) {
    const auto& d = entry->second;
    if (matches("sha", d.sha) && matches("ref", d.ref) && matches("task", d.task) &&
        matches("environment", d.environment))
      list.push_back(shapes_.deployment(repository, d));
  }
  return Answer{200, std::move(list), true, ""};
}

namespace {

cloud::GitHubDeployment deployment_from(const json::object& body) {
  cloud::GitHubDeployment deployment;
  deployment.ref = string_or(body, "ref");
  deployment.task = string_or(body, "task", "deploy");
  deployment.environment = string_or(body, "environment", "production");
  deployment.description = string_or(body, "description");
  if (const auto* payload = body.if_contains("payload"); payload != nullptr && !payload->is_null())
    deployment.payload = *payload;
  deployment.production_environment =
      bool_or(body, "production_environment", deployment.environment == "production");
  deployment.transient_environment = bool_or(body, "transient_environment");
  return deployment;
}

// Without an explicit list every context must have succeeded; the commit's statuses are looked at.
Result<void> check_required_contexts(const json::object& body, const std::string& combined_state,
                                     bool has_statuses) {
  const auto* contexts = body.if_contains("required_contexts");
  const bool none_required =
      contexts != nullptr && contexts->is_array() && contexts->get_array().empty();
  if (none_required || !has_statuses || combined_state == "success") return ok();
  Error refused = cloud::github_error(409, "Conflict: Commit status checks failed for the ref.");
  return refused;
}

}  // namespace

GitHubFace::Routed GitHubFace::route_deployments(const Call& call) {
  if (call.path[0] != "deployments") return std::nullopt;
  if (call.is("GET", {"deployments"})) return list_deployments(call);
  if (call.is("POST", {"deployments"})) {
    const auto make = [&]() -> Result<Answer> {
      PAWL_CHECK(only_text(call.body, {"ref", "task", "environment", "description"}));
      cloud::GitHubDeployment wanted = deployment_from(call.body);
      auto sha = github_.resolve(call.repository, wanted.ref);
      if (sha.ok()) {
        const json::object combined = shapes_.combined_status(repository_of(call), *sha);
        PAWL_CHECK(check_required_contexts(call.body, string_or(combined, "state"),
                                           int_or(combined, "total_count") > 0));
      }
      PAWL_TRY(auto made,
               github_.create_deployment(call.repository, std::move(wanted), clock_.now()));
      return Answer{201, shapes_.deployment(repository_of(call), made), false, ""};
    };
    return make();
  }
  const auto& repository = repository_of(call);
  const auto found = repository.deployments.find(call.number(1));
  if (found == repository.deployments.end()) return cloud::github_error(404, "Not Found");
  if (call.is("GET", {"deployments", "*"}))
    return Answer{200, shapes_.deployment(repository, found->second), false, ""};
  if (call.is("DELETE", {"deployments", "*"})) {
    auto removed = github_.delete_deployment(call.repository, call.number(1), clock_.now());
    if (!removed.ok()) return std::move(removed).error();
    return Answer{204, nullptr, false, ""};
  }
  if (call.is("GET", {"deployments", "*", "statuses"})) {
    json::array list;
    for (auto status = found->second.statuses.rbegin(); status != found->second.statuses.rend();
         ++status)
      list.push_back(shapes_.deployment_status(repository, found->second, *status));
    return Answer{200, std::move(list), true, ""};
  }
  if (!call.is("POST", {"deployments", "*", "statuses"})) return std::nullopt;
  cloud::DeploymentStatus status;
  status.state = string_or(call.body, "state");
  status.description = string_or(call.body, "description");
  status.environment = string_or(call.body, "environment");
  status.environment_url = string_or(call.body, "environment_url");
  status.log_url = string_or(call.body, "log_url", string_or(call.body, "target_url"));
  auto made =
      github_.create_deployment_status(call.repository, call.number(1), std::move(status),
                                       bool_or(call.body, "auto_inactive", true), clock_.now());
  if (!made.ok()) return std::move(made).error();
  return Answer{201, shapes_.deployment_status(repository, found->second, *made), false, ""};
}

}  // namespace pawl::sandbox
