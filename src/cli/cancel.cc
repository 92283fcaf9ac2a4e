// pawl cancel DEPLOYMENT
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/read_commands.h"
#include "cli/run_deployment.h"
#include "cli/trigger_options.h"

namespace pawl {
namespace {

Task<Result<int>> cancel(Session& session, ReadContext& context, Deployment deployment) {
  if (is_terminal(deployment.phase)) {
    co_return Error(ErrorKind::usage, fmt::format("deployment {} has ended already ({})",
                                                  deployment.id, to_string(deployment.phase)))
        .with_hint("to go back to the release before it: pawl rollback " + deployment.environment);
  }
  RunRequest run;
  run.repository = context.config.config.repository;
  const std::string by = actor_of(context.globals.environment);
  run.accept = [&](Runner& runner) -> Task<Result<std::string>> {
    PAWL_CO_CHECK(co_await runner.cancel(deployment.id, by));
    co_return deployment.id;
  };
  run.make_plan = []() -> Task<Result<Plan>> {
    co_return Error(ErrorKind::refused, "it was cancelled before it began");
  };
  // Whoever runs it sees the request. When nobody does any more, it is undone here.
  PAWL_CO_TRY(auto lease, co_await context.store.lease(deployment.app, deployment.environment));
  const bool runs_elsewhere = lease && lease->deployment == deployment.id &&
                              !session.processes().is_gone(lease->owner) &&
                              lease->expires_at > context.clock.now();
  if (!runs_elsewhere) co_return co_await run_deployment(session, context.globals, run);
  PAWL_CO_CHECK(co_await [](Session& each, ReadContext& reading, std::string id,
                            std::string who) -> Task<Result<void>> {
    auto view = make_view(ViewKind::silent, Terminal{}, reading.clock);
    RunnerPorts ports{each.store(), reading.clock,    each.loop().entropy(),
                      each.steps(), each.processes(), nullptr};
    Runner runner(ports, RunnerOptions{}, *view);
    co_return co_await runner.cancel(id, who);
  }(session, context, deployment.id, by));
  fmt::print("asked {} to stop and take back what it did\n", lease->owner);
  co_return kDone;
}

}  // namespace

void add_cancel(CliCommand root, Globals& globals) {
  auto name = std::make_shared<std::string>();
  CliCommand command = root.sub("cancel", "Stop a deployment and take back what it did");
  command.positional("deployment", *name, "The beginning of an id, or an environment")
      .examples("  pawl cancel dev\n  pawl cancel d-4f2a")
      .run([name, &globals] { return run_on_deployment(globals, *name, cancel); });
}

}  // namespace pawl
