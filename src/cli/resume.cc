// pawl resume [DEPLOYMENT]
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/read_commands.h"
#include "cli/run_deployment.h"

namespace pawl {
namespace {

Task<Result<int>> resume(Session& session, ReadContext& context, Deployment deployment) {
  if (is_terminal(deployment.phase)) {
    fmt::print("deployment {} has ended already ({})\n", deployment.id,
               to_string(deployment.phase));
    co_return exit_code(deployment);
  }
  RunRequest run;
  run.repository = context.config.config.repository;
  run.accept = [&](Runner&) -> Task<Result<std::string>> { co_return deployment.id; };
  run.make_plan = []() -> Task<Result<Plan>> {
    co_return Error(ErrorKind::refused, "it was interrupted before it began; nothing was changed");
  };
  co_return co_await run_deployment(session, context.globals, run);
}

}  // namespace

void add_resume(CliCommand root, Globals& globals) {
  auto name = std::make_shared<std::string>();
  CliCommand command = root.sub("resume", "Take up a deployment that was interrupted");
  command
      .optional_positional("deployment", *name,
                           "The beginning of an id, or an environment (default: the newest)")
      .examples("  pawl resume\n  pawl resume d-4f2a")
      .run([name, &globals] { return run_on_deployment(globals, *name, resume); });
}

}  // namespace pawl
