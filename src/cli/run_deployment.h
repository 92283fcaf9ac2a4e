// Runs one accepted deployment to its end under the view: shared by deploy, rollback and resume.
#pragma once

#include <functional>
#include <string>

#include "cli/globals.h"
#include "cli/session.h"
#include "cli/view.h"
#include "engine/runner.h"

namespace pawl {

struct RunRequest {
  /// Accepts the deployment (or names one that is there already); gives its id.
  std::function<Task<Result<std::string>>(Runner&)> accept;
  /// Called once the environment is held.
  std::function<Task<Result<Plan>>()> make_plan;
  /// Of what was done for it before; none for a new one.
  Effect effect = Effect::none;
};

/// Prints everything, and gives the exit code; reports its errors itself, with whether a step had
/// begun by then. Ctrl-C stops at once in a state that can be resumed.
Task<Result<int>> run_deployment(Session& session, const Globals& globals, RunRequest request);

}  // namespace pawl
