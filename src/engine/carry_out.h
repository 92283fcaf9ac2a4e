// Carries one deployment, whose environment is held, from its first step to its terminal event.
#pragma once

#include <functional>

#include "engine/execution.h"

namespace pawl {

using MakePlan = std::function<Task<Result<Plan>>()>;

/// Writes `started` or `resumed`, plans, runs the steps, rolls back, reports, writes `finished`.
/// Also goes on with what a crash left at any point. `make_plan` may be empty: a deployment that
/// has no plan yet then ends as cancelled. An Error: the machinery broke, or (interrupted, with its
/// event written) the process was asked to stop.
Task<Result<void>> carry_out(Execution& execution, MakePlan make_plan);

/// Looks each second for what others recorded (a request to cancel stops the steps) and whether the
/// deployment's time is over, and stores the lines of the log. Runs beside carry_out until its task
/// is stopped.
Task<void> watch(Execution& execution);

}  // namespace pawl
