#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <utility>

#include "store/journal_rows.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace pawl {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Sync;
using sqlite::Transaction;

constexpr std::chrono::milliseconds kLookEvery{25};

class SqliteStore : public Store {
 public:
  SqliteStore(Database database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}

  // SQLite works while the caller waits, so each verb is an ordinary function behind a task.
  Task<Result<void>> append(std::vector<Event> events) override {
    co_return guarded(append_now(events));
  }
  Task<Result<std::vector<Event>>> events(std::string deployment) override {
    co_return guarded(events_now(deployment));
  }
  Task<Result<JournalTail>> tail(std::string deployment, uint64_t sequence) override {
    co_return guarded(tail_now(deployment, sequence));
  }
  Task<Result<std::vector<std::string>>> deployments(std::string app, std::string environment,
                                                     size_t limit) override {
    co_return guarded(ids_now("ORDER BY number DESC LIMIT ?3", app, environment, limit));
  }
  Task<Result<std::vector<std::string>>> unfinished(std::string app,
                                                    std::string environment) override {
    co_return guarded(ids_now("AND finished = 0 ORDER BY number LIMIT ?3", app, environment,
                              std::numeric_limits<int32_t>::max()));
  }
  Task<Result<std::string>> find_deployment(std::string prefix) override {
    co_return guarded(find_now(prefix));
  }
  Task<Result<std::optional<Lease>>> acquire_lease(std::string app, std::string environment,
                                                   std::string deployment, std::string owner,
                                                   WallTime now,
                                                   std::chrono::milliseconds duration) override {
    const Lease wanted{app, environment, deployment, owner, 0, now, now + duration};
    co_return guarded(acquire_now(wanted));
  }
  Task<Result<void>> renew_lease(Lease lease, WallTime now,
                                 std::chrono::milliseconds duration) override {
    co_return guarded(renew_now(lease, now + duration));
  }
  Task<Result<void>> release_lease(Lease lease) override {
    co_return guarded(release_now(lease, false));
  }
  Task<Result<void>> release_if_not_renewed(Lease seen) override {
    co_return guarded(release_now(seen, true));
  }
  Task<Result<std::optional<Lease>>> lease(std::string app, std::string environment) override {
    co_return guarded(held_lease(app, environment));
  }
  Task<Result<std::vector<Lease>>> leases(std::string app) override {
    co_return guarded(leases_now(app));
  }
  Task<Result<std::vector<Lease>>> claim(std::string app, std::string owner, size_t limit,
                                         WallTime now,
                                         std::chrono::milliseconds duration) override {
    const Lease wanted{app, "", "", owner, 0, now, now + duration};
    co_return guarded(claim_now(wanted, limit));
  }
  Task<Result<void>> wait_for_change(Clock& clock, std::chrono::milliseconds at_most) override;
  Task<Result<void>> append_log(std::string deployment, std::vector<LogEntry> entries) override {
    co_return append_log_now(deployment, entries);
  }
  Task<Result<std::vector<LogEntry>>> log(std::string deployment, std::string step) override {
    co_return guarded(log_now(deployment, step));
  }

 private:
  Result<void> append_now(const std::vector<Event>& events);
  Result<void> append_one(const Event& event);
  Result<void> mark(const std::string& deployment, std::string_view update);
  Result<std::vector<Event>> events_now(const std::string& deployment, uint64_t after = 0);
  Result<JournalTail> tail_now(const std::string& deployment, uint64_t sequence);
  Result<std::vector<std::string>> ids_now(std::string_view tail, const std::string& app,
                                           const std::string& environment, size_t limit);
  Result<std::string> find_now(const std::string& prefix);
  Result<std::optional<Lease>> acquire_now(Lease wanted);
  Result<void> renew_now(const Lease& lease, WallTime expires_at);
  Result<void> release_now(const Lease& lease, bool only_if_not_renewed);
  Result<std::optional<Lease>> lease_row(const std::string& app, const std::string& environment);
  Result<std::optional<Lease>> held_lease(const std::string& app, const std::string& environment);
  Result<std::vector<Lease>> leases_now(const std::string& app);
  Result<std::vector<Lease>> claim_now(const Lease& wanted, size_t limit);
  Result<Lease> grant(Lease wanted, const std::optional<Lease>& held);
  Result<void> append_log_now(const std::string& deployment, const std::vector<LogEntry>& entries);
  Result<std::vector<LogEntry>> log_now(const std::string& deployment, const std::string& step);
  Result<void> check_order(const Event& event);
  Result<void> check_holder(const Event& event);

  // After a sync that failed nobody knows what the disk holds; trying again may lie (the kernel
  // forgets the dirty pages). So the handle is dead: every later call says why.
  template <class T>
  Result<T> guarded(Result<T> result) {
    if (dead_) return *dead_;
    const int code = sqlite3_extended_errcode(database_.handle());
    if (!result.ok() && (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC))
      dead_ = result.error();
    return result;
  }

  Database database_;
  std::string path_;
  std::optional<Database> log_database_;
  std::optional<Error> dead_;
  int64_t seen_version_ = 0;
};

// ---- events ----

Result<void> SqliteStore::append_now(const std::vector<Event>& events) {
  if (dead_) return *dead_;
  if (events.empty()) return ok();
  PAWL_TRY(auto transaction, Transaction::begin(database_));
  for (const Event& event : events) PAWL_CHECK(append_one(event));
  return transaction.commit();
}

Result<void> SqliteStore::append_one(const Event& event) {
  PAWL_CHECK(check_order(event));
  PAWL_CHECK(check_holder(event));
  const EventRow row = to_row(event);
  PAWL_TRY(auto insert, database_.prepare("INSERT INTO events VALUES (?,?,?,?,?,?,?,?)"));
  insert.bind(event.deployment).bind(row.sequence).bind(row.at_ms).bind(row.token);
  insert.bind(row.type).bind(row.step).bind(row.data).bind(row.checksum);
  PAWL_CHECK(database_.run(insert));
  if (event.type == EventType::started)
    return mark(event.deployment, "UPDATE deployments SET begun = 1 WHERE id = ?");
  if (event.type == EventType::finished)
    return mark(event.deployment, "UPDATE deployments SET finished = 1 WHERE id = ?");
  return ok();
}

Result<void> SqliteStore::mark(const std::string& deployment, std::string_view update) {
  PAWL_TRY(auto statement, database_.prepare(update));
  statement.bind(deployment);
  return database_.run(statement);
}

Result<void> SqliteStore::check_order(const Event& event) {
  PAWL_TRY(auto last, database_.prepare("SELECT coalesce(max(sequence), 0) FROM events "
                                        "WHERE deployment = ?"));
  last.bind(event.deployment);
  PAWL_TRY(bool row, database_.next(last));
  const auto newest = row ? static_cast<uint64_t>(last.number(0)) : 0;
  PAWL_TRY(auto ended, database_.prepare("SELECT finished FROM deployments WHERE id = ?"));
  ended.bind(event.deployment);
  PAWL_TRY(row, database_.next(ended));
  PAWL_CHECK(check_follows(event, newest, row && ended.number(0) != 0));
  if (newest != 0) return ok();
  PAWL_TRY(auto insert, database_.prepare("INSERT INTO deployments (id, app, environment) "
                                          "VALUES (?,?,?)"));
  insert.bind(event.deployment).bind(string_or(event.data, "app"));
  insert.bind(string_or(event.data, "environment"));
  return database_.run(insert);
}

Result<void> SqliteStore::check_holder(const Event& event) {
  if (event.fencing_token == 0) return ok();
  PAWL_TRY(auto place, database_.prepare("SELECT app, environment FROM deployments WHERE id = ?"));
  place.bind(event.deployment);
  PAWL_TRY(bool row, database_.next(place));
  PAWL_ASSERT(row);
  PAWL_TRY(auto lease, lease_row(place.text(0), place.text(1)));
  return check_fence(event, place.text(1), lease);
}

Result<JournalTail> SqliteStore::tail_now(const std::string& deployment, uint64_t sequence) {
  if (dead_) return *dead_;
  PAWL_TRY(auto last, database_.prepare("SELECT coalesce(max(sequence), 0) FROM events "
                                        "WHERE deployment = ?"));
  last.bind(deployment);
  PAWL_TRY(const bool row, database_.next(last));
  JournalTail tail;
  tail.last_sequence = row ? static_cast<uint64_t>(last.number(0)) : 0;
  if (tail.last_sequence <= sequence) return tail;
  PAWL_TRY(tail.events, events_now(deployment, sequence));
  if (!tail.events.empty()) tail.last_sequence = tail.events.back().sequence;
  return tail;
}

Result<std::vector<Event>> SqliteStore::events_now(const std::string& deployment, uint64_t after) {
  if (dead_) return *dead_;
  PAWL_TRY(auto select, database_.prepare("SELECT sequence, at_ms, token, type, step, data, "
                                          "checksum FROM events WHERE deployment = ? "
                                          "AND sequence > ? ORDER BY sequence"));
  select.bind(deployment).bind(after);
  std::vector<Event> events;
  for (;;) {
    PAWL_TRY(const bool row, database_.next(select));
    if (!row) return events;
    EventRow stored{static_cast<uint64_t>(select.number(0)),
                    select.number(1),
                    static_cast<uint64_t>(select.number(2)),
                    select.text(3),
                    select.text(4),
                    select.text(5),
                    select.text(6)};
    PAWL_TRY(auto event, event_from(deployment, std::move(stored), path_));
    events.push_back(std::move(event));
  }
}

// ---- which deployments there are ----

Result<std::vector<std::string>> SqliteStore::ids_now(std::string_view tail, const std::string& app,
                                                      const std::string& environment,
                                                      size_t limit) {
  if (dead_) return *dead_;
  PAWL_TRY(auto select, database_.prepare(fmt::format(
                            "SELECT id FROM deployments WHERE (?1 = '' OR app = ?1) AND "
                            "(?2 = '' OR environment = ?2) {}",
                            tail)));
  select.bind(app)
      .bind(environment)
      .bind(static_cast<int64_t>(std::min<size_t>(limit, std::numeric_limits<int32_t>::max())));
  std::vector<std::string> ids;
  for (;;) {
    PAWL_TRY(const bool row, database_.next(select));
    if (!row) return ids;
    ids.push_back(select.text(0));
  }
}

Result<std::string> SqliteStore::find_now(const std::string& prefix) {
  if (dead_) return *dead_;
  if (prefix.empty()) return choose_deployment(prefix, {});
  PAWL_TRY(auto select,
           database_.prepare("SELECT id FROM deployments WHERE substr(id, 1, length(?1)) = ?1 "
                             "ORDER BY id = ?1 DESC, number DESC LIMIT ?2"));
  select.bind(prefix).bind(static_cast<int64_t>(kMaxCandidates + 1));
  std::vector<std::string> ids;
  for (;;) {
    PAWL_TRY(const bool row, database_.next(select));
    if (!row) break;
    ids.push_back(select.text(0));
  }
  return choose_deployment(prefix, std::move(ids));
}

// ---- leases ----

Result<std::optional<Lease>> SqliteStore::lease_row(const std::string& app,
                                                    const std::string& environment) {
  PAWL_TRY(auto select, database_.prepare("SELECT deployment, owner, token, granted_ms, expires_ms "
                                          "FROM leases WHERE app = ? AND environment = ?"));
  select.bind(app).bind(environment);
  PAWL_TRY(const bool row, database_.next(select));
  if (!row) return std::optional<Lease>();
  return std::optional<Lease>(Lease{app, environment, select.text(0), select.text(1),
                                    static_cast<uint64_t>(select.number(2)),
                                    WallTime{select.number(3)}, WallTime{select.number(4)}});
}

Result<std::optional<Lease>> SqliteStore::held_lease(const std::string& app,
                                                     const std::string& environment) {
  if (dead_) return *dead_;
  PAWL_TRY(auto lease, lease_row(app, environment));
  if (lease && lease->deployment.empty()) lease.reset();
  return lease;
}

Result<std::optional<Lease>> SqliteStore::acquire_now(Lease wanted) {
  if (dead_) return *dead_;
  PAWL_TRY(auto transaction, Transaction::begin(database_));
  PAWL_TRY(auto held, lease_row(wanted.app, wanted.environment));
  const bool is_free = !held || held->deployment.empty() || held->expires_at <= wanted.granted_at;
  const bool is_ours = held && held->deployment == wanted.deployment && held->owner == wanted.owner;
  if (!is_free && !is_ours) return std::optional<Lease>();
  PAWL_TRY(auto granted, grant(std::move(wanted), held));
  PAWL_CHECK(transaction.commit());
  return std::optional<Lease>(std::move(granted));
}

Result<Lease> SqliteStore::grant(Lease wanted, const std::optional<Lease>& held) {
  wanted.token = held ? held->token + 1 : 1;
  PAWL_TRY(auto put, database_.prepare("INSERT OR REPLACE INTO leases VALUES (?,?,?,?,?,?,?)"));
  put.bind(wanted.app).bind(wanted.environment).bind(wanted.deployment).bind(wanted.owner);
  put.bind(wanted.token).bind(wanted.granted_at.unix_ms).bind(wanted.expires_at.unix_ms);
  PAWL_CHECK(database_.run(put));
  return wanted;
}

Result<std::vector<Lease>> SqliteStore::leases_now(const std::string& app) {
  if (dead_) return *dead_;
  PAWL_TRY(auto select, database_.prepare("SELECT app, environment FROM leases WHERE "
                                          "(?1 = '' OR app = ?1) ORDER BY app, environment"));
  select.bind(app);
  std::vector<Lease> held;
  for (;;) {
    PAWL_TRY(const bool row, database_.next(select));
    if (!row) return held;
    PAWL_TRY(auto lease, held_lease(select.text(0), select.text(1)));
    if (lease) held.push_back(*std::move(lease));
  }
}

Result<std::vector<Lease>> SqliteStore::claim_now(const Lease& wanted, size_t limit) {
  if (dead_) return *dead_;
  PAWL_TRY(auto transaction, Transaction::begin(database_));
  PAWL_TRY(auto select,
           database_.prepare("SELECT id, app, environment FROM deployments AS d "
                             "WHERE begun = 1 AND finished = 0 AND (?1 = '' OR app = ?1) "
                             "AND NOT EXISTS (SELECT 1 FROM leases AS l WHERE l.app = d.app "
                             "AND l.environment = d.environment AND l.deployment <> '') "
                             "ORDER BY number"));
  select.bind(wanted.app);
  std::vector<Lease> granted;
  while (granted.size() < limit) {
    PAWL_TRY(const bool row, database_.next(select));
    if (!row) break;
    Lease next = wanted;
    next.deployment = select.text(0);
    next.app = select.text(1);
    next.environment = select.text(2);
    PAWL_TRY(auto held, lease_row(next.app, next.environment));
    if (held && !held->deployment.empty()) continue;  // granted a moment ago, in this very loop
    PAWL_TRY(auto lease, grant(std::move(next), held));
    granted.push_back(std::move(lease));
  }
  PAWL_CHECK(transaction.commit());
  return granted;
}

// Nobody calls us when another process writes; the version of the data, which lies in memory that
// all of them share, is cheap to look at.
Task<Result<void>> SqliteStore::wait_for_change(Clock& clock, std::chrono::milliseconds at_most) {
  const SteadyTime end = clock.steady_now() + at_most;
  for (;;) {
    auto version = guarded(database_.number("PRAGMA data_version"));
    if (!version.ok()) co_return std::move(version).error();
    if (std::exchange(seen_version_, *version) != *version) co_return ok();
    const auto left = end - clock.steady_now();
    if (left <= std::chrono::milliseconds(0)) co_return ok();
    PAWL_CO_CHECK(co_await clock.sleep_for(std::min(left, kLookEvery)));
  }
}

Result<void> SqliteStore::renew_now(const Lease& lease, WallTime expires_at) {
  if (dead_) return *dead_;
  PAWL_TRY(auto transaction, Transaction::begin(database_));
  PAWL_TRY(auto held, lease_row(lease.app, lease.environment));
  if (!held || held->token != lease.token || held->deployment.empty())
    return not_renewed(lease, held);
  PAWL_TRY(auto put, database_.prepare("UPDATE leases SET expires_ms = ? "
                                       "WHERE app = ? AND environment = ?"));
  put.bind(expires_at.unix_ms).bind(lease.app).bind(lease.environment);
  PAWL_CHECK(database_.run(put));
  return transaction.commit();
}

Result<void> SqliteStore::release_now(const Lease& lease, bool only_if_not_renewed) {
  if (dead_) return *dead_;
  PAWL_TRY(auto put,
           database_.prepare("UPDATE leases SET deployment = '' WHERE app = ? AND environment = ? "
                             "AND token = ? AND (? = 0 OR expires_ms = ?)"));
  put.bind(lease.app).bind(lease.environment).bind(lease.token);
  put.bind(static_cast<int64_t>(only_if_not_renewed)).bind(lease.expires_at.unix_ms);
  return database_.run(put);
}

// ---- logs ----

Result<void> SqliteStore::append_log_now(const std::string& deployment,
                                         const std::vector<LogEntry>& entries) {
  if (!log_database_) {
    PAWL_TRY(log_database_, Database::open(path_, Sync::normal));
  }
  PAWL_TRY(auto transaction, Transaction::begin(*log_database_));
  PAWL_TRY(auto insert, log_database_->prepare("INSERT INTO logs (deployment, step, at_ms, line) "
                                               "VALUES (?,?,?,?)"));
  for (const LogEntry& entry : entries) {
    insert.bind(deployment).bind(entry.step).bind(entry.at.unix_ms).bind(entry.line);
    PAWL_CHECK(log_database_->run(insert));
    insert.reset();
  }
  return transaction.commit();
}

Result<std::vector<LogEntry>> SqliteStore::log_now(const std::string& deployment,
                                                   const std::string& step) {
  if (dead_) return *dead_;
  PAWL_TRY(auto select,
           database_.prepare("SELECT at_ms, step, line FROM logs WHERE deployment = ?1 "
                             "AND (?2 = '' OR step = ?2) ORDER BY number"));
  select.bind(deployment).bind(step);
  std::vector<LogEntry> entries;
  for (;;) {
    PAWL_TRY(const bool row, database_.next(select));
    if (!row) return entries;
    entries.push_back({WallTime{select.number(0)}, select.text(1), select.text(2)});
  }
}

}  // namespace

Result<std::unique_ptr<Store>> make_sqlite_store(std::string path) {
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code failure;
  if (!folder.empty()) std::filesystem::create_directories(folder, failure);
  if (failure)
    return Error(ErrorKind::storage, fmt::format("cannot make the folder {} for the journal: {}",
                                                 folder.string(), failure.message()));
  PAWL_TRY(auto database, Database::open(path, Sync::full));
  PAWL_CHECK(sqlite::migrate(database));
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(database), path));
}

}  // namespace pawl
