// pawl status [ENVIRONMENT]
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/other_journal.h"
#include "cli/read_commands.h"
#include "cli/terminal.h"

namespace pawl {
namespace {

struct EnvironmentStatus {
  std::string name;
  std::optional<Deployment> live;
  std::optional<Deployment> newest;
  std::vector<Deployment> in_line;
  std::optional<Lease> lease;
  bool is_elsewhere = false;  // nothing of it here, but in the journal beside this one
};

Task<Result<EnvironmentStatus>> read_status(ReadContext& context, std::string name) {
  const std::string& app = context.config.config.app;
  EnvironmentStatus status;
  status.name = name;
  PAWL_CO_TRY(status.live, co_await live_deployment(context.store, app, name));
  PAWL_CO_TRY(auto newest, co_await list_deployments(context.store, app, name, 1));
  if (!newest.empty()) status.newest = newest.front();
  PAWL_CO_TRY(auto unfinished, co_await context.store.unfinished(app, name));
  for (const auto& id : unfinished) {
    PAWL_CO_TRY(auto deployment, co_await load_deployment(context.store, id));
    status.in_line.push_back(std::move(deployment));
  }
  PAWL_CO_TRY(status.lease, co_await context.store.lease(app, name));
  if (!status.newest)
    status.is_elsewhere = co_await other_journal_has(context.globals, context.config, name);
  co_return status;
}

json::object as_json(const EnvironmentStatus& status) {
  json::object object{{"environment", status.name}};
  object["live"] = status.live ? json::value(to_json(*status.live)) : json::value(nullptr);
  object["newest"] = status.newest ? json::value(to_json(*status.newest)) : json::value(nullptr);
  json::array line;
  for (const auto& each : status.in_line) line.push_back(to_json(each));
  object["unfinished"] = std::move(line);
  if (status.lease)
    object["held_by"] = json::object{{"deployment", status.lease->deployment},
                                     {"owner", status.lease->owner},
                                     {"since", to_iso8601(status.lease->granted_at)},
                                     {"fencing_token", status.lease->token}};
  return object;
}

void print_status(const EnvironmentStatus& status, WallTime now, const Terminal& terminal,
                  const Globals& globals) {
  fmt::print("{}\n", terminal.bold(status.name));
  if (status.live) {
    const auto& live = *status.live;
    const auto outputs = workflow_outputs(live);
    fmt::print("  live     {} ({}), since {}, by {}\n", terminal.green(live.release.version),
               short_sha(live.release.sha), ago(live.finished_at.value_or(live.accepted_at), now),
               live.actor);
    if (const auto digest = string_or(outputs, "digest"); !digest.empty())
      fmt::print("  digest   {}\n", digest);
    if (const auto url = string_or(outputs, "deployment_url"); !url.empty())
      fmt::print("  url      {}\n", url);
  } else {
    fmt::print("  live     nothing that was deployed from here{}{}\n",
               status.is_elsewhere ? "; " : "",
               status.is_elsewhere ? other_journal_hint(globals) : "");
  }
  if (status.newest && status.newest->rollback_status == "left")
    fmt::print("  {} {} was cancelled and left part-way: {} is not all of what is live\n",
               terminal.red("mixed   "), status.newest->id,
               status.live ? status.live->release.version : "nothing");
  if (status.newest && is_terminal(status.newest->phase) &&
      (!status.live || status.newest->id != status.live->id))
    fmt::print("  newest   {} {} {}: {}\n", status.newest->id, status.newest->release.version,
               terminal.yellow(to_string(status.newest->phase)), printable(status.newest->reason));
  for (const auto& each : status.in_line) {
    std::string note(to_string(each.phase));
    if (each.interrupted) note += ", interrupted: pawl resume " + each.id;
    if (!each.waiting_for.empty()) note += ", waits for " + each.waiting_for;
    if (!each.owner.empty()) note += ", by " + each.owner;
    fmt::print("  {}  {} {} {}\n", terminal.yellow("active"), each.id, each.release.version, note);
  }
}

Task<Result<int>> status(ReadContext& context, std::string only) {
  std::vector<std::string> names;
  if (!only.empty()) {
    PAWL_CO_TRY(const auto* found, context.config.config.environment(only));
    names.push_back(found->name);
  } else {
    for (const auto& each : context.config.config.environments) names.push_back(each.name);
  }
  const Terminal terminal = Terminal::of_stdout(context.globals.environment);
  json::array all;
  for (const auto& name : names) {
    PAWL_CO_TRY(auto one, co_await read_status(context, name));
    if (context.globals.json) {
      all.push_back(as_json(one));
    } else {
      print_status(one, context.clock.now(), terminal, context.globals);
    }
  }
  if (context.globals.json)
    fmt::print("{}", pretty(json::object{{"environments", std::move(all)}}));
  co_return kDone;
}

}  // namespace

void add_status(CliCommand root, Globals& globals) {
  auto environment = std::make_shared<std::string>();
  CliCommand command = root.sub("status", "What is live where, and what runs or waits");
  command.optional_positional("environment", *environment, "Only this one")
      .examples(
          "  pawl status\n"
          "  pawl status prod --json | jq -r '.environments[0].live.release.version'")
      .run([environment, &globals] {
        return run_read_command(
            globals, [&](ReadContext& context) { return status(context, *environment); });
      });
}

}  // namespace pawl
