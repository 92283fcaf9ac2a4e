// The sandbox keeps a journal of its own. Where one of the two lacks what was asked for and the
// other has it, the answer says so.
#pragma once

#include <string>

#include "base/task.h"
#include "cli/facts.h"
#include "cli/globals.h"

namespace pawl {

/// Whether the journal that --sandbox (or its absence) leaves aside has a deployment by that name:
/// an environment, the beginning of an id, or empty for any. False where --store or PAWL_STORE name
/// one journal for both. Reads only, and makes no file.
Task<bool> other_journal_has(const Globals& globals, const LoadedConfig& config, std::string name);

/// What to do about it: "the sandbox's journal has it: add --sandbox".
std::string other_journal_hint(const Globals& globals);

/// Adds to the hint of a refused release that what was verified in the sandbox does not count,
/// where promote_from's environment has nothing but that.
Task<void> explain_promotion(const Globals& globals, const LoadedConfig& config,
                             const DeployQuestion& question, Assessment& assessment);

}  // namespace pawl
