#include "store/schema.h"

#include <fmt/format.h>

#include <array>

namespace pawl::sqlite {
namespace {

// Never change one that was released: add the next.
constexpr std::array kMigrations = {
    R"sql(
CREATE TABLE deployments (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  app TEXT NOT NULL,
  environment TEXT NOT NULL,
  finished INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX deployments_by_place ON deployments (app, environment, number);
CREATE INDEX deployments_unfinished ON deployments (number) WHERE finished = 0;
CREATE TABLE events (
  deployment TEXT NOT NULL REFERENCES deployments (id),
  sequence INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  token INTEGER NOT NULL,
  type TEXT NOT NULL,
  step TEXT NOT NULL,
  data TEXT NOT NULL,
  checksum TEXT NOT NULL,
  PRIMARY KEY (deployment, sequence)
) WITHOUT ROWID;
CREATE TABLE leases (
  app TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment TEXT NOT NULL,
  owner TEXT NOT NULL,
  token INTEGER NOT NULL,
  granted_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (app, environment)
) WITHOUT ROWID;
CREATE TABLE logs (
  number INTEGER PRIMARY KEY,
  deployment TEXT NOT NULL,
  step TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  line TEXT NOT NULL
);
CREATE INDEX logs_by_step ON logs (deployment, step, number);
)sql",
    // What has begun and not finished is what a process that starts takes up.
    R"sql(
ALTER TABLE deployments ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
UPDATE deployments SET begun = 1 WHERE EXISTS
  (SELECT 1 FROM events WHERE events.deployment = deployments.id AND events.type = 'started');
CREATE INDEX deployments_to_take_up ON deployments (number) WHERE begun = 1 AND finished = 0;
)sql",
};
constexpr auto kNewest = static_cast<int64_t>(kMigrations.size());

Error from_newer(const std::string& path, int64_t version) {
  return Error(ErrorKind::storage,
               fmt::format("the journal {} was written by a newer Pawl (its schema is {}, this one "
                           "knows {})",
                           path, version, kNewest))
      .with_hint("use that version of Pawl or a later one; nothing was changed");
}

}  // namespace

Result<void> migrate(Database& database) {
  PAWL_TRY(int64_t version, database.number("PRAGMA user_version"));
  if (version == kNewest) return ok();
  if (version > kNewest) return from_newer(database.path(), version);
  // Someone else may be at it too: look again with the file held.
  PAWL_TRY(auto transaction, Transaction::begin(database));
  PAWL_TRY(version, database.number("PRAGMA user_version"));
  if (version > kNewest) return from_newer(database.path(), version);
  PAWL_TRY(const int64_t tables, database.number("SELECT count(*) FROM sqlite_master"));
  PAWL_TRY(const int64_t application, database.number("PRAGMA application_id"));
  if (application != kApplicationId && tables > 0)
    return Error(ErrorKind::storage,
                 fmt::format("{} is an SQLite file, but no journal of Pawl", database.path()));
  for (int64_t next = version; next < kNewest; ++next)
    PAWL_CHECK(database.execute(kMigrations[static_cast<size_t>(next)]));
  PAWL_CHECK(database.execute(fmt::format("PRAGMA application_id={}", kApplicationId).c_str()));
  PAWL_CHECK(database.execute(fmt::format("PRAGMA user_version={}", kNewest).c_str()));
  return transaction.commit();
}

}  // namespace pawl::sqlite
