// pawl resume [DEPLOYMENT | --all]
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/read_commands.h"
#include "cli/run_deployment.h"
#include "cli/take_up.h"
#include "engine/abandoned.h"

namespace pawl {
namespace {

Task<Result<int>> resume(Session& session, ReadContext& context, Deployment deployment) {
  if (is_terminal(deployment.phase)) {
    fmt::print("deployment {} has ended already ({})\n", deployment.id,
               to_string(deployment.phase));
    co_return exit_code(deployment);
  }
  RunRequest run;
  run.effect = Effect::possible;
  run.accept = [&](Runner&) -> Task<Result<std::string>> { co_return deployment.id; };
  run.make_plan = []() -> Task<Result<Plan>> { co_return Error(ErrorKind::refused, kNeverBegun); };
  co_return co_await run_deployment(session, context.globals, run);
}

struct ResumeOptions {
  std::string name;
  bool all = false;
  TakeUpRequest take_up;
};

int run_resume(const ResumeOptions& options, const Globals& globals) {
  if (options.all && !options.name.empty())
    return report(Error(ErrorKind::usage, "--all takes no deployment"), globals);
  if (options.all) return take_up_all(globals, options.take_up);
  if (options.take_up.follow)
    return report(Error(ErrorKind::usage, "--follow goes with --all"), globals);
  return run_on_deployment(globals, options.name, resume);
}

}  // namespace

void add_resume(CliCommand root, Globals& globals) {
  auto options = std::make_shared<ResumeOptions>();
  CliCommand command = root.sub("resume", "Take up deployments that were interrupted");
  command
      .optional_positional("deployment", options->name,
                           "The beginning of an id, or an environment (default: the newest)")
      .flag("--all", options->all,
            "Whatever any process left unfinished, in every environment; those in line that nobody "
            "waits for are ended")
      .flag("--follow", options->take_up.follow,
            "With --all: go on looking, until told to stop; a holder on another machine counts as "
            "gone when its lease has stood still for 30 s")
      .option("--at-once", options->take_up.at_once,
              "With --all: how many deployments at the same time")
      .examples(
          "  pawl resume\n  pawl resume d-4f2a\n  pawl resume --all\n"
          "  pawl resume --all --follow      a node that takes up what others leave")
      .run([options, &globals] { return run_resume(*options, globals); });
}

}  // namespace pawl
