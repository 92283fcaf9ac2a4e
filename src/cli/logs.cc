// pawl logs [DEPLOYMENT]
#include <fmt/format.h>

#include <memory>

#include "base/secret.h"
#include "cli/commands.h"
#include "cli/read_commands.h"
#include "cli/terminal.h"

namespace pawl {
namespace {

Task<Result<int>> logs(ReadContext& context, std::string name, std::string step) {
  PAWL_CO_TRY(auto deployment, co_await find_named_deployment(context, name));
  if (!step.empty() && deployment.plan && deployment.plan->step(step) == nullptr) {
    std::vector<std::string> ids;
    for (const auto& each : deployment.plan->steps) ids.push_back(each.id);
    const auto near = nearest(step, ids);
    co_return Error(ErrorKind::usage, fmt::format("{} has no step '{}'", deployment.id, step))
        .with_hint(near.empty() ? "pawl show " + deployment.id + " lists them"
                                : "did you mean " + near + "?");
  }
  PAWL_CO_TRY(auto entries, co_await context.store.log(deployment.id, step));
  json::array all;
  for (const auto& entry : entries) {
    if (context.globals.json) {
      all.push_back(json::object{
          {"at", to_iso8601(entry.at)}, {"step", entry.step}, {"line", redact(entry.line)}});
    } else {
      fmt::print("{} {:<18} {}\n", to_iso8601(entry.at), entry.step, printable(redact(entry.line)));
    }
  }
  if (context.globals.json)
    fmt::print("{}",
               pretty(json::object{{"deployment", deployment.id}, {"lines", std::move(all)}}));
  co_return kDone;
}

}  // namespace

void add_logs(CliCommand root, Globals& globals) {
  struct Options {
    std::string name;
    std::string step;
  };
  auto options = std::make_shared<Options>();
  CliCommand command = root.sub("logs", "What the steps of a deployment printed");
  command
      .optional_positional("deployment", options->name,
                           "The beginning of an id, or an environment (its newest)")
      .option("-s,--step", options->step, "Only this step")
      .examples("  pawl logs\n  pawl logs dev --step build_image")
      .run([options, &globals] {
        return run_read_command(globals, [&](ReadContext& context) {
          return logs(context, options->name, options->step);
        });
      });
}

}  // namespace pawl
