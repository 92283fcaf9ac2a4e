// Which steps of a plan may run now, read off the deployment's state. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/deployment.h"

namespace pawl {

/// Steps that have no outcome yet, are not among `in_progress`, and whose needs are met, in the
/// plan's order. A step that a crash left running has no outcome.
std::vector<const PlanStep*> ready_steps(const Plan& plan, const Deployment& deployment,
                                         const std::set<std::string>& in_progress);

/// The first required step that failed; nullptr when none did.
const PlanStep* failed_step(const Plan& plan, const Deployment& deployment);

/// Every step has ended, and no required one failed.
bool is_complete(const Plan& plan, const Deployment& deployment);

/// Steps whose undo is to be asked, in the reverse order of their start: those that were started,
/// have something to undo, may have changed the world, and are not undone yet. `all`: those, and
/// the ones whose undo has an outcome already.
std::vector<const PlanStep*> steps_to_undo(const Plan& plan, const Deployment& deployment,
                                           const std::map<std::string, uint64_t>& started,
                                           bool all);

}  // namespace pawl
