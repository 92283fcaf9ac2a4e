// pawl history [ENVIRONMENT]
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/other_journal.h"
#include "cli/read_commands.h"

namespace pawl {
namespace {

Task<Result<int>> history(ReadContext& context, std::string environment, int limit) {
  if (!environment.empty()) {
    PAWL_CO_CHECK(context.config.config.environment(environment));
  }
  PAWL_CO_TRY(auto deployments, co_await list_deployments(context.store, context.config.config.app,
                                                          environment, static_cast<size_t>(limit)));
  if (context.globals.json) {
    json::array all;
    for (const auto& each : deployments) all.push_back(to_json(each));
    fmt::print("{}", pretty(json::object{{"deployments", std::move(all)}}));
    co_return kDone;
  }
  if (deployments.empty()) {
    const bool is_elsewhere =
        co_await other_journal_has(context.globals, context.config, environment);
    fmt::print("nothing has been deployed from here yet{}{}\n", is_elsewhere ? "; " : "",
               is_elsewhere ? other_journal_hint(context.globals) : "");
  }
  for (const auto& each : deployments) fmt::print("{}\n", summary_line(each, context.clock.now()));
  co_return kDone;
}

}  // namespace

void add_history(CliCommand root, Globals& globals) {
  struct Options {
    std::string environment;
    int limit = 20;
  };
  auto options = std::make_shared<Options>();
  CliCommand command = root.sub("history", "Past deployments, newest first");
  command.optional_positional("environment", options->environment, "Only this one")
      .option("-n,--limit", options->limit, "How many")
      .examples("  pawl history\n  pawl history prod -n 5")
      .run([options, &globals] {
        return run_read_command(globals, [&](ReadContext& context) {
          return history(context, options->environment, options->limit);
        });
      });
}

}  // namespace pawl
