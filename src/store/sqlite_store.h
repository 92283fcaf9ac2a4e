// The journal in one SQLite file, shared by every process that deploys from this checkout. WAL with
// synchronous=FULL: an append costs one sync of the disk (8 ms in the median on a busy virtual
// disk, where the same without the sync takes 0.02 ms), and what it returned ok() for survives a
// power cut. Step logs go through a connection of their own with synchronous=NORMAL, and cost none.
// The tables are described in schema.h.
#pragma once

#include <memory>
#include <string>

#include "engine/ports/store.h"

namespace pawl {

/// Opens or makes the file and the folder that holds it.
Result<std::unique_ptr<Store>> make_sqlite_store(std::string path);

}  // namespace pawl
