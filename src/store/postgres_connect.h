// Making a connection without making the event loop wait: libpq looks names up, negotiates TLS and
// derives keys from passwords in calls that block.
#pragma once

#include <libpq-fe.h>

#include "base/task.h"
#include "net/loop.h"
#include "store/postgres_address.h"

namespace pawl::postgres {

/// The handle of a connection that works. Takes about connect_timeout at most.
Task<Result<PGconn*>> connect(Loop& loop, const Address& address);

}  // namespace pawl::postgres
