#include "engine/notify.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/secret.h"

namespace pawl {
namespace {

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kFirstTellingPause{2'000};
// Beyond the waits that the deployment has patience for.
constexpr std::chrono::milliseconds kLimit{60'000};
// When a person waits for the process to end.
constexpr std::chrono::milliseconds kHurriedLimit{10'000};
constexpr size_t kMaxNoteBytes = 300;

std::string one_cell(std::string text) {
  if (text.size() > kMaxNoteBytes) {
    size_t end = kMaxNoteBytes;  // never within a UTF-8 character
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end) + "...";
  }
  std::string cell;
  for (const char c : text) {
    if (c == '\n' || c == '\r')
      cell += ' ';
    else if (c == '|')
      cell += "\\|";
    else if (c == '<')
      cell += "&lt;";
    else
      cell += c;
  }
  return cell;
}

std::string result_of(const StepState& state) {
  if (state.status == StepStatus::succeeded && state.observed) return "already done";
  return std::string(to_string(state.status));
}

std::string note_of(const StepState& state) {
  if (!state.error.empty()) return state.error;
  if (!state.reason.empty()) return state.reason;
  if (state.try_number > 1) return fmt::format("{} tries", state.try_number);
  return "";
}

/// What the plan says of telling; empty when it has no such step.
json::object telling_params(const Deployment& deployment) {
  if (deployment.plan)
    for (const PlanStep& step : deployment.plan->steps)
      if (step.kind == "notify_started") return step.params;
  return {};
}

bool is_production(std::string_view environment) {
  return environment == "prod" || environment == "production";
}

JournalEntry notified(std::string_view what, const std::string& reference) {
  return {EventType::notified, "", json::object{{"what", what}, {"reference", reference}}};
}

JournalEntry not_notified(const std::string& problem) {
  return {EventType::notified, "",
          json::object{{"what", "problem"}, {"reference", ""}, {"problem", problem}}};
}

std::vector<JournalEntry> entries_of(const ReportResult& result) {
  std::vector<JournalEntry> entries;
  if (!result.check_run.empty()) entries.push_back(notified("check_run", result.check_run));
  if (!result.deployment.empty()) entries.push_back(notified("deployment", result.deployment));
  if (!result.issue.empty()) entries.push_back(notified("issue", result.issue));
  for (const auto& issue : result.closed_issues) entries.push_back(notified("closed_issue", issue));
  for (const auto& problem : result.problems) entries.push_back(not_notified(problem));
  return entries;
}

}  // namespace

std::string steps_as_markdown(const Deployment& deployment) {
  std::string text = "| Step | Result | Took | |\n| --- | --- | --- | --- |\n";
  for (const StepState& state : deployment.steps) {
    const PlanStep* step = deployment.plan ? deployment.plan->step(state.id) : nullptr;
    const std::string took = state.started_at && state.ended_at
                                 ? format_duration(std::max(*state.ended_at - *state.started_at,
                                                            std::chrono::milliseconds(0)))
                                 : "";
    text += fmt::format("| {} | {} | {} | {} |\n", one_cell(step ? step->title : state.id),
                        result_of(state), took, one_cell(redact(note_of(state))));
  }
  return text;
}

DeploymentReport make_report(const Deployment& deployment, const Outcome& outcome,
                             std::string_view repository) {
  DeploymentReport report;
  report.deployment_id = deployment.id;
  report.app = deployment.app;
  report.repository = repository;
  report.environment = deployment.environment;
  report.sha = deployment.release.sha;
  report.version = deployment.release.version;
  report.outcome = outcome.outcome;
  report.rollback_status = outcome.rollback_status;
  report.reason = redact(outcome.reason);
  report.url = deployment.output("find_url", "url");
  report.details_markdown = steps_as_markdown(deployment);
  report.actor = deployment.actor;
  report.release_key = fmt::format("{}/{}/{}@{}", deployment.app, deployment.environment,
                                   deployment.release.version, short_sha(deployment.release.sha));
  report.is_production = is_production(deployment.environment);
  const json::object telling = telling_params(deployment);
  report.base_sha = string_or(telling, "live_sha");
  report.patience =
      std::chrono::milliseconds(int_or(telling, "patience_ms", report.patience.count()));
  return report;
}

Task<std::vector<JournalEntry>> report_end(Execution& execution, Outcome outcome) {
  std::string repository = string_or(telling_params(execution.deployment()), "repository");
  if (repository.empty()) repository = execution.options.repository;
  if (execution.ports.forge == nullptr || repository.empty()) co_return std::vector<JournalEntry>();
  auto report = make_report(execution.deployment(), outcome, repository);
  report.say = [&execution](std::string_view line) { execution.log.add("notify", line); };
  std::string problem;
  auto pause = kFirstTellingPause;
  for (int tries = 1; tries <= kTries; ++tries, pause *= 2) {
    if (execution.broken) break;  // the lease is gone: whoever has it reports
    auto limit = execution.is_interrupted() ? kHurriedLimit : kLimit + report.patience;
    const auto begun = execution.ports.clock.steady_now();
    auto told = co_await with_timeout(execution.ports.clock, limit,
                                      execution.ports.forge->report_finished(report));
    // Patience is for all tries together.
    const auto took = execution.ports.clock.steady_now() - begun;
    report.patience = std::max(report.patience - took, std::chrono::milliseconds(0));
    if (told.ok()) co_return entries_of(*told);
    problem = told.error().message();
    if (!is_transient(told.error().kind()) || tries == kTries || execution.is_interrupted()) break;
    auto slept = co_await with_stop(execution.process_stop, execution.ports.clock.sleep_for(pause));
    if (!slept.ok()) break;
  }
  std::vector<JournalEntry> entries;
  entries.push_back(not_notified(problem));
  co_return entries;
}

}  // namespace pawl
