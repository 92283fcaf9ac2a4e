// pawl plan ENVIRONMENT
#include "core/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/facts.h"
#include "cli/other_journal.h"
#include "cli/terminal.h"
#include "cli/trigger_options.h"
#include "engine/rehearsal.h"
#include "github/changes.h"

namespace pawl {
namespace {

void print_found(const std::vector<StepFinding>& findings, const std::string& step,
                 const Terminal& terminal) {
  for (const auto& finding : findings) {
    if (finding.step != step) continue;
    for (const auto& line : finding.lines) fmt::print("  {:<20} {}\n", "", line);
    if (finding.error.empty()) continue;
    fmt::print("  {:<20} {}\n", "", terminal.yellow("could not be told: " + finding.error));
    if (!finding.hint.empty()) fmt::print("  {:<20} {}\n", "", terminal.dim(finding.hint));
  }
}

void print_plan(const Assessment& assessment, const Plan& plan,
                const std::vector<StepFinding>& findings, const Terminal& terminal) {
  fmt::print("{}\n  {}\n",
             terminal.bold(fmt::format("{} -> {}", assessment.decision.release.version,
                                       assessment.decision.release.environment)),
             assessment.decision.reason);
  Stage stage = Stage::validate;
  for (const auto& step : plan.steps) {
    if (step.stage != stage) fmt::print("{}\n", terminal.bold(to_string(step.stage)));
    stage = step.stage;
    fmt::print("  {:<20} {}\n", step.id, step.title);
    print_found(findings, step.id, terminal);
    std::string after;
    for (const auto& need : step.needs) after += (after.empty() ? "" : ", ") + need;
    if (!after.empty()) fmt::print("  {:<20} {}\n", "", terminal.dim("after " + after));
    if (!step.undo.empty())
      fmt::print("  {:<20} {}\n", "", terminal.dim("on failure: " + step.undo));
  }
  fmt::print("limits: {} for a step, {} for all of them; a cancel {}\n",
             format_duration(plan.policy.step_limit), format_duration(plan.policy.deployment_limit),
             plan.policy.on_cancel == OnCancel::leave ? "leaves what there is after the step"
                                                      : "takes back what was done");
  for (const auto& warning : plan.warnings)
    fmt::print("{} {}\n", terminal.yellow("note:"), warning);
}

/// What GitHub adds to a plan: facts, which the plan does not depend on.
struct FromGitHub {
  Changes changes;
  std::vector<std::string> rules;  // of its environment
};

Task<std::optional<FromGitHub>> ask_github(Session& session, const DeployQuestion& question,
                                           const Assessment& assessment) {
  if (session.github() == nullptr) co_return std::nullopt;
  FromGitHub found;
  const std::string& repository = question.config.repository;
  found.changes = co_await read_changes(*session.github(), repository, assessment.facts.live_sha,
                                        assessment.decision.release.sha);
  auto rules =
      co_await read_environment_rules(*session.github(), repository, question.environment.name);
  if (rules.ok()) {
    found.rules = *std::move(rules);
  } else {
    std::string why = "cannot be told: " + rules.error().message();
    if (!rules.error().hint().empty()) why += " (" + rules.error().hint() + ")";
    found.rules = {std::move(why)};
  }
  co_return found;
}

json::object to_json(const FromGitHub& found) {
  json::array commits, rules;
  for (const auto& commit : found.changes.commits)
    commits.push_back(
        json::object{{"sha", commit.sha}, {"author", commit.author}, {"subject", commit.subject}});
  for (const auto& rule : found.rules) rules.push_back(json::string(rule));
  return {{"commits", std::move(commits)},
          {"total_commits", found.changes.total},
          {"commits_left_out", found.changes.left_out},
          {"goes_back", found.changes.goes_back},
          {"compare_url", found.changes.url},
          {"remark", found.changes.remark},
          {"environment_rules", std::move(rules)}};
}

void print_github(const FromGitHub& found, const Assessment& assessment, const Terminal& terminal) {
  constexpr size_t kMaxCommitsPrinted = 20;
  fmt::print("{}\n  {}\n", terminal.bold("brings"),
             printable(headline(found.changes, assessment.facts.live_sha)));
  const auto& commits = found.changes.commits;
  for (size_t i = 0; i < std::min(commits.size(), kMaxCommitsPrinted); ++i)
    fmt::print("  {} {} {}\n", commits[i].sha.substr(0, 7), printable(commits[i].subject),
               terminal.dim(printable(commits[i].author)));
  if (found.changes.listed() > static_cast<int64_t>(kMaxCommitsPrinted))
    fmt::print("  ... and {} more: {}\n",
               found.changes.listed() - static_cast<int64_t>(kMaxCommitsPrinted),
               found.changes.url);
  fmt::print("{}\n",
             terminal.bold("GitHub's environment " + assessment.decision.release.environment));
  for (const auto& rule : found.rules) fmt::print("  {}\n", printable(rule));
}

struct PlanOptions {
  TriggerOptions trigger;
  bool skips_terraform = false;
  bool looks_at_nothing = false;
};

Task<Result<int>> show_plan(Session& session, const Globals& globals, const LoadedConfig& config,
                            DeployQuestion question, const PlanOptions& options) {
  PAWL_CO_TRY(auto assessment, co_await assess(session, question));
  co_await explain_promotion(globals, config, question, assessment);
  const Decision& decision = assessment.decision;
  json::object object{{"should_deploy", decision.should_deploy()},
                      {"reason", decision.reason},
                      {"environment", question.environment.name},
                      {"image_tag", decision.release.image_tag},
                      {"version", decision.release.version},
                      {"tag", decision.release.tag},
                      {"sha", decision.release.sha},
                      {"needs_build", decision.needs_build}};
  if (!decision.should_deploy()) {
    if (globals.json) {
      fmt::print("{}", pretty(object));
    } else {
      fmt::print("nothing would be deployed to {}\n  why: {}\n", question.environment.name,
                 decision.reason);
      if (!decision.hint.empty()) fmt::print("  {}\n", decision.hint);
    }
    co_return decision.verdict == Decision::Verdict::nothing_to_do ? kDone : kRefused;
  }
  PAWL_CO_TRY(auto facts,
              co_await plan_facts(session, question, decision.release, assessment.plan_facts));
  facts.allow_destroy = question.trigger.allow_destroy;
  const Plan plan = make_deploy_plan(question.config, question.environment, decision, facts);
  std::vector<StepFinding> findings;
  if (!options.looks_at_nothing) {
    RehearsalOptions rehearsal;
    rehearsal.app = question.config.app;
    rehearsal.plans_infrastructure = !options.skips_terraform;
    findings = co_await rehearse(session.ports(), session.steps(), plan, std::move(rehearsal));
  }
  const auto github = co_await ask_github(session, question, assessment);
  if (globals.json) {
    object["plan"] = to_json(plan);
    object["found"] = to_json(findings);
    if (github) object["github"] = to_json(*github);
    fmt::print("{}", pretty(object));
  } else {
    const Terminal terminal = Terminal::of_stdout(globals.environment);
    print_plan(assessment, plan, findings, terminal);
    if (github) print_github(*github, assessment, terminal);
  }
  co_return kDone;
}

}  // namespace

void add_plan(CliCommand root, Globals& globals) {
  auto options = std::make_shared<PlanOptions>();
  CliCommand command = root.sub("plan", "Show what a deployment would do; changes nothing");
  options->trigger.describe(command);
  command
      .flag("--no-terraform", options->skips_terraform,
            "Leave out what Terraform would change, which takes the longest to find out")
      .flag("--steps-only", options->looks_at_nothing,
            "Only the steps, without a look at what each would find")
      .examples("  pawl plan staging --tag v1.4.2\n  pawl plan dev --json | jq '.plan.steps[].id'")
      .run([options, &globals] {
        auto config = load_config(globals);
        if (!config.ok()) return report(config.error(), globals);
        auto question = options->trigger.question(config->config, globals);
        if (!question.ok()) return report(question.error(), globals);
        return run_in_session(
            globals, *config, question->environment,
            [&](Session& session) {
              return show_plan(session, globals, *config, *question, *options);
            },
            Effect::none);
      });
}

}  // namespace pawl
