// Where the journal is kept: a file beside the config, unless --store or PAWL_STORE say otherwise.
#pragma once

#include <string>

#include "cli/globals.h"
#include "engine/ports/store.h"
#include "net/loop.h"

namespace pawl {

struct StoreChoice {
  std::string name;  // for people: the path, or the URL without its password
  std::string url;   // of a PostgreSQL database, as given; empty: `name` is a file
};

/// Kind usage when it names no store that there is, or when --store, which everybody on this
/// machine can read in the list of processes, holds a password.
Result<StoreChoice> choose_store(const Globals& globals, const LoadedConfig& config);

/// Opens what was chosen. The loop must outlive it.
Result<std::unique_ptr<Store>> open_store(Loop& loop, const StoreChoice& choice);
/// Says that it is fit to be relied on, or what is wrong with it: for `pawl doctor`.
Task<Result<std::string>> check_store(Loop& loop, StoreChoice choice);

}  // namespace pawl
