#include "cli/run_deployment.h"

#include <fmt/format.h>

#include "cli/changes_begun.h"

namespace pawl {
namespace {

constexpr std::chrono::milliseconds kTick{100};

Task<void> keep_ticking(Clock& clock, DeploymentView& view) {
  while (true) {
    auto slept = co_await clock.sleep_for(kTick);
    if (!slept.ok()) co_return;
    view.tick();
  }
}

ViewKind choose_view(const Globals& globals, const Terminal& terminal) {
  if (globals.json || globals.quiet) return ViewKind::silent;
  // --verbose writes lines to stderr, which a redrawn block would tear.
  return terminal.is_terminal && !globals.verbose ? ViewKind::live : ViewKind::plain;
}

Error with_way_back(Error error, const std::string& id, const Globals& globals) {
  if (error.kind() != ErrorKind::interrupted) return error;
  const std::string named = globals.sandbox ? id + " --sandbox" : id;
  return std::move(error).with_hint(
      fmt::format("nothing is lost: `pawl resume {}` goes on, `pawl cancel {}` takes back what was "
                  "done; the next deploy of the environment resumes it by itself",
                  named, named));
}

void print_result(const Deployment& deployment, const Globals& globals, const Terminal& terminal) {
  if (globals.json) {
    fmt::print("{}", pretty(to_json(deployment)));
  } else if (globals.quiet) {
    fmt::print("{}", describe_outcome(deployment, terminal));
  }
}

}  // namespace

Task<Result<int>> run_deployment(Session& session, const Globals& globals, RunRequest request) {
  Clock& clock = session.loop().clock();
  const Terminal terminal = Terminal::of_stdout(globals.environment);
  auto view = make_view(choose_view(globals, terminal), terminal, clock);
  ChangesBegun seen(*view, request.effect);
  Runner runner(session.runner_ports(), session.runner_options(), seen);
  auto id = co_await request.accept(runner);
  if (!id.ok()) co_return report(id.error(), globals, seen.effect());

  std::stop_source ticker_stop;
  TaskContext ticker_context{ticker_stop.get_token()};
  Scope ticker(&ticker_context);
  ticker.spawn(keep_ticking(clock, *view));
  auto deployment = co_await runner.run(*id, request.make_plan);
  ticker_stop.request_stop();
  co_await ticker.join();

  if (!deployment.ok())
    co_return report(with_way_back(std::move(deployment).error(), *id, globals), globals,
                     seen.effect());
  view->finish(*deployment);
  print_result(*deployment, globals, terminal);
  co_return exit_code(*deployment);
}

}  // namespace pawl
