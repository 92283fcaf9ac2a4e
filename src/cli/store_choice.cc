#include "cli/store_choice.h"

#include <fmt/format.h>

#include <filesystem>

#include "store/postgres_address.h"
#include "store/postgres_store.h"
#include "store/sqlite_store.h"

namespace pawl {
namespace {

Result<StoreChoice> chosen(const std::string& text) {
  if (is_postgres_url(text)) return StoreChoice{without_password(text), text};
  if (const auto colon = text.find("://"); colon != std::string::npos)
    return Error(ErrorKind::usage,
                 fmt::format("there is no store for '{}'", text.substr(0, colon + 3)))
        .with_hint("the path of a file (SQLite), or postgresql://USER@HOST/DATABASE");
  return StoreChoice{text, {}};
}

}  // namespace

bool names_a_store(const Globals& globals) {
  return !globals.store.empty() || !globals.environment.get("PAWL_STORE").empty();
}

std::string journal_file(const std::string& state_dir, bool of_sandbox) {
  return state_dir + (of_sandbox ? "/sandbox/journal.db" : "/journal.db");
}

Result<void> remove_sandbox_journal(const std::string& state_dir) {
  const std::string path = journal_file(state_dir, true);
  // The file itself goes last: a log that outlived it would be played into the next one.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    std::error_code failure;
    std::filesystem::remove(path + suffix, failure);
    if (failure)
      return Error(ErrorKind::storage, fmt::format("cannot remove the sandbox's journal {}{}: {}",
                                                   path, suffix, failure.message()))
          .with_hint("remove it by hand: it tells of what the sandbox has forgotten");
  }
  return ok();
}

Result<StoreChoice> choose_store(const Globals& globals, const LoadedConfig& config) {
  if (!globals.store.empty()) {
    if (is_postgres_url(globals.store) && has_password(globals.store))
      return Error(ErrorKind::usage, fmt::format("--store {} has a password in it, which everybody "
                                                 "on this machine can see in the list of processes",
                                                 without_password(globals.store)))
          .with_hint(
              "put the URL into the environment variable PAWL_STORE instead, or leave the "
              "password out and put it into PGPASSWORD or ~/.pgpass");
    return chosen(globals.store);
  }
  if (const auto variable = globals.environment.get("PAWL_STORE"); !variable.empty())
    return chosen(variable);
  return StoreChoice{journal_file(config.state_dir, globals.sandbox), {}};
}

Result<std::unique_ptr<Store>> open_store(Loop& loop, const StoreChoice& choice) {
  if (choice.url.empty()) return make_sqlite_store(choice.name);
  return loop.run(open_postgres_store(loop, choice.url));
}

Task<Result<std::string>> check_store(Loop& loop, StoreChoice choice) {
  if (choice.url.empty()) co_return choice.name;
  co_return co_await check_postgres_store(loop, choice.url);
}

}  // namespace pawl
