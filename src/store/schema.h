// The journal file's tables, as migrations in order. `PRAGMA user_version` counts those that were
// applied; `PRAGMA application_id` marks the file as ours.
//
//   deployments  one row each, `number` is the order of acceptance; `finished` when its terminal
//                event is there
//   events       the journal; data is JSON; `checksum` is the first 16 hex digits of the SHA-256
//                over the other columns, so that a damaged row is seen when it is read
//   leases       one row for each environment that was ever held; a released one keeps its token
//                (fencing tokens only grow) and has an empty deployment
//   logs         lines of steps
#pragma once

#include "store/sqlite.h"

namespace pawl::sqlite {

constexpr int64_t kApplicationId = 0x5061776c;  // "Pawl"

/// Brings the file up to this build's schema. A newer or a foreign file is an Error.
Result<void> migrate(Database& database);

}  // namespace pawl::sqlite
