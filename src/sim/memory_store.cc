#include "sim/memory_store.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl {
namespace {

Error conflict(std::string what, std::string_view code) {
  return Error(ErrorKind::conflict, std::move(what)).with_code(std::string(code));
}

}  // namespace

Task<Result<void>> MemoryStore::append(std::vector<Event> events) {
  if (door_) PAWL_CO_CHECK(co_await door_("append", Moment::before));
  auto appended = append_now(std::move(events));
  if (door_) PAWL_CO_CHECK(co_await door_("append", Moment::after));
  co_return appended;
}

Result<void> MemoryStore::check(const Event& event) const {
  const auto found = records_.find(event.deployment);
  const size_t newest = found == records_.end() ? 0 : found->second.events.size();
  if (event.sequence != newest + 1)
    return conflict(fmt::format("the journal of {} has {} entries: entry {} does not follow",
                                event.deployment, newest, event.sequence),
                    kCodeOutOfSequence);
  if (newest == 0) {
    if (event.type == EventType::accepted) return ok();
    return Error(ErrorKind::internal, "the first entry of a journal must be 'accepted'");
  }
  const Record& record = found->second;
  if (record.is_finished)
    return conflict(fmt::format("deployment {} has ended", event.deployment), kCodeFinished);
  if (event.fencing_token == 0) return ok();
  const auto lease = leases_.find({record.app, record.environment});
  if (lease != leases_.end() && lease->second.token == event.fencing_token) return ok();
  if (lease != leases_.end() && !lease->second.deployment.empty())
    return conflict(fmt::format("{} is held by deployment {} now ({})", record.environment,
                                lease->second.deployment, lease->second.owner),
                    kCodeFenced);
  return conflict(
      fmt::format("{} is not held by {} any more", record.environment, event.deployment),
      kCodeFenced);
}

// All or none: what was put in before one that does not fit is taken out again.
Result<void> MemoryStore::append_now(std::vector<Event> events) {
  for (size_t i = 0; i < events.size(); ++i) {
    auto fits = check(events[i]);
    if (!fits.ok()) {
      for (; i > 0; --i) take_out_last();
      return fits;
    }
    put_in(std::move(events[i]));
  }
  return ok();
}

void MemoryStore::put_in(Event event) {
  Record& record = records_[event.deployment];
  if (record.events.empty()) {
    record.id = event.deployment;
    record.app = string_or(event.data, "app");
    record.environment = string_or(event.data, "environment");
    order_.push_back(&record);
    open_.push_back(&record);
  }
  record.events.push_back(history_.size());
  record.is_finished = event.type == EventType::finished;
  record.has_begun = record.has_begun || event.type == EventType::started;
  if (record.is_finished) std::erase(open_, &record);
  history_.push_back(std::move(event));
}

void MemoryStore::reopen(Record& finished) {
  finished.is_finished = false;
  open_.clear();
  for (Record* record : order_)
    if (!record->is_finished) open_.push_back(record);
}

void MemoryStore::take_out_last() {
  const Event& event = history_.back();
  Record& record = records_.at(event.deployment);
  record.events.pop_back();
  if (record.is_finished) reopen(record);
  if (event.type == EventType::started) record.has_begun = false;
  if (record.events.empty()) {
    std::erase(order_, &record);
    std::erase(open_, &record);
    records_.erase(event.deployment);
  }
  history_.pop_back();
}

std::vector<Event> MemoryStore::copy_of(const Record& record, size_t from) const {
  std::vector<Event> events;
  if (from >= record.events.size()) return events;
  events.reserve(record.events.size() - from);
  for (size_t i = from; i < record.events.size(); ++i) events.push_back(history_[record.events[i]]);
  return events;
}

Task<Result<std::vector<Event>>> MemoryStore::events(std::string deployment) {
  if (door_) PAWL_CO_CHECK(co_await door_("events", Moment::before));
  const auto found = records_.find(deployment);
  if (found == records_.end()) co_return std::vector<Event>();
  co_return copy_of(found->second, 0);
}

Task<Result<JournalTail>> MemoryStore::tail(std::string deployment, uint64_t sequence) {
  if (door_) PAWL_CO_CHECK(co_await door_("tail", Moment::before));
  JournalTail tail;
  const auto found = records_.find(deployment);
  if (found == records_.end()) co_return tail;
  tail.last_sequence = found->second.events.size();
  tail.events = copy_of(found->second, sequence);
  co_return tail;
}

std::vector<std::string> MemoryStore::select(const std::string& app, const std::string& environment,
                                             bool only_unfinished) const {
  std::vector<std::string> ids;
  for (const Record* record : only_unfinished ? open_ : order_) {
    if (!app.empty() && record->app != app) continue;
    if (!environment.empty() && record->environment != environment) continue;
    ids.push_back(record->id);
  }
  return ids;
}

Task<Result<std::vector<std::string>>> MemoryStore::deployments(std::string app,
                                                                std::string environment,
                                                                size_t limit) {
  if (door_) PAWL_CO_CHECK(co_await door_("deployments", Moment::before));
  auto ids = select(app, environment, false);
  std::reverse(ids.begin(), ids.end());
  if (ids.size() > limit) ids.resize(limit);
  co_return ids;
}

Task<Result<std::vector<std::string>>> MemoryStore::unfinished(std::string app,
                                                               std::string environment) {
  if (door_) PAWL_CO_CHECK(co_await door_("unfinished", Moment::before));
  co_return select(app, environment, true);
}

Task<Result<std::string>> MemoryStore::find_deployment(std::string prefix) {
  if (door_) PAWL_CO_CHECK(co_await door_("find_deployment", Moment::before));
  if (records_.count(prefix) > 0) co_return prefix;
  std::vector<std::string> found;
  for (const auto& [id, record] : records_)
    if (!prefix.empty() && id.compare(0, prefix.size(), prefix) == 0) found.push_back(id);
  if (found.empty())
    co_return Error(ErrorKind::not_found, fmt::format("there is no deployment '{}'", prefix));
  if (found.size() == 1) co_return found.front();
  co_return Error(ErrorKind::conflict, fmt::format("'{}' begins more than one deployment: {}",
                                                   prefix, fmt::join(found, ", ")));
}

Task<Result<std::optional<Lease>>> MemoryStore::acquire_lease(std::string app,
                                                              std::string environment,
                                                              std::string deployment,
                                                              std::string owner, WallTime now,
                                                              std::chrono::milliseconds duration) {
  if (door_) PAWL_CO_CHECK(co_await door_("acquire_lease", Moment::before));
  const auto held = leases_.find({app, environment});
  const bool is_known = held != leases_.end();
  const bool is_free =
      !is_known || held->second.deployment.empty() || held->second.expires_at <= now;
  const bool is_ours =
      is_known && held->second.deployment == deployment && held->second.owner == owner;
  std::optional<Lease> granted;
  if (is_free || is_ours) {
    granted = Lease{app, environment,   deployment, owner, is_known ? held->second.token + 1 : 1,
                    now, now + duration};
    leases_[{app, environment}] = *granted;
  }
  if (door_) PAWL_CO_CHECK(co_await door_("acquire_lease", Moment::after));
  co_return granted;
}

Task<Result<void>> MemoryStore::renew_lease(Lease lease, WallTime now,
                                            std::chrono::milliseconds duration) {
  if (door_) PAWL_CO_CHECK(co_await door_("renew_lease", Moment::before));
  const auto held = leases_.find({lease.app, lease.environment});
  if (held == leases_.end() || held->second.token != lease.token || held->second.deployment.empty())
    co_return conflict(fmt::format("{} is not held any more", lease.environment), kCodeFenced);
  held->second.expires_at = now + duration;
  if (door_) PAWL_CO_CHECK(co_await door_("renew_lease", Moment::after));
  co_return ok();
}

Task<Result<void>> MemoryStore::release_lease(Lease lease) {
  if (door_) PAWL_CO_CHECK(co_await door_("release_lease", Moment::before));
  const auto held = leases_.find({lease.app, lease.environment});
  if (held != leases_.end() && held->second.token == lease.token) held->second.deployment.clear();
  if (door_) PAWL_CO_CHECK(co_await door_("release_lease", Moment::after));
  co_return ok();
}

Task<Result<void>> MemoryStore::release_if_not_renewed(Lease seen) {
  if (door_) PAWL_CO_CHECK(co_await door_("release_if_not_renewed", Moment::before));
  const auto held = leases_.find({seen.app, seen.environment});
  const bool is_as_seen = held != leases_.end() && held->second.token == seen.token &&
                          held->second.expires_at == seen.expires_at;
  if (is_as_seen) held->second.deployment.clear();
  if (door_) PAWL_CO_CHECK(co_await door_("release_if_not_renewed", Moment::after));
  co_return ok();
}

Task<Result<std::optional<Lease>>> MemoryStore::lease(std::string app, std::string environment) {
  if (door_) PAWL_CO_CHECK(co_await door_("lease", Moment::before));
  const auto held = leases_.find({app, environment});
  std::optional<Lease> lease;
  if (held != leases_.end() && !held->second.deployment.empty()) lease = held->second;
  co_return lease;
}

Task<Result<std::vector<Lease>>> MemoryStore::leases(std::string app) {
  if (door_) PAWL_CO_CHECK(co_await door_("leases", Moment::before));
  std::vector<Lease> held;
  for (const auto& [place, lease] : leases_)
    if (!lease.deployment.empty() && (app.empty() || lease.app == app)) held.push_back(lease);
  co_return held;
}

Task<Result<std::vector<Lease>>> MemoryStore::claim(std::string app, std::string owner,
                                                    size_t limit, WallTime now,
                                                    std::chrono::milliseconds duration) {
  if (door_) PAWL_CO_CHECK(co_await door_("claim", Moment::before));
  std::vector<Lease> granted;
  for (const Record* record : open_) {
    if (granted.size() == limit) break;
    if (!record->has_begun || (!app.empty() && record->app != app)) continue;
    Lease& lease = leases_[{record->app, record->environment}];
    if (!lease.deployment.empty()) continue;
    lease = {record->app, record->environment, record->id, owner, lease.token + 1,
             now,         now + duration};
    granted.push_back(lease);
  }
  if (door_) PAWL_CO_CHECK(co_await door_("claim", Moment::after));
  co_return granted;
}

Task<Result<void>> MemoryStore::wait_for_change(Clock& clock, std::chrono::milliseconds at_most) {
  co_return co_await clock.sleep_for(at_most);
}

Task<Result<void>> MemoryStore::append_log(std::string deployment, std::vector<LogEntry> entries) {
  if (door_) PAWL_CO_CHECK(co_await door_("append_log", Moment::before));
  auto& lines = logs_[deployment];
  lines.insert(lines.end(), entries.begin(), entries.end());
  co_return ok();
}

Task<Result<std::vector<LogEntry>>> MemoryStore::log(std::string deployment, std::string step) {
  if (door_) PAWL_CO_CHECK(co_await door_("log", Moment::before));
  std::vector<LogEntry> entries;
  const auto found = logs_.find(deployment);
  if (found == logs_.end()) co_return entries;
  for (const LogEntry& entry : found->second)
    if (step.empty() || entry.step == step) entries.push_back(entry);
  co_return entries;
}

}  // namespace pawl
