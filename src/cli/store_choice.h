// Where the journal is kept: a file beside the config, unless --store or PAWL_STORE say otherwise.
// The sandbox has one of its own: what was proven there is not proven in a real account.
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

/// Whether --store or PAWL_STORE name the journal.
bool names_a_store(const Globals& globals);
/// The journal where they do not.
std::string journal_file(const std::string& state_dir, bool of_sandbox);
/// Forgets what was deployed to the sandbox; the file of another journal is never touched.
Result<void> remove_sandbox_journal(const std::string& state_dir);

/// Kind usage when it names no store that there is, or when --store, which everybody on this
/// machine can read in the list of processes, holds a password.
Result<StoreChoice> choose_store(const Globals& globals, const LoadedConfig& config);

/// Opens what was chosen. The loop must outlive it.
Result<std::unique_ptr<Store>> open_store(Loop& loop, const StoreChoice& choice);
/// Says that it is fit to be relied on, or what is wrong with it: for `pawl doctor`.
Task<Result<std::string>> check_store(Loop& loop, StoreChoice choice);

}  // namespace pawl
