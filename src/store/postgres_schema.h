// The tables of a PostgreSQL store, as migrations in order; `pawl_schema` has a row for each that
// was applied. All of them lie in one schema: the first of the connection's search_path.
//
//   pawl_deployments  one row each; `number` is the order of acceptance, in which those of one
//                     environment are committed, too; `begun` and `finished` when the events that
//                     say so are there
//   pawl_events       the journal; data is JSON in UTF-8 (bytea: what a program printed may be no
//                     text); `checksum` as in store/journal_rows.h
//   pawl_leases       one row for each environment that was ever held; a released one keeps its
//                     token (fencing tokens only grow) and has an empty deployment
//   pawl_logs         lines of steps
#pragma once

#include "store/postgres.h"

namespace pawl::postgres {

/// Brings the database up to this build's schema; several may do so at once. A newer schema is an
/// Error, and nothing is changed.
Task<Result<void>> migrate(Connection& connection, const Address& address);

/// The newest schema that this build knows.
int64_t newest_schema();
/// The database's; 0: it has no tables of Pawl.
Task<Result<int64_t>> schema_version(Connection& connection);

}  // namespace pawl::postgres
