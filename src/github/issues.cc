#include "github/issues.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "github/forge.h"
#include "github/report_text.h"

namespace pawl {
namespace {

struct Label {
  std::string name;
  const char* colour;
};

std::vector<Label> labels_of(const DeploymentReport& report) {
  return {{"deployment", "1d76db"},
          {"rollback", "fbca04"},
          {"urgent", "d93f0b"},
          {report.environment, "c5def5"}};
}

Task<Result<json::array>> open_issues(GitHubClient& client, DeploymentReport report) {
  const std::string path =
      fmt::format("/repos/{}/issues?state=open&labels={}&per_page=100", report.repository,
                  url_encode("deployment," + report.environment));
  co_return co_await client.list(path, "");
}

bool has_marker(const json::value& issue, const std::string& marker) {
  return issue.is_object() &&
         string_or(issue.get_object(), "body").find(marker) != std::string::npos;
}

Task<Result<void>> ensure_labels(GitHubClient& client, DeploymentReport report) {
  PAWL_CO_TRY(
      auto existing,
      co_await client.list(fmt::format("/repos/{}/labels?per_page=100", report.repository), ""));
  for (const auto& label : labels_of(report)) {
    bool found = false;
    for (const auto& each : existing)
      found = found || (each.is_object() &&
                        equal_without_case(string_or(each.get_object(), "name"), label.name));
    if (found) continue;
    json::object body{{"name", label.name}, {"color", label.colour}};
    const std::string path = fmt::format("/repos/{}/labels", report.repository);
    auto made = co_await client.call("POST", path, body);
    // Someone else made it meanwhile: that is what was wanted.
    if (!made.ok() && made.error().http_status() != 422) co_return std::move(made).error();
  }
  co_return ok();
}

Task<Result<std::string>> comment(GitHubClient& client, std::string repository, int64_t number,
                                  std::string text) {
  json::object body{{"body", std::move(text)}};
  const std::string path = fmt::format("/repos/{}/issues/{}/comments", repository, number);
  PAWL_CO_TRY(auto answer, co_await client.call("POST", path, body));
  co_return answer.is_object() ? string_or(answer.get_object(), "html_url") : "";
}

// A marker of one deployment, so that telling it twice leaves one comment.
std::string try_marker(const DeploymentReport& report) {
  return "<!-- pawl:deployment " + report.deployment_id + " -->";
}

Task<Result<bool>> was_told(GitHubClient& client, DeploymentReport report, json::object issue) {
  if (string_or(issue, "body").find(try_marker(report)) != std::string::npos) co_return true;
  const std::string path = fmt::format("/repos/{}/issues/{}/comments?per_page=100",
                                       report.repository, int_or(issue, "number"));
  PAWL_CO_TRY(auto comments, co_await client.list(path, ""));
  for (const auto& each : comments)
    if (has_marker(each, try_marker(report))) co_return true;
  co_return false;
}

}  // namespace

std::string issue_marker_prefix(const DeploymentReport& report) {
  return fmt::format("<!-- pawl:release {}/{}/", report.app, report.environment);
}

std::string issue_marker(const DeploymentReport& report) {
  return issue_marker_prefix(report) + report.release_key + " -->";
}

Task<Result<std::string>> open_or_update_issue(GitHubClient& client, DeploymentReport report,
                                               Changes changes) {
  PAWL_CO_TRY(auto issues, co_await open_issues(client, report));
  for (const auto& issue : issues) {
    if (!has_marker(issue, issue_marker(report))) continue;
    const json::object& found = issue.get_object();
    PAWL_CO_TRY(auto told, co_await was_told(client, report, found));
    if (!told) {
      const std::string text = issue_comment(report) + "\n\n" + try_marker(report);
      PAWL_CO_CHECK(co_await comment(client, report.repository, int_or(found, "number"), text));
    }
    co_return string_or(found, "html_url");
  }
  PAWL_CO_CHECK(co_await ensure_labels(client, report));
  json::array labels;
  for (const auto& label : labels_of(report)) labels.push_back(json::value(label.name));
  json::object body{{"title", issue_title(report)},
                    {"body", fmt::format("{}\n{}\n{}\n", issue_body(report, changes),
                                         issue_marker(report), try_marker(report))},
                    {"labels", std::move(labels)}};
  const std::string path = fmt::format("/repos/{}/issues", report.repository);
  PAWL_CO_TRY(auto answer, co_await client.call("POST", path, body));
  co_return answer.is_object() ? string_or(answer.get_object(), "html_url") : "";
}

Task<Result<std::vector<std::string>>> close_issues(GitHubClient& client, DeploymentReport report) {
  PAWL_CO_TRY(auto issues, co_await open_issues(client, report));
  std::vector<std::string> closed;
  for (const auto& issue : issues) {
    if (!has_marker(issue, issue_marker_prefix(report))) continue;
    const json::object& found = issue.get_object();
    const int64_t number = int_or(found, "number");
    // Told in two calls: after a crash between them the comment is there, and the issue still open.
    PAWL_CO_TRY(auto told, co_await was_told(client, report, found));
    if (!told) {
      const std::string text = closing_comment(report) + "\n\n" + try_marker(report);
      PAWL_CO_CHECK(co_await comment(client, report.repository, number, text));
    }
    json::object body{{"state", "closed"}, {"state_reason", "completed"}};
    const std::string path = fmt::format("/repos/{}/issues/{}", report.repository, number);
    PAWL_CO_CHECK(co_await client.call("PATCH", path, body));
    closed.push_back(string_or(found, "html_url"));
  }
  co_return closed;
}

}  // namespace pawl
