// A store whose every request has a time limit: the runner waits for a database that does not
// answer no longer than for anything else. What ran out of its time may have been stored (timeout,
// outcome unknown), and is looked for before it is written again.
#pragma once

#include "engine/ports/store.h"

namespace pawl {

class BoundedStore : public Store {
 public:
  BoundedStore(Store& store, Clock& clock) : store_(store), clock_(clock) {}

  Task<Result<void>> append(std::vector<Event> events) override;
  Task<Result<std::vector<Event>>> events(std::string deployment) override;
  Task<Result<JournalTail>> tail(std::string deployment, uint64_t sequence) override;
  Task<Result<std::vector<std::string>>> deployments(std::string app, std::string environment,
                                                     size_t limit) override;
  Task<Result<std::vector<std::string>>> unfinished(std::string app,
                                                    std::string environment) override;
  Task<Result<std::string>> find_deployment(std::string prefix) override;
  Task<Result<std::optional<Lease>>> acquire_lease(std::string app, std::string environment,
                                                   std::string deployment, std::string owner,
                                                   WallTime now,
                                                   std::chrono::milliseconds duration) override;
  Task<Result<void>> renew_lease(Lease lease, WallTime now,
                                 std::chrono::milliseconds duration) override;
  Task<Result<void>> release_lease(Lease lease) override;
  Task<Result<void>> release_if_not_renewed(Lease seen) override;
  Task<Result<std::optional<Lease>>> lease(std::string app, std::string environment) override;
  Task<Result<std::vector<Lease>>> leases(std::string app) override;
  Task<Result<std::vector<Lease>>> claim(std::string app, std::string owner, size_t limit,
                                         WallTime now, std::chrono::milliseconds duration) override;
  Task<Result<void>> wait_for_change(Clock& clock, std::chrono::milliseconds at_most) override;
  Task<Result<void>> append_log(std::string deployment, std::vector<LogEntry> entries) override;
  Task<Result<std::vector<LogEntry>>> log(std::string deployment, std::string step) override;

 private:
  Store& store_;
  Clock& clock_;
};

}  // namespace pawl
