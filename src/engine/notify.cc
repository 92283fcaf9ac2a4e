#include "engine/notify.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/secret.h"

namespace pawl {
namespace {

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kFirstTellingPause{2'000};
// Beyond the patience of the config: for one call that was begun within it.
constexpr std::chrono::milliseconds kOneCall{20'000};
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

/// Of all tries to tell the end together, and of everything that is told in each.
class TellingTime {
 public:
  TellingTime(Clock& clock, std::chrono::milliseconds patience)
      : clock_(clock), begun_(clock.steady_now()), patience_(patience) {}

  std::chrono::milliseconds left() const { return patience_ + kOneCall - took(); }
  std::chrono::milliseconds patience_left() const {
    return std::max(patience_ - took(), std::chrono::milliseconds(0));
  }
  /// Of a try that had to end: "took longer than 110.0 s (...)".
  std::string passed(bool is_hurried) const {
    return is_hurried
               ? fmt::format("took longer than {} (Pawl is to end)", format_duration(kHurriedLimit))
               : fmt::format("took longer than {} (github.patience, and one call)",
                             format_duration(patience_ + kOneCall));
  }

 private:
  std::chrono::milliseconds took() const { return clock_.steady_now() - begun_; }

  Clock& clock_;
  SteadyTime begun_;
  std::chrono::milliseconds patience_;
};

std::vector<JournalEntry> entries_of(const ReportResult& result, const std::string& why_cut_off) {
  std::vector<JournalEntry> entries;
  if (!result.check_run.empty()) entries.push_back(notified("check_run", result.check_run));
  if (!result.deployment.empty()) entries.push_back(notified("deployment", result.deployment));
  if (!result.issue.empty()) entries.push_back(notified("issue", result.issue));
  for (const auto& issue : result.closed_issues) entries.push_back(notified("closed_issue", issue));
  for (const auto& problem : result.problems) entries.push_back(not_notified(problem));
  if (!result.cut_off.empty())
    entries.push_back(not_notified(fmt::format("{}: GitHub gave no answer, and telling {}",
                                               fmt::join(result.cut_off, ", "), why_cut_off)));
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
  Clock& clock = execution.ports.clock;
  const TellingTime budget(clock, report.patience);
  std::string problem;
  auto pause = kFirstTellingPause;
  for (int tries = 1; tries <= kTries; ++tries, pause *= 2) {
    if (execution.broken) break;  // the lease is gone: whoever has it reports
    const bool is_hurried = execution.is_interrupted() && kHurriedLimit < budget.left();
    const auto limit = is_hurried ? kHurriedLimit : budget.left();
    const auto tried_at = clock.steady_now();
    report.patience = budget.patience_left();
    auto telling = execution.ports.forge->report_finished(report);
    auto told = co_await with_timeout(clock, limit, std::move(telling));
    if (told.ok()) co_return entries_of(*told, budget.passed(is_hurried));
    problem = told.error().message();
    if (clock.steady_now() - tried_at >= limit)
      problem = "GitHub gave no answer, and telling " + budget.passed(is_hurried);
    if (!is_transient(told.error().kind()) || tries == kTries || execution.is_interrupted()) break;
    if (pause >= budget.left()) break;
    auto slept = co_await with_stop(execution.process_stop, clock.sleep_for(pause));
    if (!slept.ok()) break;
  }
  std::vector<JournalEntry> entries;
  entries.push_back(not_notified(problem));
  co_return entries;
}

}  // namespace pawl
