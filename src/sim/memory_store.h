// The Store in memory: the same contract as the SQLite one (tests/store runs on both), with a door
// for faults before and after each call. For tests of the engine and for the simulator.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/ports/store.h"

namespace pawl {

class MemoryStore : public Store {
 public:
  enum class Moment { before, after };
  /// Called around each verb ("append", "events", ...). An Error before: nothing is done; an Error
  /// after: it was done, and the answer is lost. May also never return: a crash at that point.
  using Door = std::function<Task<Result<void>>(std::string_view verb, Moment moment)>;
  void set_door(Door door) { door_ = std::move(door); }

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

  /// Every event of every deployment in the order of its append.
  const std::vector<Event>& history() const { return history_; }

 private:
  struct Record {
    std::string id;
    std::string app;
    std::string environment;
    bool has_begun = false;
    bool is_finished = false;
    std::vector<size_t> events;  // where they lie in the history
  };
  Result<void> append_now(std::vector<Event> events);
  Result<void> check(const Event& event) const;
  void put_in(Event event);
  void take_out_last();
  void reopen(Record& finished);
  std::vector<Event> copy_of(const Record& record, size_t from) const;
  std::vector<std::string> select(const std::string& app, const std::string& environment,
                                  bool only_unfinished) const;

  std::map<std::string, Record> records_;
  std::vector<Record*> order_;  // of acceptance
  std::vector<Record*> open_;   // those without a terminal event, in the same order
  std::map<std::pair<std::string, std::string>, Lease> leases_;  // released: deployment empty
  std::map<std::string, std::vector<LogEntry>> logs_;
  std::vector<Event> history_;
  Door door_;
};

}  // namespace pawl
