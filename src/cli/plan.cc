// pawl plan ENVIRONMENT
#include "core/plan.h"

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/facts.h"
#include "cli/static_preview.h"
#include "cli/terminal.h"
#include "cli/trigger_options.h"

namespace pawl {
namespace {

void print_plan(const Assessment& assessment, const Plan& plan, const Terminal& terminal) {
  fmt::print("{}\n  {}\n",
             terminal.bold(fmt::format("{} -> {}", assessment.decision.release.version,
                                       assessment.decision.release.environment)),
             assessment.decision.reason);
  Stage stage = Stage::validate;
  for (const auto& step : plan.steps) {
    if (step.stage != stage) fmt::print("{}\n", terminal.bold(to_string(step.stage)));
    stage = step.stage;
    fmt::print("  {:<20} {}\n", step.id, step.title);
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

Task<Result<int>> show_plan(Session& session, const Globals& globals, DeployQuestion question) {
  PAWL_CO_TRY(auto assessment, co_await assess(session, question));
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
              co_await plan_facts(session, question.environment, assessment.plan_facts));
  const Plan plan = make_deploy_plan(question.config, question.environment, decision, facts);
  PAWL_CO_TRY(const auto files, co_await preview_files(session, question.environment));
  if (globals.json) {
    object["plan"] = to_json(plan);
    if (files) object["static"] = to_json(*files);
    fmt::print("{}", pretty(object));
  } else {
    const Terminal terminal = Terminal::of_stdout(globals.environment);
    print_plan(assessment, plan, terminal);
    if (files) fmt::print("{}\n{}", terminal.bold("static files"), in_words(*files));
  }
  co_return kDone;
}

}  // namespace

void add_plan(CliCommand root, Globals& globals) {
  auto options = std::make_shared<TriggerOptions>();
  CliCommand command = root.sub("plan", "Show what a deployment would do; changes nothing");
  options->describe(command);
  command
      .examples("  pawl plan staging --tag v1.4.2\n  pawl plan dev --json | jq '.plan.steps[].id'")
      .run([options, &globals] {
        auto config = load_config(globals);
        if (!config.ok()) return report(config.error(), globals);
        auto question = options->question(config->config, globals);
        if (!question.ok()) return report(question.error(), globals);
        return run_in_session(globals, *config, question->environment, [&](Session& session) {
          return show_plan(session, globals, *question);
        });
      });
}

}  // namespace pawl
