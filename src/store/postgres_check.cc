// What `pawl doctor` asks a PostgreSQL store.
#include <fmt/format.h>

#include "store/postgres.h"
#include "store/postgres_schema.h"
#include "store/postgres_store.h"

namespace pawl {
namespace {

using postgres::Address;
using postgres::Connection;
using postgres::Query;
using postgres::Rows;

constexpr const char* kRights = R"sql(
SELECT string_agg(wanted || ' on ' || name, ', ') FROM (VALUES
  ('pawl_deployments', 'SELECT'), ('pawl_deployments', 'INSERT'), ('pawl_deployments', 'UPDATE'),
  ('pawl_events', 'SELECT'), ('pawl_events', 'INSERT'),
  ('pawl_leases', 'SELECT'), ('pawl_leases', 'INSERT'), ('pawl_leases', 'UPDATE'),
  ('pawl_logs', 'SELECT'), ('pawl_logs', 'INSERT')) AS needs (name, wanted)
WHERE NOT has_table_privilege(name, wanted)
)sql";

Task<Result<void>> check_rights(Connection& connection, const Address& address) {
  Query rights(kRights);
  PAWL_CO_TRY(const Rows missing, co_await connection.run(std::move(rights)));
  if (missing.text(0, 0).empty()) co_return ok();
  co_return Error(ErrorKind::denied, fmt::format("{}: the role has no right to {}", address.name(),
                                                 missing.text(0, 0)))
      .with_hint(
          "as the tables' owner: GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ... "
          "TO ...; GRANT USAGE ON ALL SEQUENCES IN SCHEMA ... TO ...");
}

Task<Result<std::string>> describe(Connection& connection, const Address& address) {
  Query query(
      "SELECT current_setting('server_version'), current_setting('fsync'), "
      "current_setting('full_page_writes'), current_setting('synchronous_commit'), "
      "current_schema()");
  PAWL_CO_TRY(const Rows rows, co_await connection.run(std::move(query)));
  PAWL_CO_TRY(const int64_t schema, co_await postgres::schema_version(connection));
  if (rows.text(0, 1) == "off" || rows.text(0, 2) == "off")
    co_return Error(
        ErrorKind::storage,
        fmt::format("{}: the server runs with {}=off: a power cut there can lose or "
                    "damage the journal",
                    address.name(), rows.text(0, 1) == "off" ? "fsync" : "full_page_writes"))
        .with_hint("set it to on in postgresql.conf, and reload");
  co_return fmt::format(
      "{}: PostgreSQL {}, tables of schema version {} in '{}', synchronous_commit={}",
      address.name(), rows.text(0, 0), schema, rows.text(0, 4), rows.text(0, 3));
}

}  // namespace

Task<Result<std::string>> check_postgres_store(Loop& loop, std::string url) {
  PAWL_CO_TRY(const Address address, Address::parse(url));
  PAWL_CO_TRY(const auto connection, co_await Connection::open(loop, address));
  PAWL_CO_CHECK(co_await check_rights(*connection, address));
  co_return co_await describe(*connection, address);
}

}  // namespace pawl
