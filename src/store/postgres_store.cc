#include "store/postgres_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "store/journal_rows.h"
#include "store/postgres_append.h"
#include "store/postgres_client.h"
#include "store/postgres_errors.h"
#include "store/postgres_listener.h"
#include "store/postgres_schema.h"

namespace pawl {
namespace {

using postgres::Address;
using postgres::Append;
using postgres::Client;
using postgres::Connection;
using postgres::lease_from;
using postgres::Listener;
using postgres::Query;
using postgres::Rows;

constexpr std::string_view kLeaseColumns =
    "l.app, l.environment, l.deployment, l.owner, l.token, l.granted_ms, l.expires_ms";

Query limited(Query query, size_t limit) {
  query.bind(static_cast<int64_t>(std::min<size_t>(limit, std::numeric_limits<int32_t>::max())));
  return query;
}

// A claim, and what it needs to know to be carried out again: which grants it was about to commit.
struct Claim {
  Lease wanted;
  size_t limit = 0;
  std::vector<Lease> granted;
  bool is_unresolved = false;
};

class PostgresStore : public Store {
 public:
  PostgresStore(Loop& loop, Address address, const PostgresLimits& limits)
      : client_(loop, std::move(address), limits),
        node_(fmt::format("{:016x}", loop.entropy().next())),
        listener_(loop, client_.address(), node_) {}

  Task<Result<void>> open() { return client_.open(); }

  // As with a file, a verb is not given up half-way by a request to stop: it ends in bounded time.
  Task<Result<void>> append(std::vector<Event> events) override {
    return with_stop({}, append_events(std::move(events)));
  }
  Task<Result<std::vector<Event>>> events(std::string deployment) override {
    return with_stop({}, read_events(std::move(deployment)));
  }
  Task<Result<JournalTail>> tail(std::string deployment, uint64_t sequence) override {
    return with_stop({}, read_tail(std::move(deployment), sequence));
  }
  Task<Result<std::vector<std::string>>> deployments(std::string app, std::string environment,
                                                     size_t limit) override;
  Task<Result<std::vector<std::string>>> unfinished(std::string app,
                                                    std::string environment) override;
  Task<Result<std::string>> find_deployment(std::string prefix) override {
    return with_stop({}, find(std::move(prefix)));
  }
  Task<Result<std::optional<Lease>>> acquire_lease(std::string app, std::string environment,
                                                   std::string deployment, std::string owner,
                                                   WallTime now,
                                                   std::chrono::milliseconds duration) override {
    Lease wanted{app, environment, deployment, owner, 0, now, now + duration};
    return with_stop({}, acquire(std::move(wanted)));
  }
  Task<Result<void>> renew_lease(Lease lease, WallTime now,
                                 std::chrono::milliseconds duration) override {
    return with_stop({}, renew(std::move(lease), now + duration));
  }
  Task<Result<void>> release_lease(Lease lease) override {
    return with_stop({}, release(std::move(lease), false));
  }
  Task<Result<void>> release_if_not_renewed(Lease seen) override {
    return with_stop({}, release(std::move(seen), true));
  }
  Task<Result<std::optional<Lease>>> lease(std::string app, std::string environment) override {
    return with_stop({}, read_lease(std::move(app), std::move(environment)));
  }
  Task<Result<std::vector<Lease>>> leases(std::string app) override {
    return with_stop({}, read_leases(std::move(app)));
  }
  Task<Result<std::vector<Lease>>> claim(std::string app, std::string owner, size_t limit,
                                         WallTime now,
                                         std::chrono::milliseconds duration) override {
    Claim claim;
    claim.wanted = Lease{app, "", "", owner, 0, now, now + duration};
    claim.limit = limit;
    return with_stop({}, carry_out(std::move(claim)));
  }
  Task<Result<void>> wait_for_change(Clock& clock, std::chrono::milliseconds at_most) override {
    return listener_.wait(clock, at_most);
  }
  Task<Result<void>> append_log(std::string deployment, std::vector<LogEntry> entries) override {
    return with_stop({}, write_log(std::move(deployment), std::move(entries)));
  }
  Task<Result<std::vector<LogEntry>>> log(std::string deployment, std::string step) override {
    return with_stop({}, read_log(std::move(deployment), std::move(step)));
  }

 private:
  Task<Result<void>> append_events(std::vector<Event> events);
  Task<Result<std::vector<Event>>> read_events(std::string deployment);
  Task<Result<JournalTail>> read_tail(std::string deployment, uint64_t sequence);
  Task<Result<std::vector<std::string>>> ids(Query query);
  Task<Result<std::string>> find(std::string prefix);
  Task<Result<std::optional<Lease>>> acquire(Lease wanted);
  Task<Result<void>> renew(Lease lease, WallTime expires_at);
  Task<Result<void>> release(Lease lease, bool only_if_not_renewed);
  Task<Result<std::optional<Lease>>> read_lease(std::string app, std::string environment);
  Task<Result<std::vector<Lease>>> read_leases(std::string app);
  Task<Result<std::vector<Lease>>> carry_out(Claim claim);
  Task<Result<void>> claim_once(Claim& claim, Connection& connection);
  Task<Result<bool>> is_granted(const Claim& claim, Connection& connection);
  Task<Result<void>> write_log(std::string deployment, std::vector<LogEntry> entries);
  Task<Result<std::vector<LogEntry>>> read_log(std::string deployment, std::string step);

  Client client_;
  std::string node_;  // by which this process knows its own notifications
  Listener listener_;
};

// ---- events ----

Task<Result<void>> PostgresStore::append_events(std::vector<Event> events) {
  if (events.empty()) co_return ok();
  Append append(std::move(events), node_);
  Client::Work work = [&append](Connection& connection) { return append.carry_out(connection); };
  auto done = co_await client_.carry_out(std::move(work));
  if (!done.ok() && append.is_unresolved())
    co_return std::move(done).error().with_outcome_unknown();
  co_return done;
}

Task<Result<std::vector<Event>>> PostgresStore::read_events(std::string deployment) {
  PAWL_CO_TRY(auto whole, co_await read_tail(std::move(deployment), 0));
  co_return std::move(whole.events);
}

Task<Result<JournalTail>> PostgresStore::read_tail(std::string deployment, uint64_t sequence) {
  std::vector<Query> queries;
  queries
      .emplace_back(
          "SELECT sequence, at_ms, token, type, step, data, checksum FROM pawl_events "
          "WHERE deployment = $1 AND sequence > $2 ORDER BY sequence")
      .bind(deployment)
      .bind(sequence);
  queries.emplace_back("SELECT coalesce(max(sequence), 0) FROM pawl_events WHERE deployment = $1")
      .bind(deployment);
  PAWL_CO_TRY(const auto answers, co_await client_.ask(std::move(queries)));
  const Rows& rows = answers[0];
  JournalTail tail;
  for (int i = 0; i < rows.count(); ++i) {
    EventRow row{static_cast<uint64_t>(rows.number(i, 0)),
                 rows.number(i, 1),
                 static_cast<uint64_t>(rows.number(i, 2)),
                 rows.text(i, 3),
                 rows.text(i, 4),
                 rows.bytes(i, 5),
                 rows.text(i, 6)};
    PAWL_CO_TRY(auto event, event_from(deployment, std::move(row), client_.address().name()));
    tail.events.push_back(std::move(event));
  }
  // The second query may see one more than the first.
  tail.last_sequence = tail.events.empty()
                           ? std::min(static_cast<uint64_t>(answers[1].number(0, 0)), sequence)
                           : tail.events.back().sequence;
  co_return tail;
}

// ---- which deployments there are ----

Task<Result<std::vector<std::string>>> PostgresStore::ids(Query query) {
  PAWL_CO_TRY(const Rows rows, co_await client_.ask(std::move(query)));
  std::vector<std::string> found;
  for (int i = 0; i < rows.count(); ++i) found.push_back(rows.text(i, 0));
  co_return found;
}

Task<Result<std::vector<std::string>>> PostgresStore::deployments(std::string app,
                                                                  std::string environment,
                                                                  size_t limit) {
  Query query(
      "SELECT id FROM pawl_deployments WHERE ($1::text = '' OR app = $1) AND "
      "($2::text = '' OR environment = $2) ORDER BY number DESC LIMIT $3");
  query.bind(app).bind(environment);
  return with_stop({}, ids(limited(std::move(query), limit)));
}

Task<Result<std::vector<std::string>>> PostgresStore::unfinished(std::string app,
                                                                 std::string environment) {
  Query query(
      "SELECT id FROM pawl_deployments WHERE ($1::text = '' OR app = $1) AND "
      "($2::text = '' OR environment = $2) AND NOT finished ORDER BY number");
  query.bind(app).bind(environment);
  return with_stop({}, ids(std::move(query)));
}

Task<Result<std::string>> PostgresStore::find(std::string prefix) {
  if (prefix.empty()) co_return choose_deployment(prefix, {});
  Query query(
      "SELECT id FROM pawl_deployments WHERE starts_with(id, $1) "
      "ORDER BY id = $1 DESC, number DESC LIMIT $2");
  query.bind(prefix);
  PAWL_CO_TRY(auto found, co_await ids(limited(std::move(query), kMaxCandidates + 1)));
  co_return choose_deployment(prefix, std::move(found));
}

// ---- leases ----

// One statement decides and grants. Asked again after a lost answer it grants again: the same
// deployment and owner may.
Task<Result<std::optional<Lease>>> PostgresStore::acquire(Lease wanted) {
  Query query(
      "INSERT INTO pawl_leases AS l VALUES ($1, $2, $3, $4, 1, $5, $6) "
      "ON CONFLICT (app, environment) DO UPDATE SET deployment = excluded.deployment, "
      "owner = excluded.owner, token = l.token + 1, granted_ms = excluded.granted_ms, "
      "expires_ms = excluded.expires_ms "
      "WHERE l.deployment = '' OR l.expires_ms <= excluded.granted_ms OR "
      "(l.deployment = excluded.deployment AND l.owner = excluded.owner) RETURNING token");
  query.bind(wanted.app).bind(wanted.environment).bind(wanted.deployment).bind(wanted.owner);
  query.bind(wanted.granted_at.unix_ms).bind(wanted.expires_at.unix_ms);
  PAWL_CO_TRY(const Rows rows, co_await client_.ask(std::move(query)));
  if (rows.count() == 0) co_return std::optional<Lease>();
  wanted.token = static_cast<uint64_t>(rows.number(0, 0));
  co_return std::optional<Lease>(std::move(wanted));
}

Task<Result<void>> PostgresStore::renew(Lease lease, WallTime expires_at) {
  std::vector<Query> queries;
  queries
      .emplace_back(
          "UPDATE pawl_leases SET expires_ms = $4 WHERE app = $1 AND environment = $2 "
          "AND token = $3 AND deployment <> '' RETURNING token")
      .bind(lease.app)
      .bind(lease.environment)
      .bind(lease.token)
      .bind(expires_at.unix_ms);
  queries
      .emplace_back(fmt::format("SELECT {} FROM pawl_leases l WHERE app = $1 AND environment = $2",
                                kLeaseColumns))
      .bind(lease.app)
      .bind(lease.environment);
  PAWL_CO_TRY(const auto answers, co_await client_.ask(std::move(queries)));
  if (answers[0].count() > 0) co_return ok();
  std::optional<Lease> newest;
  if (answers[1].count() > 0) newest = lease_from(answers[1], 0);
  co_return not_renewed(lease, newest);
}

Task<Result<void>> PostgresStore::release(Lease lease, bool only_if_not_renewed) {
  Query query(
      "WITH freed AS (UPDATE pawl_leases SET deployment = '' WHERE app = $1 AND environment = $2 "
      "AND token = $3 AND deployment <> '' AND ($6::bigint = 0 OR expires_ms = $7) RETURNING 1) "
      "SELECT pg_notify($4, $5) FROM freed");
  query.bind(lease.app).bind(lease.environment).bind(lease.token);
  query.bind(postgres::kChannel).bind(node_);
  query.bind(static_cast<int64_t>(only_if_not_renewed)).bind(lease.expires_at.unix_ms);
  PAWL_CO_CHECK(co_await client_.ask(std::move(query)));
  co_return ok();
}

Task<Result<std::optional<Lease>>> PostgresStore::read_lease(std::string app,
                                                             std::string environment) {
  Query query(
      fmt::format("SELECT {} FROM pawl_leases l WHERE app = $1 AND environment = $2 "
                  "AND deployment <> ''",
                  kLeaseColumns));
  query.bind(app).bind(environment);
  PAWL_CO_TRY(const Rows rows, co_await client_.ask(std::move(query)));
  if (rows.count() == 0) co_return std::optional<Lease>();
  co_return std::optional<Lease>(lease_from(rows, 0));
}

Task<Result<std::vector<Lease>>> PostgresStore::read_leases(std::string app) {
  Query query(
      fmt::format("SELECT {} FROM pawl_leases l WHERE ($1::text = '' OR app = $1) "
                  "AND deployment <> '' ORDER BY app, environment",
                  kLeaseColumns));
  query.bind(app);
  PAWL_CO_TRY(const Rows rows, co_await client_.ask(std::move(query)));
  std::vector<Lease> held;
  for (int i = 0; i < rows.count(); ++i) held.push_back(lease_from(rows, i));
  co_return held;
}

// ---- claims ----

// Of each environment the one that was accepted first, when nobody holds it. Rows that another node
// is claiming are skipped. A lease that was granted since the statement began is seen when its row
// is written: that one is left alone.
constexpr std::string_view kClaim = R"sql(
WITH free AS (
  SELECT d.number, d.id, d.app, d.environment FROM pawl_deployments d
  WHERE d.begun AND NOT d.finished AND ($1::text = '' OR d.app = $1)
    AND NOT EXISTS (SELECT 1 FROM pawl_leases l WHERE l.app = d.app
                    AND l.environment = d.environment AND l.deployment <> '')
    AND NOT EXISTS (SELECT 1 FROM pawl_deployments e WHERE e.app = d.app
                    AND e.environment = d.environment AND e.begun AND NOT e.finished
                    AND e.number < d.number)
  ORDER BY d.number LIMIT $5 FOR UPDATE OF d SKIP LOCKED
), granted AS (
  INSERT INTO pawl_leases AS l
  SELECT app, environment, id, $2::text, 1, $3::bigint, $4::bigint FROM free ORDER BY number
  ON CONFLICT (app, environment) DO UPDATE SET deployment = excluded.deployment,
    owner = excluded.owner, token = l.token + 1, granted_ms = excluded.granted_ms,
    expires_ms = excluded.expires_ms
  WHERE l.deployment = ''
  RETURNING l.*
)
SELECT l.app, l.environment, l.deployment, l.owner, l.token, l.granted_ms, l.expires_ms
FROM granted l JOIN free ON free.id = l.deployment ORDER BY free.number
)sql";

Task<Result<std::vector<Lease>>> PostgresStore::carry_out(Claim claim) {
  Client::Work work = [this, &claim](Connection& connection) {
    return claim_once(claim, connection);
  };
  auto done = co_await client_.carry_out(std::move(work));
  if (!done.ok() && claim.is_unresolved) co_return std::move(done).error().with_outcome_unknown();
  if (!done.ok()) co_return std::move(done).error();
  co_return std::move(claim.granted);
}

Task<Result<void>> PostgresStore::claim_once(Claim& claim, Connection& connection) {
  if (claim.is_unresolved) {
    PAWL_CO_TRY(const bool is_ours, co_await is_granted(claim, connection));
    claim.is_unresolved = false;
    if (is_ours) co_return ok();
  }
  std::vector<Query> queries;
  queries.emplace_back("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
  Query select{std::string(kClaim)};
  select.bind(claim.wanted.app).bind(claim.wanted.owner);
  select.bind(claim.wanted.granted_at.unix_ms).bind(claim.wanted.expires_at.unix_ms);
  queries.push_back(limited(std::move(select), claim.limit));
  PAWL_CO_TRY(const auto answers, co_await connection.run(std::move(queries)));
  claim.granted.clear();
  for (int i = 0; i < answers[1].count(); ++i) claim.granted.push_back(lease_from(answers[1], i));
  claim.is_unresolved = !claim.granted.empty();
  Query commit("COMMIT");
  auto committed = co_await connection.run(std::move(commit));
  claim.is_unresolved = claim.is_unresolved && !committed.ok() && connection.is_lost();
  if (!committed.ok()) co_return std::move(committed).error();
  co_return ok();
}

// A COMMIT's answer was lost. The rows are locked, so that a commit which is still under way has
// come to its end; they are there all together or not at all.
Task<Result<bool>> PostgresStore::is_granted(const Claim& claim, Connection& connection) {
  const Lease& first = claim.granted.front();
  std::vector<Query> queries;
  queries.emplace_back("SELECT 1 FROM pawl_deployments WHERE id = $1 FOR UPDATE")
      .bind(first.deployment);
  queries
      .emplace_back(
          "SELECT 1 FROM pawl_leases WHERE app = $1 AND environment = $2 AND "
          "deployment = $3 AND owner = $4 AND token = $5")
      .bind(first.app)
      .bind(first.environment)
      .bind(first.deployment)
      .bind(first.owner)
      .bind(first.token);
  PAWL_CO_TRY(const auto answers, co_await connection.run(std::move(queries)));
  co_return answers[1].count() > 0;
}

// ---- logs ----

// Lines whose answer was lost are not sent again: twice would be worse than not at all. Connecting
// is tried again, as for all.
Task<Result<void>> PostgresStore::write_log(std::string deployment, std::vector<LogEntry> entries) {
  std::vector<Query> queries;
  queries.emplace_back("BEGIN");
  queries.emplace_back("SET LOCAL synchronous_commit = off");
  for (const LogEntry& entry : entries)
    queries
        .emplace_back(
            "INSERT INTO pawl_logs (deployment, step, at_ms, line) "
            "VALUES ($1, $2, $3, $4)")
        .bind(deployment)
        .bind(entry.step)
        .bind(entry.at.unix_ms)
        .bind_bytes(entry.line);
  queries.emplace_back("COMMIT");
  std::optional<Error> problem;
  Client::Work work = [&](Connection& connection) -> Task<Result<void>> {
    auto written = co_await connection.run(queries);
    if (!written.ok()) problem = std::move(written).error();
    co_return ok();
  };
  PAWL_CO_CHECK(co_await client_.carry_out(std::move(work)));
  if (problem) co_return *problem;
  co_return ok();
}

Task<Result<std::vector<LogEntry>>> PostgresStore::read_log(std::string deployment,
                                                            std::string step) {
  Query query(
      "SELECT at_ms, step, line FROM pawl_logs WHERE deployment = $1 AND "
      "($2::text = '' OR step = $2) ORDER BY number");
  query.bind(deployment).bind(step);
  PAWL_CO_TRY(const Rows rows, co_await client_.ask(std::move(query)));
  std::vector<LogEntry> entries;
  for (int i = 0; i < rows.count(); ++i)
    entries.push_back({WallTime{rows.number(i, 0)}, rows.text(i, 1), rows.bytes(i, 2)});
  co_return entries;
}

}  // namespace

Task<Result<std::unique_ptr<Store>>> open_postgres_store(Loop& loop, std::string url,
                                                         PostgresLimits limits) {
  PAWL_CO_TRY(auto address, Address::parse(url));
  auto store = std::make_unique<PostgresStore>(loop, std::move(address), limits);
  PAWL_CO_CHECK(co_await store->open());
  std::unique_ptr<Store> opened = std::move(store);
  co_return opened;
}

}  // namespace pawl
