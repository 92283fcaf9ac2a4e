#include "github/forge.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "github/issues.h"
#include "github/report_text.h"

namespace pawl {
namespace {

bool is_finished(const DeploymentReport& report) {
  return report.outcome != "in_progress";
}

std::string repo_path(const DeploymentReport& report) {
  return "/repos/" + report.repository;
}

std::string check_name(const DeploymentReport& report) {
  return "Deployment (" + report.environment + ")";
}

std::string conclusion(const DeploymentReport& report) {
  if (report.outcome == "succeeded") return "success";
  return report.outcome == "cancelled" ? "cancelled" : "failure";
}

/// https://docs.github.com/en/rest/checks/runs
Task<Result<std::string>> tell_check_run(GitHubClient& client, DeploymentReport report) {
  const std::string list_path =
      fmt::format("{}/commits/{}/check-runs?check_name={}&per_page=100&filter=all",
                  repo_path(report), report.sha, url_encode(check_name(report)));
  PAWL_CO_TRY(auto runs, co_await client.list(list_path, "check_runs"));
  int64_t existing = 0;
  for (const auto& run : runs)
    if (run.is_object() && string_or(run.get_object(), "external_id") == report.deployment_id)
      existing = int_or(run.get_object(), "id");

  json::object body{{"name", check_name(report)},
                    {"status", is_finished(report) ? "completed" : "in_progress"},
                    {"external_id", report.deployment_id}};
  json::object output{{"title", headline(report)}, {"summary", check_summary(report)}};
  if (!report.details_markdown.empty())
    output["text"] = cut(report.details_markdown, kMaxCheckText);
  body["output"] = std::move(output);
  if (is_finished(report)) body["conclusion"] = conclusion(report);
  if (!report.url.empty()) body["details_url"] = report.url;

  if (existing == 0) body["head_sha"] = report.sha;
  const std::string method = existing == 0 ? "POST" : "PATCH";
  std::string path = repo_path(report) + "/check-runs";
  if (existing != 0) path += fmt::format("/{}", existing);
  PAWL_CO_TRY(auto answer, co_await client.call(method, path, body));
  co_return answer.is_object() ? string_or(answer.get_object(), "html_url") : "";
}

// Statuses pile up, newest first: whether the newest one (of that context, when one is named) says
// just this already. A list that cannot be read is no reason to say nothing.
Task<bool> was_said(GitHubClient& client, std::string path, json::object body) {
  const auto said = co_await client.list(path, "");
  if (!said.ok()) co_return false;
  const std::string context = string_or(body, "context");
  for (const auto& each : *said) {
    if (!each.is_object()) continue;
    const auto& status = each.get_object();
    if (!context.empty() && string_or(status, "context") != context) continue;
    co_return string_or(status, "state") == string_or(body, "state") &&
        string_or(status, "description") == string_or(body, "description");
  }
  co_return false;
}

/// https://docs.github.com/en/rest/commits/statuses
Task<Result<std::string>> tell_commit_status(GitHubClient& client, DeploymentReport report) {
  std::string state = "pending";
  if (is_finished(report)) state = report.outcome == "succeeded" ? "success" : "failure";
  if (report.outcome == "cancelled") state = "error";
  json::object body{{"state", state},
                    {"context", "pawl/" + report.environment},
                    {"description", short_description(report)}};
  if (!report.url.empty()) body["target_url"] = report.url;
  const std::string list_path =
      fmt::format("{}/commits/{}/statuses?per_page=100", repo_path(report), report.sha);
  const bool said = co_await was_said(client, list_path, body);
  if (said) co_return "";
  const std::string path = fmt::format("{}/statuses/{}", repo_path(report), report.sha);
  PAWL_CO_CHECK(co_await client.call("POST", path, body));
  co_return "";
}

Task<Result<int64_t>> find_or_make_deployment(GitHubClient& client, DeploymentReport report) {
  const std::string list_path =
      fmt::format("{}/deployments?sha={}&environment={}&per_page=100", repo_path(report),
                  report.sha, url_encode(report.environment));
  PAWL_CO_TRY(auto deployments, co_await client.list(list_path, ""));
  for (const auto& each : deployments) {
    if (!each.is_object()) continue;
    // GitHub gives the payload back as it was sent, or as text when it was text.
    const auto* payload = find(each.get_object(), "payload");
    if (payload != nullptr && payload->is_object() &&
        string_or(payload->get_object(), "pawl_deployment") == report.deployment_id)
      co_return int_or(each.get_object(), "id");
  }
  json::object body{{"ref", report.sha},
                    {"task", "deploy"},
                    {"auto_merge", false},
                    {"required_contexts", json::array{}},
                    {"environment", report.environment},
                    {"production_environment", report.is_production},
                    {"description", short_description(report)},
                    {"payload", json::object{{"pawl_deployment", report.deployment_id}}}};
  PAWL_CO_TRY(auto answer, co_await client.call("POST", repo_path(report) + "/deployments", body));
  const int64_t id = answer.is_object() ? int_or(answer.get_object(), "id") : 0;
  if (id == 0) co_return Error(ErrorKind::corrupt, "GitHub made a deployment without an id");
  co_return id;
}

/// https://docs.github.com/en/rest/deployments
Task<Result<std::string>> tell_deployment(GitHubClient& client, DeploymentReport report) {
  PAWL_CO_TRY(auto id, co_await find_or_make_deployment(client, report));
  std::string state = "in_progress";
  if (is_finished(report)) state = report.outcome == "succeeded" ? "success" : "failure";
  if (report.outcome == "cancelled") state = "error";
  json::object body{{"state", state},
                    {"environment", report.environment},
                    {"description", short_description(report)},
                    {"auto_inactive", report.outcome == "succeeded"}};
  if (!report.url.empty()) body["environment_url"] = report.url;
  const std::string path = fmt::format("{}/deployments/{}/statuses", repo_path(report), id);
  const bool said = co_await was_said(client, path + "?per_page=100", body);
  if (!said) PAWL_CO_CHECK(co_await client.call("POST", path, body));
  co_return fmt::format("{}/deployments/{}", repo_path(report), id);
}

class GitHubForge : public Forge {
 public:
  explicit GitHubForge(GitHubClient& client) : client_(client) {}

  Task<Result<ReportResult>> report_started(DeploymentReport report) override {
    report.outcome = "in_progress";
    ReportResult result;
    co_await tell_states(report, &result);
    co_return result;
  }

  Task<Result<ReportResult>> report_finished(DeploymentReport report) override {
    ReportResult result;
    co_await tell_states(report, &result);
    if (is_failure(report)) {
      note(co_await open_or_update_issue(client_, report), "the issue", &result.issue, &result);
    } else if (report.outcome == "succeeded") {
      auto closed = co_await close_issues(client_, report);
      if (closed.ok()) {
        result.closed_issues = *closed;
      } else {
        result.problems.push_back("closing issues: " + closed.error().message());
      }
    }
    co_return result;
  }

  Task<Result<std::string>> check_access(std::string repository) override {
    PAWL_CO_TRY(auto answer, co_await client_.get("/repos/" + repository));
    if (!answer.is_object())
      co_return Error(ErrorKind::corrupt, "GitHub's answer is not an object");
    const auto& object = answer.get_object();
    // Only answers to a user's token carry this; an App's installation token shows it by trying.
    if (const auto* permissions = find(object, "permissions"); permissions != nullptr)
      if (permissions->is_object() && !bool_or(permissions->get_object(), "push"))
        co_return Error(ErrorKind::denied, "the token may only read " + repository)
            .with_hint("it needs write access to checks, statuses, deployments and issues");
    co_return string_or(object, "full_name", repository);
  }

 private:
  // The three states are told side by side; what fails is noted, and keeps none of the others back.
  Task<void> tell_states(DeploymentReport report, ReportResult* result) {
    std::vector<Task<Result<std::string>>> tasks;
    tasks.push_back(tell_check_run(client_, report));
    tasks.push_back(tell_commit_status(client_, report));
    tasks.push_back(tell_deployment(client_, report));
    auto told = co_await when_all(std::move(tasks));
    std::string unused;
    note(std::move(told[0]), "the check run", &result->check_run, result);
    note(std::move(told[1]), "the commit status", &unused, result);
    note(std::move(told[2]), "the deployment", &result->deployment, result);
  }

  static void note(Result<std::string> told, const char* what, std::string* slot,
                   ReportResult* result) {
    if (told.ok()) {
      *slot = *told;
      return;
    }
    std::string problem = fmt::format("{}: {}", what, told.error().message());
    if (!told.error().hint().empty()) problem += " (" + told.error().hint() + ")";
    result->problems.push_back(std::move(problem));
  }

  GitHubClient& client_;
};

}  // namespace

std::unique_ptr<Forge> make_github_forge(GitHubClient& client) {
  return std::make_unique<GitHubForge>(client);
}

}  // namespace pawl
