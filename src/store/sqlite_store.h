// The journal in one SQLite file, shared by every process that deploys from this checkout. WAL with
// synchronous=FULL: an append costs one fsync (a few ms on a disk; docs/reference/journal.md), and
// what it returned ok() for survives a power cut. Step logs go through a connection of their own
// with synchronous=NORMAL, and cost none.
#pragma once

#include <memory>
#include <string>

#include "engine/ports/store.h"

namespace pawl {

/// Opens or makes the file and the folder that holds it.
Result<std::unique_ptr<Store>> make_sqlite_store(std::string path);

}  // namespace pawl
