// The ports of a node that are not the cloud: its clocks, its door to the record, what it knows of
// other processes, and the step library with an eye on it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/ports/process_table.h"
#include "engine/ports/source_repository.h"
#include "engine/step.h"
#include "sim/world/gate.h"

namespace pawl::sim {

/// Steady time is the world's; the wall clock is the node's own, and may be wrong.
class SimClock : public Clock {
 public:
  SimClock(Gate& gate, std::chrono::milliseconds skew) : gate_(gate), skew_(skew) {}
  WallTime now() const override { return gate_.world().clock.now() + skew_; }
  SteadyTime steady_now() const override { return gate_.world().clock.steady_now(); }
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override;
  void jump(std::chrono::milliseconds by) { skew_ += by; }

 private:
  Gate& gate_;
  std::chrono::milliseconds skew_;
};

/// The record, seen from a node: appends may be refused, answers lost.
class SimStore : public Store {
 public:
  explicit SimStore(Gate& gate) : gate_(gate) {}
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
  Store& real() { return gate_.world().store; }
  /// Whether it is refused, and whether its answer is lost.
  Result<void> before(std::string_view verb);
  bool is_slow() { return gate_.world().chance.of(gate_.world().faults.rate(Fault::store_slow)); }
  Task<void> take_long(std::string_view verb);
  Result<void> after(std::string_view verb, bool may_be_lost);
  Gate& gate_;
};

/// A clone that has all of the main branch.
class SimSource : public SourceRepository {
 public:
  explicit SimSource(World& world) : world_(world) {}
  Task<Result<SourceState>> state() override {
    co_return Error(ErrorKind::not_found, "there is no work tree");
  }
  Task<Result<std::optional<std::string>>> commit_of(std::string) override {
    co_return std::optional<std::string>();
  }
  Task<Result<bool>> is_ancestor(std::string older, std::string newer) override {
    co_return world_.place_of(older) <= world_.place_of(newer);
  }

 private:
  World& world_;
};

class SimProcesses : public ProcessTable {
 public:
  SimProcesses(World& world, std::string owner) : world_(world), owner_(std::move(owner)) {}
  std::string describe_this_process() const override { return owner_; }
  bool is_gone(const std::string& owner) const override { return world_.gone.count(owner) > 0; }

 private:
  World& world_;
  std::string owner_;
};

/// The real steps; what they say just before a change is heard by the invariants.
class WatchedLibrary : public StepLibrary {
 public:
  WatchedLibrary(Gate& gate, std::unique_ptr<StepLibrary> real);
  ~WatchedLibrary() override;
  Step* find(std::string_view kind) override;
  Task<Result<std::optional<std::string>>> verify_rollback(StepContext& context) override;

 private:
  Gate& gate_;
  std::unique_ptr<StepLibrary> real_;
  std::map<std::string, std::unique_ptr<Step>, std::less<>> steps_;
};

}  // namespace pawl::sim
