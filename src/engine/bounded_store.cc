#include "engine/bounded_store.h"

#include <fmt/format.h>

namespace pawl {
namespace {

// A disk that syncs slowly takes half of it; a lease is renewed under a limit of its own.
constexpr std::chrono::milliseconds kStoreLimit{60'000};

template <class T>
Task<Result<T>> bounded(Clock& clock, std::string_view what, Task<Result<T>> request) {
  auto answer = co_await with_timeout(clock, kStoreLimit, std::move(request));
  if (answer.ok() || answer.error().kind() != ErrorKind::timeout) co_return answer;
  co_return std::move(answer).error().with_outcome_unknown().while_doing(
      fmt::format("asking the journal's store to {}", what));
}

}  // namespace

Task<Result<void>> BoundedStore::append(std::vector<Event> events) {
  return bounded(clock_, "append", store_.append(std::move(events)));
}

Task<Result<std::vector<Event>>> BoundedStore::events(std::string deployment) {
  return bounded(clock_, "read a deployment", store_.events(std::move(deployment)));
}

Task<Result<JournalTail>> BoundedStore::tail(std::string deployment, uint64_t sequence) {
  return bounded(clock_, "read what is new", store_.tail(std::move(deployment), sequence));
}

Task<Result<std::vector<std::string>>> BoundedStore::deployments(std::string app,
                                                                 std::string environment,
                                                                 size_t limit) {
  return bounded(clock_, "list deployments",
                 store_.deployments(std::move(app), std::move(environment), limit));
}

Task<Result<std::vector<std::string>>> BoundedStore::unfinished(std::string app,
                                                                std::string environment) {
  return bounded(clock_, "list the line",
                 store_.unfinished(std::move(app), std::move(environment)));
}

Task<Result<std::string>> BoundedStore::find_deployment(std::string prefix) {
  return bounded(clock_, "find a deployment", store_.find_deployment(std::move(prefix)));
}

Task<Result<std::optional<Lease>>> BoundedStore::acquire_lease(std::string app,
                                                               std::string environment,
                                                               std::string deployment,
                                                               std::string owner, WallTime now,
                                                               std::chrono::milliseconds duration) {
  return bounded(clock_, "grant an environment",
                 store_.acquire_lease(std::move(app), std::move(environment), std::move(deployment),
                                      std::move(owner), now, duration));
}

Task<Result<void>> BoundedStore::renew_lease(Lease lease, WallTime now,
                                             std::chrono::milliseconds duration) {
  return bounded(clock_, "renew a lease", store_.renew_lease(std::move(lease), now, duration));
}

Task<Result<void>> BoundedStore::release_lease(Lease lease) {
  return bounded(clock_, "free an environment", store_.release_lease(std::move(lease)));
}

Task<Result<void>> BoundedStore::release_if_not_renewed(Lease seen) {
  return bounded(clock_, "free an environment", store_.release_if_not_renewed(std::move(seen)));
}

Task<Result<std::optional<Lease>>> BoundedStore::lease(std::string app, std::string environment) {
  return bounded(clock_, "say who holds an environment",
                 store_.lease(std::move(app), std::move(environment)));
}

Task<Result<std::vector<Lease>>> BoundedStore::leases(std::string app) {
  return bounded(clock_, "list the leases", store_.leases(std::move(app)));
}

Task<Result<std::vector<Lease>>> BoundedStore::claim(std::string app, std::string owner,
                                                     size_t limit, WallTime now,
                                                     std::chrono::milliseconds duration) {
  return bounded(clock_, "give out what nobody runs",
                 store_.claim(std::move(app), std::move(owner), limit, now, duration));
}

// Has a limit already, the caller's.
Task<Result<void>> BoundedStore::wait_for_change(Clock& clock, std::chrono::milliseconds at_most) {
  return store_.wait_for_change(clock, at_most);
}

Task<Result<void>> BoundedStore::append_log(std::string deployment, std::vector<LogEntry> entries) {
  return bounded(clock_, "keep a log",
                 store_.append_log(std::move(deployment), std::move(entries)));
}

Task<Result<std::vector<LogEntry>>> BoundedStore::log(std::string deployment, std::string step) {
  return bounded(clock_, "read a log", store_.log(std::move(deployment), std::move(step)));
}

}  // namespace pawl
