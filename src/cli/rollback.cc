// pawl rollback ENVIRONMENT
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/facts.h"
#include "cli/other_journal.h"
#include "cli/run_deployment.h"
#include "cli/trigger_options.h"
#include "core/terraform_outputs.h"
#include "engine/queries.h"

namespace pawl {
namespace {

constexpr const char* kExamples =
    "  pawl rollback prod                 to the last verified release before the live one\n"
    "  pawl rollback prod --to 1.4.1      to that verified release";

Result<void> check_target(const RollbackTarget& target) {
  if (target.blocked_by.empty()) return ok();
  return Error(ErrorKind::refused,
               fmt::format("{} is not put back: {}", target.release.version, target.blocked_by))
      .with_hint(
          "deploy a release that mends what is wrong; where the old code can read what the hook "
          "made, `compatible_with: previous` says so before it runs, and `pawl deploy --tag` "
          "deploys an old release on purpose");
}

Error no_target(const EnvironmentConfig& environment, const std::string& version) {
  return Error(ErrorKind::refused,
               version.empty()
                   ? fmt::format("{} has no verified release before the live one", environment.name)
                   : fmt::format("{} was never verified in {}", version, environment.name))
      .with_hint("`pawl history " + environment.name + "` lists what there is");
}

Task<Result<int>> rollback(Session& session, const Globals& globals, const LoadedConfig& loaded,
                           EnvironmentConfig environment, std::string version) {
  const Config& config = loaded.config;
  PAWL_CO_TRY(auto target,
              co_await rollback_target(session.store(), config.app, environment.name, version));
  if (!target) {
    PAWL_CO_TRY(const auto here,
                co_await session.store().deployments(config.app, environment.name, 1));
    bool is_elsewhere = here.empty();
    if (is_elsewhere) is_elsewhere = co_await other_journal_has(globals, loaded, environment.name);
    Error error = no_target(environment, version);
    if (is_elsewhere) co_return std::move(error).with_hint(other_journal_hint(globals));
    co_return error;
  }
  if (auto refused = check_target(*target); !refused.ok()) co_return std::move(refused).error();
  NewDeployment request;
  request.app = config.app;
  request.environment = environment.name;
  request.actor = actor_of(globals.environment);
  request.kind = DeploymentKind::rollback;
  request.trigger = {{"kind", "manual"}, {"target", target->deployment_id}};
  request.decision.verdict = Decision::Verdict::deploy;
  request.decision.reason =
      fmt::format("back to {}, verified by {}", target->release.version, target->deployment_id);
  request.decision.release = target->release;
  RunRequest run;
  run.accept = [&request](Runner& runner) { return runner.accept(request); };
  run.make_plan = [&]() -> Task<Result<Plan>> {
    // Asked again now that the environment is held: a deployment in line may have called a hook.
    PAWL_CO_TRY(const auto again,
                co_await rollback_target(session.store(), config.app, environment.name,
                                         target->release.version));
    if (again) PAWL_CO_CHECK(check_target(*again));
    if (again) target->live_sha = again->live_sha;
    PAWL_CO_TRY(const auto outputs, co_await outputs_before(session, environment));
    const auto named = with_known_outputs(environment, outputs);
    if (named.function.name.empty())
      co_return Error(ErrorKind::not_found,
                      fmt::format("{} is not among Terraform's outputs: it is not known which "
                                  "function to roll back",
                                  environment.function.name))
          .with_hint("correct function.name in pawl.yaml, or write the name itself");
    co_return make_rollback_plan(config, named, *target);
  };
  co_return co_await run_deployment(session, globals, run);
}

}  // namespace

void add_rollback(CliCommand root, Globals& globals) {
  struct Options {
    std::string environment;
    std::string version;
  };
  auto options = std::make_shared<Options>();
  CliCommand command = root.sub("rollback", "Go back to the last verified release");
  command.positional("environment", options->environment, "Which one")
      .option("--to", options->version, "A version that was verified there (pawl history)")
      .examples(kExamples)
      .run([options, &globals] {
        auto config = load_config(globals);
        if (!config.ok()) return report(config.error(), globals);
        auto environment = config->config.environment(options->environment);
        if (!environment.ok()) return report(environment.error(), globals);
        return run_in_session(
            globals, *config, **environment,
            [&](Session& session) {
              return rollback(session, globals, *config, **environment, options->version);
            },
            Effect::none);
      });
}

}  // namespace pawl
