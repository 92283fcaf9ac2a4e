// The journal in a PostgreSQL database, shared by several nodes. An append is one transaction in
// two round trips, committed with the server's disk synced; a grant of a lease is one statement;
// claims skip what another node is taking (FOR UPDATE SKIP LOCKED); changes are told with NOTIFY. A
// connection that breaks is made anew, and what had been sent is looked for before it is repeated.
// The tables are described in postgres_schema.h.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/ports/store.h"
#include "net/loop.h"

namespace pawl {

/// How long the server is given. Both stay below a lease's 30 s, so that one that went silent costs
/// the holder of an environment a renewal, and not the environment.
struct PostgresLimits {
  std::chrono::milliseconds command{10'000};   // for one command's answer
  std::chrono::milliseconds patience{10'000};  // for tries of one verb, over lost connections
};

/// Connects, and makes or updates the tables. The loop must outlive the store. Passwords of the URL
/// are registered for redaction.
Task<Result<std::unique_ptr<Store>>> open_postgres_store(Loop& loop, std::string url,
                                                         PostgresLimits limits = {});

/// What `pawl doctor` says of the database, or what is wrong with it: whether it can be reached,
/// its schema, that the role may write, and that the server syncs what it commits.
Task<Result<std::string>> check_postgres_store(Loop& loop, std::string url);

}  // namespace pawl
