#include "store/postgres_schema.h"

#include <fmt/format.h>

#include <array>

namespace pawl::postgres {
namespace {

// Never change one that was released: add the next.
constexpr std::array kMigrations = {
    R"sql(
CREATE TABLE pawl_deployments (
  number bigserial PRIMARY KEY,
  id text NOT NULL UNIQUE,
  app text NOT NULL,
  environment text NOT NULL,
  finished boolean NOT NULL DEFAULT false
);
CREATE INDEX pawl_deployments_by_place ON pawl_deployments (app, environment, number);
CREATE INDEX pawl_deployments_unfinished ON pawl_deployments (app, environment, number)
  WHERE NOT finished;
CREATE TABLE pawl_events (
  deployment text NOT NULL REFERENCES pawl_deployments (id),
  sequence bigint NOT NULL,
  at_ms bigint NOT NULL,
  token bigint NOT NULL,
  type text NOT NULL,
  step text NOT NULL,
  data bytea NOT NULL,
  checksum text NOT NULL,
  PRIMARY KEY (deployment, sequence)
);
CREATE TABLE pawl_leases (
  app text NOT NULL,
  environment text NOT NULL,
  deployment text NOT NULL,
  owner text NOT NULL,
  token bigint NOT NULL,
  granted_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  PRIMARY KEY (app, environment)
);
CREATE TABLE pawl_logs (
  number bigserial PRIMARY KEY,
  deployment text NOT NULL,
  step text NOT NULL,
  at_ms bigint NOT NULL,
  line bytea NOT NULL
);
CREATE INDEX pawl_logs_by_step ON pawl_logs (deployment, step, number);
)sql",
    // What has begun and not finished is what a node takes up.
    R"sql(
ALTER TABLE pawl_deployments ADD COLUMN begun boolean NOT NULL DEFAULT false;
UPDATE pawl_deployments SET begun = true WHERE EXISTS
  (SELECT 1 FROM pawl_events WHERE pawl_events.deployment = pawl_deployments.id
   AND pawl_events.type = 'started');
CREATE INDEX pawl_deployments_to_take_up ON pawl_deployments (number)
  WHERE begun AND NOT finished;
CREATE INDEX pawl_deployments_begun ON pawl_deployments (app, environment, number)
  WHERE begun AND NOT finished;
)sql",
};
constexpr auto kNewest = static_cast<int64_t>(kMigrations.size());

// Any number that nobody else in the database is likely to use: "Pawl", as in SQLite's
// application_id. A node that finds another one at it waits, however long that takes.
constexpr const char* kBegin = R"sql(
BEGIN;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 0;
SELECT pg_advisory_xact_lock(1348565868);
CREATE TABLE IF NOT EXISTS pawl_schema (
  version bigint PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);
)sql";

Error from_newer(const Address& address, int64_t version) {
  return Error(ErrorKind::storage,
               fmt::format("the journal {} was written by a newer Pawl (its schema is {}, this one "
                           "knows {})",
                           address.name(), version, kNewest))
      .with_hint("use that version of Pawl or a later one; nothing was changed");
}

Task<Result<void>> apply_missing(Connection& connection, const Address& address) {
  // Someone else may have been at it too: look again now that nobody is.
  PAWL_CO_TRY(const int64_t version, co_await schema_version(connection));
  if (version > kNewest) co_return from_newer(address, version);
  std::string sql;
  for (int64_t next = version; next < kNewest; ++next)
    sql += fmt::format("{}INSERT INTO pawl_schema (version) VALUES ({});\n",
                       kMigrations[static_cast<size_t>(next)], next + 1);
  co_return co_await connection.script(sql + "COMMIT;\n");
}

}  // namespace

int64_t newest_schema() {
  return kNewest;
}

Task<Result<int64_t>> schema_version(Connection& connection) {
  Query exists("SELECT to_regclass('pawl_schema') IS NOT NULL");
  PAWL_CO_TRY(const Rows found, co_await connection.run(std::move(exists)));
  if (found.text(0, 0) != "t") co_return int64_t{0};
  Query newest("SELECT coalesce(max(version), 0) FROM pawl_schema");
  PAWL_CO_TRY(const Rows version, co_await connection.run(std::move(newest)));
  co_return version.number(0, 0);
}

Task<Result<void>> migrate(Connection& connection, const Address& address) {
  PAWL_CO_TRY(const int64_t version, co_await schema_version(connection));
  if (version == kNewest) co_return ok();
  if (version > kNewest) co_return from_newer(address, version);
  auto begun = co_await connection.script(kBegin);
  if (begun.ok()) begun = co_await apply_missing(connection, address);
  if (!begun.ok() && !connection.is_lost()) PAWL_CO_CHECK(co_await connection.script("ROLLBACK"));
  co_return std::move(begun).while_doing("making the journal's tables");
}

}  // namespace pawl::postgres
