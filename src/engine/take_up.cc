#include "engine/take_up.h"

#include <fmt/format.h>

#include "engine/abandoned.h"
#include "engine/news.h"

namespace pawl {

TakeUpAll::TakeUpAll(Ports ports, TakeUpOptions options, Run run)
    : store_(ports.store, ports.clock),
      ports_{store_, ports.clock, ports.processes, ports.observer, ports.told},
      options_(std::move(options)),
      run_(std::move(run)),
      stillness_(ports.clock, options_.lease_duration),
      dead_(store_, ports.processes, stillness_,
            [this](const std::string& id) { return running_.count(id) > 0; }) {}

Task<Result<TakeUpTotals>> TakeUpAll::run() {
  const std::stop_token stop = co_await current_stop();
  TaskContext context{stop};
  Scope runs(&context);
  std::optional<Error> broken;
  while (!stop.stop_requested()) {
    auto looked = co_await with_stop({}, look(runs));
    hear(looked);
    if (!looked.ok() && !(options_.follow && is_transient(looked.error().kind()))) {
      broken = std::move(looked).error();
      break;
    }
    const bool is_done = looked.ok() && !*looked && running_.empty() && !options_.follow;
    if (is_done) break;
    if (looked.ok() && *looked) continue;
    co_await wait_for_news(stop);
  }
  co_await runs.join();
  if (broken) co_return *std::move(broken);
  co_return totals_;
}

void TakeUpAll::hear(const Result<bool>& looked) {
  if (looked.ok() != is_silent_) return;
  is_silent_ = !looked.ok();
  ports_.told.on_silence(looked.ok() ? std::nullopt : std::optional<Error>(looked.error()));
}

Task<void> TakeUpAll::wait_for_news(std::stop_token stop) {
  news_ = std::stop_source();
  const std::stop_callback forward(stop, [this] { news_.request_stop(); });
  co_await pawl::wait_for_news(ports_.store, ports_.clock, options_.look_every, news_.get_token());
}

// True when something was found, and more may be there.
Task<Result<bool>> TakeUpAll::look(Scope& runs) {
  PAWL_CO_TRY(auto leases, co_await ports_.store.leases(options_.app));
  held_.clear();
  for (const Lease& lease : leases) held_.insert(lease.environment);
  PAWL_CO_TRY(bool is_any, co_await claim(runs));
  if (running_.size() < options_.at_once) {
    PAWL_CO_TRY(const bool freed, co_await free_the_dead(std::move(leases)));
    // Another node may have been quicker to claim them; then there may be more behind.
    is_any = is_any || freed;
    if (freed) PAWL_CO_CHECK(co_await claim(runs));
  }
  PAWL_CO_TRY(const bool ended, co_await end_the_abandoned());
  co_return is_any || ended;
}

// No more than can be run now: with thousands of them, the first must not wait for the last.
Task<Result<bool>> TakeUpAll::free_the_dead(std::vector<Lease> leases) {
  size_t room = options_.at_once - running_.size();
  bool is_any = false;
  for (const Lease& lease : leases) {
    PAWL_CO_TRY(const bool freed, co_await dead_.free(lease));
    if (!freed) continue;
    is_any = true;
    held_.erase(lease.environment);
    nothing_for_us_since_.reset();
    ports_.told.on_freed(lease);
    if (--room == 0) break;
  }
  co_return is_any;
}

Task<Result<bool>> TakeUpAll::claim(Scope& runs) {
  const SteadyTime now = ports_.clock.steady_now();
  const bool is_pausing = nothing_for_us_since_ && now - *nothing_for_us_since_ < options_.pause;
  if (running_.size() >= options_.at_once || is_pausing) co_return false;
  const size_t room = options_.at_once - running_.size();
  // What could not be run here comes first again and again: ask beyond it.
  PAWL_CO_TRY(auto claimed,
              co_await ports_.store.claim(options_.app, options_.owner, room + left_.size(),
                                          ports_.clock.now(), options_.lease_duration));
  bool is_any = false;
  for (const Lease& lease : claimed) {
    const auto left = left_.find(lease.deployment);
    const bool is_left = left != left_.end() && now - left->second < options_.try_again_after;
    if (is_left || running_.size() >= options_.at_once) {
      PAWL_CO_CHECK(co_await ports_.store.release_lease(lease));
      continue;
    }
    is_any = true;
    ports_.told.on_claimed(lease);
    held_.insert(lease.environment);
    running_.insert(lease.deployment);
    runs.spawn(run_claimed(lease));
  }
  // Giving one back tells everybody that there is something: not each second for nothing.
  nothing_for_us_since_.reset();
  if (!is_any && !claimed.empty()) nothing_for_us_since_ = now;
  co_return is_any;
}

Task<void> TakeUpAll::run_claimed(Lease lease) {
  auto ended = co_await run_(lease);
  running_.erase(lease.deployment);
  if (ended.ok()) {
    ++totals_.taken_up;
    left_.erase(lease.deployment);
  } else if (ended.error().kind() != ErrorKind::interrupted &&
             ended.error().code() != kCodeFenced) {
    if (left_.count(lease.deployment) == 0) ++totals_.left;
    left_[lease.deployment] = ports_.clock.steady_now();
    ports_.told.on_left(lease, ended.error());
    // Only when it is still that very grant: whoever ran it may have asked for it anew.
    auto released = co_await with_stop({}, ports_.store.release_lease(lease));
    (void)released;
  }
  news_.request_stop();
}

// ---- in line ----

Task<Result<bool>> TakeUpAll::end_the_abandoned() {
  PAWL_CO_TRY(auto unfinished, co_await ports_.store.unfinished(options_.app, ""));
  std::set<std::string> seen = held_;
  std::map<std::string, std::string> environments;
  bool is_any = false;
  for (const std::string& id : unfinished) {
    PAWL_CO_TRY(auto environment, co_await environment_of(id));
    environments[id] = environment;
    if (!seen.insert(environment).second) continue;  // only the first in line
    PAWL_CO_TRY(const bool ended, co_await end_the_first(id));
    // The next in line of that environment is looked at now, too.
    if (ended) seen.erase(environment);
    is_any = is_any || ended;
  }
  environments_ = std::move(environments);
  co_return is_any;
}

Task<Result<std::string>> TakeUpAll::environment_of(const std::string& id) {
  const auto known = environments_.find(id);
  if (known != environments_.end()) co_return known->second;
  PAWL_CO_TRY(auto events, co_await ports_.store.events(id));
  co_return fold(events).environment;
}

// Its environment is free. Who waits for it would have taken it long ago.
Task<Result<bool>> TakeUpAll::end_the_first(const std::string& id) {
  Journal journal(ports_.store, ports_.clock, ports_.observer, id);
  PAWL_CO_CHECK(co_await journal.load());
  const Deployment& first = journal.deployment();
  if (first.phase != Phase::queued) co_return false;  // begun: to be claimed
  std::string why = why_nobody_runs(first, journal.facts(), ports_.processes);
  if (why.empty() && stillness_.is_still(place_of(first.app, first.environment), "free for " + id))
    why = "nobody has taken it up";
  if (why.empty()) co_return false;
  ports_.observer.on_taking_up(first, why);
  PAWL_CO_CHECK(co_await end_in_line(ports_.store, ports_.clock, journal, kNeverBegun));
  const bool is_ended = is_terminal(journal.deployment().phase);
  if (is_ended) ++totals_.ended_in_line;
  co_return is_ended;
}

}  // namespace pawl
