// pawl deploy ENVIRONMENT
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/commands.h"
#include "cli/facts.h"
#include "cli/other_journal.h"
#include "cli/run_deployment.h"
#include "cli/session.h"
#include "cli/trigger_options.h"

namespace pawl {
namespace {

constexpr const char* kExamples =
    "  pawl deploy dev                       the newest release; built when its image is missing\n"
    "  pawl deploy staging --tag v1.4.2      a release, by its tag\n"
    "  pawl deploy prod --tag v1.4.2 --approved-by ana\n"
    "  pawl deploy --trigger ci --ci-conclusion success    as a CI run asks for it\n"
    "\n"
    "Exit codes: 0 live (or nothing to do), 1 failed and not as it was, 2 wrong usage or config,\n"
    "3 failed and as it was (rolled back, or nothing was changed), 4 refused by policy,\n"
    "5 interrupted and to be resumed.";

json::object describe_trigger(const Trigger& trigger) {
  json::array allow_destroy;
  for (const auto& each : trigger.allow_destroy) allow_destroy.push_back(json::string(each));
  return {{"kind", trigger.kind == TriggerKind::ci ? "ci" : "manual"},
          {"tag", trigger.tag},
          {"sha", trigger.sha},
          {"branch", trigger.branch},
          {"ci_conclusion", trigger.ci_conclusion},
          {"force", trigger.force},
          {"approved_by", trigger.approved_by},
          {"allow_destroy", std::move(allow_destroy)}};
}

Task<Result<Plan>> plan_now(Session& session, DeployQuestion question, Assessment before) {
  // Asked again now that the environment is held: what was true in line may not be any more.
  PAWL_CO_TRY(auto now, co_await assess(session, question));
  if (!now.decision.should_deploy()) {
    const bool superseded = now.decision.verdict == Decision::Verdict::superseded;
    co_return Error(ErrorKind::refused, now.decision.reason)
        .with_hint(now.decision.hint)
        .with_code(superseded ? "superseded" : "");
  }
  // One commit and one name all the way: those that were accepted.
  now.decision.release = before.decision.release;
  PAWL_CO_TRY(auto facts,
              co_await plan_facts(session, question, now.decision.release, now.plan_facts));
  facts.allow_destroy = question.trigger.allow_destroy;
  co_return make_deploy_plan(question.config, question.environment, now.decision, facts);
}

Task<Result<int>> deploy(Session& session, const Globals& globals, const LoadedConfig& config,
                         DeployQuestion question) {
  PAWL_CO_TRY(auto assessment, co_await assess(session, question));
  co_await explain_promotion(globals, config, question, assessment);
  question.trigger.sha = assessment.trigger.sha;
  question.trigger.branch = assessment.trigger.branch;
  NewDeployment request{
      question.config.app,    question.environment.name,          question.trigger.actor,
      DeploymentKind::deploy, describe_trigger(question.trigger), assessment.decision};
  RunRequest run;
  run.accept = [&request](Runner& runner) { return runner.accept(request); };
  run.make_plan = [&] { return plan_now(session, question, assessment); };
  co_return co_await run_deployment(session, globals, run);
}

}  // namespace

void add_deploy(CliCommand root, Globals& globals) {
  auto options = std::make_shared<TriggerOptions>();
  CliCommand command = root.sub("deploy", "Make a release live in an environment, or roll back");
  options->describe(command);
  command.examples(kExamples).run([options, &globals] {
    auto config = load_config(globals);
    if (!config.ok()) return report(config.error(), globals);
    auto question = options->question(config->config, globals);
    if (!question.ok()) return report(question.error(), globals);
    return run_in_session(
        globals, *config, question->environment,
        [&](Session& session) { return deploy(session, globals, *config, *question); },
        Effect::none);
  });
}

}  // namespace pawl
