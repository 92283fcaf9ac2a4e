#include "github/forge.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>

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

/// One report, as it is told: what all parts of it share.
struct Told {
  DeploymentReport report;
  Changes changes;
  std::string run_url;
};

/// https://docs.github.com/en/rest/checks/runs
Task<Result<std::string>> tell_check_run(GitHubClient& client, Told told) {
  const DeploymentReport& report = told.report;
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
  if (const auto text = check_text(report, told.changes); !text.empty()) output["text"] = text;
  body["output"] = std::move(output);
  if (is_finished(report)) body["conclusion"] = conclusion(report);
  if (const auto& url = told.run_url.empty() ? report.url : told.run_url; !url.empty())
    body["details_url"] = url;

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
Task<Result<std::string>> tell_commit_status(GitHubClient& client, Told told) {
  const DeploymentReport& report = told.report;
  std::string state = "pending";
  if (is_finished(report)) state = report.outcome == "succeeded" ? "success" : "failure";
  if (report.outcome == "cancelled") state = "error";
  json::object body{{"state", state},
                    {"context", "pawl/" + report.environment},
                    {"description", short_description(report)}};
  // "to allow users to easily see the source of the status"
  if (const auto& url = told.run_url.empty() ? report.url : told.run_url; !url.empty())
    body["target_url"] = url;
  const std::string list_path =
      fmt::format("{}/commits/{}/statuses?per_page=100", repo_path(report), report.sha);
  const bool said = co_await was_said(client, list_path, body);
  if (said) co_return "";
  const std::string path = fmt::format("{}/statuses/{}", repo_path(report), report.sha);
  PAWL_CO_CHECK(co_await client.call("POST", path, body));
  co_return "";
}

// GitHub gives the payload back as it was sent; some servers as the text of it.
std::string deployment_in(const json::object& deployment) {
  const auto* payload = find(deployment, "payload");
  if (payload == nullptr) return "";
  if (payload->is_object()) return string_or(payload->get_object(), "pawl_deployment");
  if (!payload->is_string()) return "";
  const auto parsed = parse_json_object(payload->get_string(), "the payload");
  return parsed.ok() ? string_or(*parsed, "pawl_deployment") : "";
}

Task<Result<int64_t>> find_or_make_deployment(GitHubClient& client, DeploymentReport report) {
  const std::string list_path =
      fmt::format("{}/deployments?sha={}&environment={}&per_page=100", repo_path(report),
                  report.sha, url_encode(report.environment));
  PAWL_CO_TRY(auto deployments, co_await client.list(list_path, ""));
  for (const auto& each : deployments) {
    if (!each.is_object()) continue;
    if (deployment_in(each.get_object()) == report.deployment_id)
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
Task<Result<std::string>> tell_deployment(GitHubClient& client, Told told, std::string log_url) {
  const DeploymentReport& report = told.report;
  PAWL_CO_TRY(auto id, co_await find_or_make_deployment(client, report));
  std::string state = "in_progress";
  if (is_finished(report)) state = report.outcome == "succeeded" ? "success" : "failure";
  if (report.outcome == "cancelled") state = "error";
  json::object body{{"state", state},
                    {"environment", report.environment},
                    {"description", short_description(report)},
                    {"auto_inactive", report.outcome == "succeeded"}};
  if (!report.url.empty()) body["environment_url"] = report.url;
  if (!log_url.empty()) body["log_url"] = log_url;
  const std::string path = fmt::format("{}/deployments/{}/statuses", repo_path(report), id);
  const bool said = co_await was_said(client, path + "?per_page=100", body);
  if (!said) PAWL_CO_CHECK(co_await client.call("POST", path, body));
  co_return fmt::format("{}/deployments/{}", repo_path(report), id);
}

constexpr int kTellings = 3;
constexpr std::chrono::milliseconds kTellingPause{1'000};

using Tell = std::function<Task<Result<std::string>>()>;

// A change of which no answer came may have been made. Each part looks before it makes: so it may
// be told again.
Task<Result<std::string>> insist(GitHubClient& client, Tell tell) {
  auto pause = kTellingPause;
  for (int tries = 1;; ++tries, pause *= 2) {
    auto told = co_await tell();
    if (told.ok() || !told.error().outcome_unknown() || tries == kTellings) co_return told;
    PAWL_CO_CHECK(co_await client.clock().sleep_for(pause));
  }
}

/// While a report is told, the client's waits are within its patience and said aloud.
class Telling {
 public:
  Telling(GitHubClient& client, const DeploymentReport& report) : client_(client) {
    client_.begin_telling(report.patience, report.say);
  }
  Telling(const Telling&) = delete;
  Telling& operator=(const Telling&) = delete;
  ~Telling() { client_.end_telling(); }

 private:
  GitHubClient& client_;
};

struct Permission {
  const char* name;
  const char* access;
};
constexpr Permission kNeeded[] = {{"checks", "write"},
                                  {"contents", "read"},
                                  {"deployments", "write"},
                                  {"issues", "write"},
                                  {"statuses", "write"}};

std::string missing_permissions(const std::map<std::string, std::string>& granted) {
  std::string missing;
  for (const auto& needed : kNeeded) {
    const auto found = granted.find(needed.name);
    const bool is_enough =
        found != granted.end() && (found->second == needed.access || found->second == "write");
    if (!is_enough)
      missing += fmt::format("{}{}: {}", missing.empty() ? "" : ", ", needed.name, needed.access);
  }
  return missing;
}

class GitHubForge : public Forge {
 public:
  GitHubForge(GitHubClient& client, GitHubForgeOptions options)
      : client_(client), options_(std::move(options)) {}

  Task<Result<ReportResult>> report_started(DeploymentReport report) override {
    const Telling telling(client_, report);
    report.outcome = "in_progress";
    const Told told = co_await prepare(std::move(report));
    ReportResult result;
    co_await tell_states(told, &result);
    co_return result;
  }

  Task<Result<ReportResult>> report_finished(DeploymentReport report) override {
    const Telling telling(client_, report);
    const Told told = co_await prepare(std::move(report));
    ReportResult result;
    co_await tell_states(told, &result);
    if (is_failure(told.report)) {
      const Tell open = [this, &told] {
        return open_or_update_issue(client_, told.report, told.changes);
      };
      auto opened = co_await insist(client_, open);
      note(std::move(opened), "the issue", &result.issue, &result);
    } else if (told.report.outcome == "succeeded") {
      std::string unused;
      const Tell close_all = [this, &told, &result] { return close(told, &result); };
      auto closed = co_await insist(client_, close_all);
      note(std::move(closed), "closing issues", &unused, &result);
    }
    co_return result;
  }

  Task<Result<std::string>> check_access(std::string repository) override {
    PAWL_CO_TRY(auto answer, co_await client_.get("/repos/" + repository));
    if (!answer.is_object())
      co_return Error(ErrorKind::corrupt, "GitHub's answer is not an object");
    const auto& object = answer.get_object();
    const auto& credentials = client_.credentials();
    // Only answers to a user's token carry this; an App's shows it by trying.
    if (const auto* permissions = find(object, "permissions"); permissions != nullptr)
      if (permissions->is_object() && !bool_or(permissions->get_object(), "push") &&
          credentials.permissions().empty())
        co_return Error(ErrorKind::denied, "the token may only read " + repository)
            .with_hint("it needs write access to checks, statuses, deployments and issues");
    if (const auto granted = credentials.permissions(); !granted.empty())
      if (const auto missing = missing_permissions(granted); !missing.empty())
        co_return Error(
            ErrorKind::denied,
            fmt::format("{} lacks in {}: {}", credentials.description(), repository, missing))
            .with_hint(
                "change the App's permissions, then have the owner of its installation accept "
                "them");
    const std::string name = string_or(object, "full_name", repository);
    std::string words = fmt::format("{}, as {}", name, credentials.description());
    if (!equal_without_case(name, repository))
      words += fmt::format("; {} is its name from before: change `repository`", repository);
    co_return words;
  }

 private:
  Task<Told> prepare(DeploymentReport report) {
    Told told;
    told.report = presentable(std::move(report));
    told.report.say = nullptr;
    told.run_url = options_.run_url;
    const DeploymentReport& shown = told.report;
    if (!shown.base_sha.empty())
      told.changes = co_await read_changes(client_, shown.repository, shown.base_sha, shown.sha);
    co_return told;
  }

  // Side by side; what fails is noted, and keeps none of the others back.
  Task<void> tell_states(Told told, ReportResult* result) {
    if (told.report.sha.empty()) {
      result->problems.push_back("neither check run, status nor deployment: the commit of " +
                                 told.report.version + " is not known");
      co_return;
    }
    std::vector<Task<Result<std::string>>> tasks;
    std::optional<Result<std::string>> check_run;
    const Tell status = [this, &told] { return tell_commit_status(client_, told); };
    tasks.push_back(check_run_then_deployment(told, &check_run));
    tasks.push_back(insist(client_, status));
    auto answers = co_await when_all(std::move(tasks));
    std::string unused;
    note(std::move(*check_run), "the check run", &result->check_run, result);
    note(std::move(answers[1]), "the commit status", &unused, result);
    note(std::move(answers[0]), "the deployment", &result->deployment, result);
  }

  // The deployment's status points to the check run where there is no log elsewhere.
  Task<Result<std::string>> check_run_then_deployment(
      Told told, std::optional<Result<std::string>>* check_run) {
    const Tell check = [this, &told] { return tell_check_run(client_, told); };
    auto made = co_await insist(client_, check);
    std::string log_url = told.run_url;
    if (log_url.empty() && made.ok()) log_url = *made;
    check_run->emplace(std::move(made));
    const Tell deployment = [this, &told, &log_url] {
      return tell_deployment(client_, told, log_url);
    };
    co_return co_await insist(client_, deployment);
  }

  Task<Result<std::string>> close(Told told, ReportResult* result) {
    PAWL_CO_TRY(auto closed, co_await close_issues(client_, told.report));
    for (auto& url : closed) result->closed_issues.push_back(std::move(url));
    co_return "";
  }

  static void note(Result<std::string> told, const char* what, std::string* slot,
                   ReportResult* result) {
    if (told.ok()) {
      *slot = *told;
      return;
    }
    if (told.error().kind() == ErrorKind::interrupted) {
      result->cut_off.emplace_back(what);
      return;
    }
    std::string problem = fmt::format("{}: {}", what, told.error().message());
    if (!told.error().hint().empty()) problem += " (" + told.error().hint() + ")";
    result->problems.push_back(std::move(problem));
  }

  GitHubClient& client_;
  GitHubForgeOptions options_;
};

}  // namespace

std::unique_ptr<Forge> make_github_forge(GitHubClient& client, GitHubForgeOptions options) {
  return std::make_unique<GitHubForge>(client, std::move(options));
}

}  // namespace pawl
