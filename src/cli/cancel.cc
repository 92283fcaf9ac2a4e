// pawl cancel DEPLOYMENT
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/read_commands.h"
#include "cli/run_deployment.h"
#include "cli/trigger_options.h"

namespace pawl {
namespace {

std::string what_it_does(const Deployment& deployment, std::optional<OnCancel> choice) {
  const OnCancel chosen = choice.value_or(deployment.on_cancel());
  return chosen == OnCancel::leave ? "leave what there is after the steps that run"
                                   : "take back what it did";
}

// As a task of its own: what it is given must live until it ends.
Task<Result<void>> ask_to_stop(Session& session, Clock& clock, std::string id, std::string by,
                               std::optional<OnCancel> choice) {
  auto view = make_view(ViewKind::silent, Terminal{}, clock);
  Runner runner(session.runner_ports(), session.runner_options(), *view);
  co_return co_await runner.cancel(std::move(id), std::move(by), choice);
}

Task<Result<int>> cancel(Session& session, ReadContext& context, Deployment deployment,
                         std::optional<OnCancel> choice) {
  if (is_terminal(deployment.phase)) {
    co_return Error(ErrorKind::usage, fmt::format("deployment {} has ended already ({})",
                                                  deployment.id, to_string(deployment.phase)))
        .with_hint("to go back to the release before it: pawl rollback " + deployment.environment);
  }
  RunRequest run;
  const std::string by = actor_of(context.globals.environment);
  run.accept = [&](Runner& runner) -> Task<Result<std::string>> {
    PAWL_CO_CHECK(co_await runner.cancel(deployment.id, by, choice));
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
  PAWL_CO_CHECK(co_await ask_to_stop(session, context.clock, deployment.id, by, choice));
  fmt::print("asked {} to stop and {}\n", lease->owner, what_it_does(deployment, choice));
  co_return kDone;
}

}  // namespace

void add_cancel(CliCommand root, Globals& globals) {
  struct Options {
    std::string name;
    bool leave = false;
    bool undo = false;
  };
  auto options = std::make_shared<Options>();
  CliCommand command =
      root.sub("cancel", "Stop a deployment; take back what it did, or leave it part-way");
  command.positional("deployment", options->name, "The beginning of an id, or an environment")
      .flag("--undo", options->undo, "Take back what it did, whatever on_cancel says in pawl.yaml")
      .flag("--leave", options->leave, "Let the steps that run end, and leave what there is then")
      .examples("  pawl cancel dev\n  pawl cancel d-4f2a --leave")
      .run([options, &globals] {
        if (options->leave && options->undo)
          return report(Error(ErrorKind::usage, "--leave and --undo exclude each other"), globals);
        std::optional<OnCancel> choice;
        if (options->leave) choice = OnCancel::leave;
        if (options->undo) choice = OnCancel::undo;
        return run_on_deployment(
            globals, options->name,
            [choice](Session& session, ReadContext& context, Deployment deployment) {
              return cancel(session, context, std::move(deployment), choice);
            });
      });
}

}  // namespace pawl
