// What the commands that only read have in common.
#pragma once

#include <functional>
#include <string>

#include "cli/command.h"
#include "cli/session.h"
#include "engine/queries.h"

namespace pawl {

struct ReadContext {
  const Globals& globals;
  const LoadedConfig& config;
  Store& store;
  Clock& clock;
};

/// Loads the config, opens the store, runs `read` on a loop; reports errors.
int run_read_command(const Globals& globals,
                     const std::function<Task<Result<int>>(ReadContext&)>& read);

/// The deployment that `name` means: the beginning of an id, an environment (its newest), or empty
/// (the newest of all).
Task<Result<Deployment>> find_named_deployment(ReadContext& context, std::string name);

/// For commands about one deployment that touch the world: finds it, opens the session of its
/// environment, runs `act` under Ctrl-C.
using DeploymentAction =
    std::function<Task<Result<int>>(Session&, ReadContext&, Deployment deployment)>;
int run_on_deployment(const Globals& globals, const std::string& name, DeploymentAction act);

/// "3 min ago"
std::string ago(WallTime time, WallTime now);
/// One line about a deployment, for lists.
std::string summary_line(const Deployment& deployment, WallTime now);

}  // namespace pawl
