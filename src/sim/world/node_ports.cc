#include "sim/world/node_ports.h"

namespace pawl::sim {

Task<Result<void>> SimClock::sleep_for(std::chrono::milliseconds duration) {
  auto slept = co_await gate_.world().clock.sleep_for(duration);
  if (gate_.stands_still()) co_await gate_.hold();
  co_return slept;
}

// ---- the record ----

namespace {

constexpr const char* kBefore = "before it";
constexpr const char* kAfter = "after it";

}  // namespace

Result<void> SimStore::before(std::string_view verb) {
  World& world = gate_.world();
  const double rate = world.faults.rate(Fault::store_refuses);
  if (verb == "append" && world.chance.of(rate)) {
    world.tell(gate_.node(), "the record refuses an append: no room");
    return Error(ErrorKind::storage, "no room on the disk");
  }
  if (world.chance.of(rate)) return Error(ErrorKind::unavailable, "the database is busy");
  return ok();
}

Result<void> SimStore::after(std::string_view verb, bool may_be_lost) {
  World& world = gate_.world();
  if (!may_be_lost || !world.chance.of(world.faults.rate(Fault::store_answer))) return ok();
  if (verb == "append") world.seen.count("a journal entry was stored and its answer lost");
  world.tell(gate_.node(), "{} is durable, and its answer is lost", verb);
  return Error(ErrorKind::unavailable, "the connection to the database was lost")
      .with_outcome_unknown();
}

Task<void> SimStore::take_long(std::string_view verb) {
  World& world = gate_.world();
  world.seen.count("the record was slow");
  const std::chrono::milliseconds takes(world.chance.between(500, 45'000));
  if (world.tells()) world.tell(gate_.node(), "{} takes {}", verb, format_duration(takes));
  auto slept = co_await world.clock.sleep_for(takes);
  (void)slept;  // given up by the caller: it is carried out all the same
  if (gate_.stands_still()) co_await gate_.hold();
}

Task<Result<void>> SimStore::append(std::vector<Event> events) {
  if (gate_.stops_at("append", kBefore)) co_await gate_.hold();
  if (is_slow()) co_await take_long("append");
  PAWL_CO_CHECK(before("append"));
  World& world = gate_.world();
  const size_t known = world.store.history().size();
  auto appended = co_await real().append(std::move(events));
  world.invariants.after_step();
  const auto& history = world.store.history();
  if (world.tells())
    for (size_t i = known; i < history.size(); ++i)
      world.tell(gate_.node(), "records {} {} ({})", to_string(history[i].type), history[i].step,
                 history[i].deployment);
  if (!appended.ok() && appended.error().code() == kCodeFenced)
    world.seen.count("a fenced append was refused");
  if (gate_.stops_at("append", kAfter)) co_await gate_.hold();
  if (is_slow()) co_await take_long("the answer of append");
  PAWL_CO_CHECK(after("append", appended.ok()));
  co_return appended;
}

Task<Result<std::vector<Event>>> SimStore::events(std::string deployment) {
  if (gate_.stops_at("events", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("events"));
  co_return co_await real().events(std::move(deployment));
}

Task<Result<JournalTail>> SimStore::tail(std::string deployment, uint64_t sequence) {
  if (gate_.stops_at("tail", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("tail"));
  co_return co_await real().tail(std::move(deployment), sequence);
}

Task<Result<std::vector<std::string>>> SimStore::deployments(std::string app,
                                                             std::string environment,
                                                             size_t limit) {
  if (gate_.stops_at("deployments", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("deployments"));
  co_return co_await real().deployments(std::move(app), std::move(environment), limit);
}

Task<Result<std::vector<std::string>>> SimStore::unfinished(std::string app,
                                                            std::string environment) {
  if (gate_.stops_at("unfinished", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("unfinished"));
  co_return co_await real().unfinished(std::move(app), std::move(environment));
}

Task<Result<std::string>> SimStore::find_deployment(std::string prefix) {
  if (gate_.stops_at("find_deployment", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("find_deployment"));
  co_return co_await real().find_deployment(std::move(prefix));
}

Task<Result<std::optional<Lease>>> SimStore::acquire_lease(std::string app, std::string environment,
                                                           std::string deployment,
                                                           std::string owner, WallTime now,
                                                           std::chrono::milliseconds duration) {
  World& world = gate_.world();
  const SteadyTime asked_at = world.clock.steady_now();
  if (gate_.stops_at("acquire_lease", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("acquire_lease"));
  auto granted = co_await real().acquire_lease(app, environment, deployment, owner, now, duration);
  if (granted.ok() && *granted) world.invariants.granted(**granted);
  if (gate_.stops_at("acquire_lease", kAfter)) co_await gate_.hold();
  PAWL_CO_CHECK(after("acquire_lease", granted.ok()));
  if (granted.ok() && *granted) {
    world.invariants.leased(**granted, asked_at, duration);
    world.tell(gate_.node(), "holds {} for {}, token {}", environment, deployment,
               (*granted)->token);
  }
  co_return granted;
}

Task<Result<void>> SimStore::renew_lease(Lease lease, WallTime now,
                                         std::chrono::milliseconds duration) {
  const SteadyTime asked_at = gate_.world().clock.steady_now();
  if (gate_.stops_at("renew_lease", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("renew_lease"));
  if (is_slow()) co_await take_long("renew_lease");
  auto renewed = co_await real().renew_lease(lease, now, duration);
  if (gate_.stops_at("renew_lease", kAfter)) co_await gate_.hold();
  PAWL_CO_CHECK(after("renew_lease", renewed.ok()));
  if (renewed.ok()) gate_.world().invariants.leased(lease, asked_at, duration);
  co_return renewed;
}

Task<Result<void>> SimStore::release_lease(Lease lease) {
  if (gate_.stops_at("release_lease", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("release_lease"));
  gate_.world().invariants.freed(gate_.node(), lease);
  auto released = co_await real().release_lease(lease);
  if (gate_.stops_at("release_lease", kAfter)) co_await gate_.hold();
  PAWL_CO_CHECK(after("release_lease", released.ok()));
  co_return released;
}

Task<Result<void>> SimStore::release_if_not_renewed(Lease seen) {
  if (gate_.stops_at("release_if_not_renewed", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("release_if_not_renewed"));
  World& world = gate_.world();
  const auto held = co_await real().lease(seen.app, seen.environment);
  if (held.ok() && *held && (*held)->expires_at == seen.expires_at)
    world.invariants.freed(gate_.node(), seen);
  auto released = co_await real().release_if_not_renewed(seen);
  if (gate_.stops_at("release_if_not_renewed", kAfter)) co_await gate_.hold();
  PAWL_CO_CHECK(after("release_if_not_renewed", released.ok()));
  co_return released;
}

Task<Result<std::optional<Lease>>> SimStore::lease(std::string app, std::string environment) {
  if (gate_.stops_at("lease", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("lease"));
  co_return co_await real().lease(std::move(app), std::move(environment));
}

Task<Result<std::vector<Lease>>> SimStore::leases(std::string app) {
  if (gate_.stops_at("leases", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("leases"));
  co_return co_await real().leases(std::move(app));
}

Task<Result<std::vector<Lease>>> SimStore::claim(std::string app, std::string owner, size_t limit,
                                                 WallTime now, std::chrono::milliseconds duration) {
  World& world = gate_.world();
  const SteadyTime asked_at = world.clock.steady_now();
  if (gate_.stops_at("claim", kBefore)) co_await gate_.hold();
  PAWL_CO_CHECK(before("claim"));
  auto granted = co_await real().claim(app, owner, limit, now, duration);
  if (granted.ok())
    for (const Lease& lease : *granted) world.invariants.granted(lease);
  if (gate_.stops_at("claim", kAfter)) co_await gate_.hold();
  PAWL_CO_CHECK(after("claim", granted.ok()));
  if (!granted.ok()) co_return granted;
  for (const Lease& lease : *granted) {
    world.invariants.leased(lease, asked_at, duration);
    world.tell(gate_.node(), "claims {} for {}, token {}", lease.environment, lease.deployment,
               lease.token);
  }
  co_return granted;
}

Task<Result<void>> SimStore::wait_for_change(Clock& clock, std::chrono::milliseconds at_most) {
  co_return co_await clock.sleep_for(at_most);
}

// Step logs decide nothing, and are kept with less care: no faults of their own.
Task<Result<void>> SimStore::append_log(std::string deployment, std::vector<LogEntry> entries) {
  for (const LogEntry& entry : entries)
    gate_.world().invariants.written("the log of " + deployment, entry.line);
  co_return ok();
}

Task<Result<std::vector<LogEntry>>> SimStore::log(std::string, std::string) {
  co_return std::vector<LogEntry>();
}

// ---- the steps ----

namespace {

class WatchedContext : public StepContext {
 public:
  WatchedContext(Gate& gate, StepContext& real) : gate_(gate), real_(real) {}
  const Deployment& deployment() const override { return real_.deployment(); }
  const PlanStep& step() const override { return real_.step(); }
  std::string key() const override { return real_.key(); }
  Clock& clock() override { return real_.clock(); }
  void log(std::string_view line) override {
    World& world = gate_.world();
    if (world.tells()) world.tell(gate_.node(), "{}: {}", real_.step().id, line);
  }
  void progress(uint64_t, uint64_t, std::string_view) override {}
  Task<Result<void>> record_attempt(json::object data) override {
    return real_.record_attempt(std::move(data));
  }
  Task<Result<void>> before_change() override {
    auto may = co_await real_.before_change();
    if (may.ok()) {
      const Deployment& deployment = real_.deployment();
      gate_.world().invariants.announced(
          gate_.node(),
          Announcement{deployment.id, real_.step().id, real_.key(), deployment.fencing_token});
    }
    co_return may;
  }

 private:
  Gate& gate_;
  StepContext& real_;
};

class WatchedStep : public Step {
 public:
  WatchedStep(Gate& gate, Step& real) : gate_(gate), real_(real) {}
  Task<Result<Observation>> observe(StepContext& context) override {
    WatchedContext watched(gate_, context);
    co_return co_await real_.observe(watched);
  }
  Task<Result<json::object>> perform(StepContext& context) override {
    WatchedContext watched(gate_, context);
    co_return co_await real_.perform(watched);
  }
  Task<Result<json::object>> undo(StepContext& context) override {
    WatchedContext watched(gate_, context);
    co_return co_await real_.undo(watched);
  }

 private:
  Gate& gate_;
  Step& real_;
};

}  // namespace

WatchedLibrary::WatchedLibrary(Gate& gate, std::unique_ptr<StepLibrary> real)
    : gate_(gate), real_(std::move(real)) {}
WatchedLibrary::~WatchedLibrary() = default;

Step* WatchedLibrary::find(std::string_view kind) {
  if (const auto known = steps_.find(kind); known != steps_.end()) return known->second.get();
  Step* real = real_->find(kind);
  if (real == nullptr) return nullptr;
  auto& watched = steps_[std::string(kind)];
  watched = std::make_unique<WatchedStep>(gate_, *real);
  return watched.get();
}

Task<Result<std::optional<std::string>>> WatchedLibrary::verify_rollback(StepContext& context) {
  WatchedContext watched(gate_, context);
  co_return co_await real_->verify_rollback(watched);
}

}  // namespace pawl::sim
