#include "store/postgres_append.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "store/journal_rows.h"
#include "store/postgres_errors.h"
#include "store/postgres_listener.h"

namespace pawl::postgres {
namespace {

// Others act on these: they wait in line, watch for a request to cancel, or take up what was left.
bool is_told(EventType type) {
  return type == EventType::accepted || type == EventType::started ||
         type == EventType::cancel_requested || type == EventType::finished;
}

std::string app_of(const Event& accepted) {
  return string_or(accepted.data, "app");
}
std::string environment_of(const Event& accepted) {
  return string_or(accepted.data, "environment");
}

}  // namespace

Lease lease_from(const Rows& rows, int row) {
  return Lease{rows.text(row, 0),
               rows.text(row, 1),
               rows.text(row, 2),
               rows.text(row, 3),
               static_cast<uint64_t>(rows.number(row, 4)),
               WallTime{rows.number(row, 5)},
               WallTime{rows.number(row, 6)}};
}

Append::Append(std::vector<Event> events, std::string node)
    : events_(std::move(events)), node_(std::move(node)) {
  std::set<std::string> ids;
  for (const Event& event : events_) ids.insert(event.deployment);
  deployments_.assign(ids.begin(), ids.end());
}

Task<Result<void>> Append::carry_out(Connection& connection) {
  auto answers = co_await connection.run(questions());
  if (!answers.ok()) co_return std::move(answers).error();
  read(*answers);
  if (auto checked = check(); !checked.ok()) {
    const bool was_unresolved = std::exchange(is_unresolved_, false);
    if (!was_unresolved || checked.error().code() != kCodeOutOfSequence) co_return checked;
    PAWL_CO_TRY(const bool stored, co_await is_stored(connection));
    if (!stored) co_return checked;
    co_return ok();  // the commit whose answer was lost
  }
  is_unresolved_ = true;
  auto written = co_await connection.run(writes());
  is_unresolved_ = !written.ok() && connection.is_lost();
  if (written.ok()) co_return ok();
  if (written.error().code() == kUniqueViolation)
    co_return std::move(written)
        .error()
        .as(ErrorKind::conflict)
        .with_code(std::string(kCodeOutOfSequence));
  co_return std::move(written).error();
}

// One that is accepted takes its environment's lock until it is committed, so that the numbers of
// an environment appear in their order. Each statement sees what was committed before it began:
// what is read after a row's lock was got is what the lock's last holder left.
std::vector<Query> Append::questions() const {
  std::vector<Query> queries;
  queries.emplace_back("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
  std::set<std::pair<std::string, std::string>> places;
  for (const Event& event : events_)
    if (event.type == EventType::accepted) places.emplace(app_of(event), environment_of(event));
  for (const auto& [app, environment] : places)
    queries
        .emplace_back(
            "SELECT pg_advisory_xact_lock(hashtextextended('pawl ' || $1::text || ' ' || "
            "$2::text, 0))")
        .bind(app)
        .bind(environment);
  for (const std::string& id : deployments_) {
    queries
        .emplace_back(
            "SELECT app, environment, finished::int FROM pawl_deployments WHERE id = $1 "
            "FOR UPDATE")
        .bind(id);
    queries.emplace_back("SELECT coalesce(max(sequence), 0) FROM pawl_events WHERE deployment = $1")
        .bind(id);
    queries
        .emplace_back(
            "SELECT l.app, l.environment, l.deployment, l.owner, l.token, l.granted_ms, "
            "l.expires_ms FROM pawl_leases l JOIN pawl_deployments d USING (app, "
            "environment) WHERE d.id = $1 FOR SHARE OF l")
        .bind(id);
  }
  return queries;
}

void Append::read(const std::vector<Rows>& answers) {
  journals_.clear();
  size_t next = answers.size() - 3 * deployments_.size();
  for (const std::string& id : deployments_) {
    Journal journal;
    if (const Rows& row = answers[next++]; row.count() > 0) {
      journal.app = row.text(0, 0);
      journal.environment = row.text(0, 1);
      journal.is_finished = row.number(0, 2) != 0;
    }
    journal.last_sequence = static_cast<uint64_t>(answers[next++].number(0, 0));
    if (const Rows& row = answers[next++]; row.count() > 0) journal.lease = lease_from(row, 0);
    journals_[id] = std::move(journal);
  }
}

Result<void> Append::check() const {
  auto journals = journals_;
  for (const Event& event : events_) PAWL_CHECK(check(event, journals));
  return ok();
}

Result<void> Append::check(const Event& event, std::map<std::string, Journal>& journals) const {
  Journal& journal = journals[event.deployment];
  PAWL_CHECK(check_follows(event, journal.last_sequence, journal.is_finished));
  if (event.type == EventType::accepted) journal.environment = environment_of(event);
  PAWL_CHECK(check_fence(event, journal.environment, journal.lease));
  journal.last_sequence = event.sequence;
  journal.is_finished = journal.is_finished || event.type == EventType::finished;
  return ok();
}

Task<Result<bool>> Append::is_stored(Connection& connection) const {
  std::vector<Query> queries;
  for (const Event& event : events_)
    queries.emplace_back("SELECT checksum FROM pawl_events WHERE deployment = $1 AND sequence = $2")
        .bind(event.deployment)
        .bind(event.sequence);
  PAWL_CO_TRY(const auto rows, co_await connection.run(std::move(queries)));
  for (size_t i = 0; i < events_.size(); ++i)
    if (rows[i].count() == 0 || rows[i].text(0, 0) != to_row(events_[i]).checksum) co_return false;
  co_return true;
}

std::vector<Query> Append::writes() const {
  std::vector<Query> queries;
  bool tell = false;
  for (const Event& event : events_) {
    if (event.sequence == 1)
      queries
          .emplace_back("INSERT INTO pawl_deployments (id, app, environment) VALUES ($1, $2, $3)")
          .bind(event.deployment)
          .bind(app_of(event))
          .bind(environment_of(event));
    const EventRow row = to_row(event);
    Query& insert = queries.emplace_back(
        "INSERT INTO pawl_events (deployment, sequence, at_ms, token, type, step, data, checksum) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    insert.bind(event.deployment).bind(row.sequence).bind(row.at_ms).bind(row.token);
    insert.bind(row.type).bind(row.step).bind_bytes(row.data).bind(row.checksum);
    if (event.type == EventType::started)
      queries.emplace_back("UPDATE pawl_deployments SET begun = true WHERE id = $1")
          .bind(event.deployment);
    if (event.type == EventType::finished)
      queries.emplace_back("UPDATE pawl_deployments SET finished = true WHERE id = $1")
          .bind(event.deployment);
    tell = tell || is_told(event.type);
  }
  if (tell) queries.emplace_back("SELECT pg_notify($1, $2)").bind(kChannel).bind(node_);
  queries.emplace_back("COMMIT");
  return queries;
}

}  // namespace pawl::postgres
