#include "cli/read_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/other_journal.h"

namespace pawl {

int run_read_command(const Globals& globals,
                     const std::function<Task<Result<int>>(ReadContext&)>& read) {
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  Loop loop;
  auto store = open_store(loop, globals, *config);
  if (!store.ok()) return report(store.error(), globals);
  ReadContext context{globals, *config, **store, loop.clock()};
  auto code = loop.run(read(context));
  return code.ok() ? *code : report(code.error(), globals);
}

namespace {

Error nothing_deployed(const std::string& environment) {
  if (environment.empty())
    return Error(ErrorKind::not_found, "nothing has been deployed from here yet")
        .with_hint("pawl deploy ENVIRONMENT");
  return Error(ErrorKind::not_found,
               fmt::format("nothing has been deployed to {} from here yet", environment))
      .with_hint("pawl deploy " + environment);
}

}  // namespace

Task<Result<Deployment>> find_named_deployment(ReadContext& context, std::string name) {
  const auto& environments = context.config.config.environments;
  const bool is_environment =
      name.empty() || std::any_of(environments.begin(), environments.end(),
                                  [&](const auto& each) { return each.name == name; });
  const auto elsewhere = [&](Error error) -> Task<Result<Deployment>> {
    const bool is_there = co_await other_journal_has(context.globals, context.config, name);
    if (is_there) co_return std::move(error).with_hint(other_journal_hint(context.globals));
    co_return error;
  };
  if (is_environment) {
    PAWL_CO_TRY(auto newest,
                co_await context.store.deployments(context.config.config.app, name, 1));
    if (newest.empty()) co_return co_await elsewhere(nothing_deployed(name));
    co_return co_await load_deployment(context.store, newest.front());
  }
  auto id = co_await context.store.find_deployment(name);
  if (!id.ok() && id.error().kind() == ErrorKind::not_found)
    co_return co_await elsewhere(std::move(id).error());
  if (!id.ok()) co_return std::move(id).error();
  co_return co_await load_deployment(context.store, *id);
}

namespace {

// Holds the context for as long as the action runs.
Task<Result<int>> act_in(Session& session, const Globals& globals, const LoadedConfig& config,
                         DeploymentAction act, Deployment deployment) {
  ReadContext context{globals, config, session.store(), session.loop().clock()};
  co_return co_await act(session, context, std::move(deployment));
}

// With a loop of its own: the session that follows opens another.
Result<Deployment> load_named_deployment(const Globals& globals, const LoadedConfig& config,
                                         const std::string& name) {
  Loop loop;
  PAWL_TRY(const auto store, open_store(loop, globals, config));
  ReadContext context{globals, config, *store, loop.clock()};
  return loop.run(find_named_deployment(context, name));
}

}  // namespace

int run_on_deployment(const Globals& globals, const std::string& name, DeploymentAction act) {
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  auto deployment = load_named_deployment(globals, *config, name);
  if (!deployment.ok()) return report(deployment.error(), globals);
  auto environment = config->config.environment(deployment->environment);
  if (!environment.ok()) return report(environment.error(), globals);
  return run_in_session(globals, *config, **environment, [&](Session& session) {
    return act_in(session, globals, *config, act, *deployment);
  });
}

std::string ago(WallTime time, WallTime now) {
  const auto seconds = std::max<int64_t>((now - time).count() / 1000, 0);
  if (seconds < 60) return fmt::format("{} s ago", seconds);
  if (seconds < 3600) return fmt::format("{} min ago", seconds / 60);
  if (seconds < int64_t{48} * 3600) return fmt::format("{} h ago", seconds / 3600);
  return fmt::format("{} days ago", seconds / 86400);
}

std::string summary_line(const Deployment& deployment, WallTime now) {
  std::string took;
  if (deployment.started_at && deployment.finished_at)
    took = format_duration(*deployment.finished_at - *deployment.started_at);
  return fmt::format("{:<14} {:<9} {:<9} {:<12} {:<12} {:>10}  {:<12} {}", deployment.id,
                     to_string(deployment.kind), deployment.environment,
                     deployment.release.version.empty() ? "-" : deployment.release.version,
                     to_string(deployment.phase), took, ago(deployment.accepted_at, now),
                     deployment.actor);
}

}  // namespace pawl
