#include "github/report_text.h"

#include <fmt/format.h>

namespace pawl {
namespace {

std::string rollback_words(const DeploymentReport& report) {
  if (report.rollback_status == "succeeded")
    return "rolled back: what was live before is live again";
  if (report.rollback_status == "nothing_to_undo") return "nothing had been changed";
  if (report.rollback_status == "failed")
    return "the rollback FAILED: the environment needs a person";
  return report.rollback_status.empty() ? "no rollback" : report.rollback_status;
}

std::string facts_table(const DeploymentReport& report) {
  std::string table = "| | |\n|---|---|\n";
  const auto row = [&](const char* name, const std::string& value) {
    if (!value.empty()) table += fmt::format("| {} | {} |\n", name, value);
  };
  row("environment", report.environment);
  row("version", report.version);
  row("commit", report.sha);
  row("outcome", report.outcome);
  row("rollback", is_failure(report) ? rollback_words(report) : "");
  row("deployment", "`" + report.deployment_id + "`");
  row("asked by", report.actor);
  row("url", report.url);
  return table;
}

}  // namespace

std::string cut(std::string text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit > 3 ? limit - 3 : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

bool is_failure(const DeploymentReport& report) {
  return report.outcome == "rolled_back" || report.outcome == "failed";
}

std::string headline(const DeploymentReport& report) {
  const auto& version = report.version;
  const auto& where = report.environment;
  if (report.outcome == "in_progress")
    return fmt::format("{} is being deployed to {}", version, where);
  if (report.outcome == "succeeded") return fmt::format("{} is live in {}", version, where);
  if (report.outcome == "rolled_back")
    return fmt::format("{} failed in {}; {}", version, where, rollback_words(report));
  if (report.outcome == "cancelled")
    return fmt::format("the deployment of {} to {} was cancelled{}", version, where,
                       report.rollback_status == "left" ? ", and left part-way" : "");
  return fmt::format("{} failed in {}, which is not as it was", version, where);
}

std::string short_description(const DeploymentReport& report) {
  return cut(headline(report), kMaxStatusDescription);
}

std::string check_summary(const DeploymentReport& report) {
  std::string text = facts_table(report);
  if (!report.reason.empty() && report.outcome != "succeeded") text += "\n" + report.reason + "\n";
  return cut(std::move(text), kMaxCheckText);
}

std::string issue_title(const DeploymentReport& report) {
  return cut(fmt::format("{} {} failed in {}", report.app, report.version, report.environment),
             256);
}

std::string issue_body(const DeploymentReport& report) {
  std::string text = headline(report) + ".\n\n" + facts_table(report);
  if (!report.reason.empty()) text += "\n**Why:** " + report.reason + "\n";
  if (!report.details_markdown.empty()) text += "\n" + report.details_markdown + "\n";
  text += fmt::format(
      "\nLook closer with `pawl show {0}` and `pawl logs {0}`. This issue is closed by the next "
      "verified deployment to {1}.\n",
      report.deployment_id, report.environment);
  return cut(std::move(text), kMaxIssueBody - 512);
}

std::string issue_comment(const DeploymentReport& report) {
  std::string text = "Failed again: " + headline(report) + ".\n\n" + facts_table(report);
  if (!report.reason.empty()) text += "\n**Why:** " + report.reason + "\n";
  return cut(std::move(text), kMaxIssueBody - 512);
}

std::string closing_comment(const DeploymentReport& report) {
  return fmt::format("{} is live in {} and verified (deployment `{}`).", report.version,
                     report.environment, report.deployment_id);
}

}  // namespace pawl
