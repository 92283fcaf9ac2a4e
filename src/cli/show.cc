// pawl show [DEPLOYMENT]
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/read_commands.h"
#include "cli/view.h"

namespace pawl {
namespace {

Task<Result<int>> show(ReadContext& context, std::string name, bool with_events) {
  PAWL_CO_TRY(auto deployment, co_await find_named_deployment(context, name));
  PAWL_CO_TRY(auto events, co_await context.store.events(deployment.id));
  if (context.globals.json) {
    json::object object = to_json(deployment);
    if (with_events) {
      json::array list;
      for (const auto& event : events) list.push_back(to_json(event));
      object["events"] = std::move(list);
    }
    fmt::print("{}", pretty(object));
    co_return kDone;
  }
  const Terminal terminal = Terminal::of_stdout(context.globals.environment);
  fmt::print("{}  {} of {} {} to {}, asked by {} at {}\n", terminal.bold(deployment.id),
             to_string(deployment.kind), deployment.app, deployment.release.version,
             deployment.environment, deployment.actor, to_iso8601(deployment.accepted_at));
  for (const auto& state : deployment.steps)
    fmt::print("{}\n", describe_step(deployment, state, context.clock.now()));
  if (with_events)
    for (const auto& event : events)
      fmt::print("{:>4} {} {:<18} {:<20} {}\n", event.sequence, to_iso8601(event.at),
                 to_string(event.type), event.step, printable(json::serialize(*event.data)));
  fmt::print("{}", describe_outcome(deployment, terminal));
  co_return kDone;
}

}  // namespace

void add_show(CliCommand root, Globals& globals) {
  struct Options {
    std::string name;
    bool events = false;
  };
  auto options = std::make_shared<Options>();
  CliCommand command = root.sub("show", "One deployment: its steps, its outcome, why");
  command
      .optional_positional("deployment", options->name,
                           "The beginning of an id, or an environment (its newest)")
      .flag("--events", options->events, "The journal's events, too")
      .examples("  pawl show\n  pawl show dev --events\n  pawl show d-4f2a --json")
      .run([options, &globals] {
        return run_read_command(globals, [&](ReadContext& context) {
          return show(context, options->name, options->events);
        });
      });
}

}  // namespace pawl
