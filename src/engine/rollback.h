// Takes back what a deployment did: the undo of each step that was started, in reverse, then a look
// at whether what was live before answers again.
#pragma once

#include <string>

#include "engine/execution.h"

namespace pawl {

/// How a deployment ends; the data of its `finished` event.
struct Outcome {
  std::string outcome;          // name of the terminal phase
  std::string reason;           // a sentence
  std::string rollback_status;  // "", "succeeded", "failed", "nothing_to_undo", "left"
  std::string hint = {};        // what to do about it, where the reason's Error said so
};

/// Past the point of no return (core/hooks.h) nothing is undone, and the outcome says why.
/// `cause` is "failed" or "cancelled", `reason` why. Goes on where a crash left a rollback. An
/// Error: the machinery broke, or the process was asked to stop.
Task<Result<Outcome>> roll_back(Execution& execution, Plan plan, std::string cause,
                                std::string reason);

}  // namespace pawl
