// Tells the forge how a deployment ended. Its failure is recorded and fails nothing.
#pragma once

#include <vector>

#include "engine/execution.h"
#include "engine/rollback.h"

namespace pawl {

/// What people are told of a deployment that ends (or, with outcome "in_progress", goes on).
DeploymentReport make_report(const Deployment& deployment, const Outcome& outcome,
                             std::string_view repository);

/// The table of steps, as GitHub renders it.
std::string steps_as_markdown(const Deployment& deployment);

/// Reports the end; gives the `notified` entries to be journalled with `finished`. All its tries
/// together take at most the deployment's patience (github.patience) and the time of one call.
/// The environment stays held meanwhile: told after it was given back, a deployment that ends
/// without this process would either never be told of or be taken up by two.
Task<std::vector<JournalEntry>> report_end(Execution& execution, Outcome outcome);

}  // namespace pawl
