// A deployment that is in line and that nobody waits for any more. Nothing of it was begun, so no
// lease is needed to end it: the order of its journal decides between that and a process that
// begins it at the same moment.
#pragma once

#include <string>

#include "core/deployment.h"
#include "engine/journal.h"

namespace pawl {

/// Why nobody runs it any more ("its process is gone"); empty when somebody may.
std::string why_nobody_runs(const Deployment& deployment, const JournalFacts& facts,
                            const ProcessTable& processes);

/// The data of `finished` for one that ends before it began.
json::object cancelled_in_line(std::string reason);

/// Journals its end as cancelled, unless its journal has moved; then takes in what was written.
Task<Result<void>> end_in_line(Store& store, Clock& clock, Journal& journal, std::string reason);

inline constexpr const char* kNeverBegun = "interrupted before it began; nothing was changed";

}  // namespace pawl
