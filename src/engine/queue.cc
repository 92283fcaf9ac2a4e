#include "engine/queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/abandoned.h"
#include "engine/news.h"

namespace pawl {
namespace {

std::string since(const Deployment& deployment) {
  const auto at = deployment.started_at.value_or(deployment.accepted_at);
  return to_iso8601(at).substr(11, 8) + " UTC";
}

// What happens to others is not told to whoever follows ours.
class Untold : public RunObserver {
 public:
  void on_event(const Deployment&, const Event&) override {}
};

RunObserver& untold() {
  static Untold nobody;
  return nobody;
}

std::string version_of(const Deployment& deployment) {
  return deployment.release.version.empty() ? std::string(to_string(deployment.kind))
                                            : deployment.release.version;
}

}  // namespace

Line::Line(RunnerPorts ports, const RunnerOptions& options, Journal& journal,
           DeadHolders::IsRunHere is_run_here, TakeUp take_up)
    : ports_(ports),
      options_(options),
      journal_(journal),
      is_run_here_(std::move(is_run_here)),
      take_up_(std::move(take_up)),
      stillness_(ports.clock, options.lease_duration),
      dead_(ports.store, ports.processes, stillness_, is_run_here_) {}

Task<Result<std::optional<Turn>>> Line::wait_for_turn(std::stop_token stop) {
  for (;;) {
    auto turn = co_await look_again(stop);
    if (turn.ok()) silent_since_.reset();
    if (!turn.ok() && is_silent_for_too_long(turn.error())) co_return std::move(turn).error();
    if (turn.ok() && (*turn || is_terminal(journal_.deployment().phase))) co_return turn;
    if (stop.stop_requested())
      co_return Error(ErrorKind::interrupted, "asked to stop while waiting in line");
    // A stop, and a store that is silent, are seen in the next round.
    co_await wait_for_news(ports_.store, ports_.clock, options_.queue_poll, stop);
  }
}

Task<Result<std::optional<Turn>>> Line::look_again(std::stop_token stop) {
  PAWL_CO_CHECK(co_await journal_.refresh());
  if (is_terminal(journal_.deployment().phase)) co_return std::optional<Turn>();
  if (stop.stop_requested())
    co_return Error(ErrorKind::interrupted, "asked to stop while waiting in line");
  auto turn = co_await look();
  // It ended while we were about to say something: the next round sees how.
  if (!turn.ok() && turn.error().code() == kCodeFinished) co_return std::optional<Turn>();
  co_return turn;
}

bool Line::is_silent_for_too_long(const Error& error) {
  if (!is_transient(error.kind())) return true;
  const SteadyTime now = ports_.clock.steady_now();
  if (!silent_since_) silent_since_ = now;
  return now - *silent_since_ >= options_.store_patience;
}

// One look at who holds the environment and who is first. No value: not yet.
Task<Result<std::optional<Turn>>> Line::look() {
  const Deployment& ours = journal_.deployment();
  const std::optional<Turn> not_yet;
  PAWL_CO_TRY(auto lease, co_await ports_.store.lease(ours.app, ours.environment));
  // Granted before, and the answer was lost, or claimed for us: it is asked for again.
  if (lease && lease->deployment == ours.id && lease->owner == options_.owner) lease.reset();
  if (lease) {
    PAWL_CO_TRY(const bool freed, co_await dead_.free(*lease));
    if (freed)
      lease.reset();
    else if (lease->deployment == told_)
      co_return not_yet;  // as it was at the last look
  }
  PAWL_CO_TRY(auto line, co_await ports_.store.unfinished(ours.app, ours.environment));
  if (line.empty()) co_return not_yet;  // ours has ended: seen at the next refresh
  const std::string first = line.front();

  if (!lease && first == ours.id) co_return co_await take_turn();
  if (!lease && !is_run_here_(first)) {
    PAWL_CO_TRY(const Journal* head, co_await read(first));
    std::string why = why_nobody_runs(head->deployment(), head->facts(), ports_.processes);
    // Its process would have taken the free environment long ago.
    if (why.empty() &&
        stillness_.is_still(place_of(ours.app, ours.environment), "free for " + first))
      why = "nobody has taken it up";
    if (!why.empty()) {
      PAWL_CO_CHECK(co_await take_up_(first, why));
      co_return not_yet;
    }
  }
  PAWL_CO_CHECK(co_await say_whom_we_wait_for(lease, line));
  co_return not_yet;
}

Task<Result<std::optional<Turn>>> Line::take_turn() {
  const Deployment& ours = journal_.deployment();
  const SteadyTime asked_at = ports_.clock.steady_now();
  PAWL_CO_TRY(auto granted, co_await ports_.store.acquire_lease(ours.app, ours.environment, ours.id,
                                                                options_.owner, ports_.clock.now(),
                                                                options_.lease_duration));
  std::optional<Turn> turn;
  if (granted) turn = Turn{*granted, asked_at};
  co_return turn;
}

// Another's journal as it is now.
Task<Result<Journal*>> Line::read(std::string other) {
  if (other_ && other_->deployment().id == other) {
    PAWL_CO_CHECK(co_await other_->refresh());
    co_return other_.get();
  }
  auto fresh = std::make_unique<Journal>(ports_.store, ports_.clock, untold(), std::move(other));
  PAWL_CO_CHECK(co_await fresh->load());
  other_ = std::move(fresh);
  co_return other_.get();
}

Task<Result<void>> Line::say_whom_we_wait_for(const std::optional<Lease>& lease,
                                              const std::vector<std::string>& line) {
  const Deployment& ours = journal_.deployment();
  const std::string other = lease ? lease->deployment : line.front();
  if (other == told_ || ours.phase != Phase::queued) co_return ok();
  told_ = other;
  PAWL_CO_TRY(const Journal* theirs, co_await read(other));
  const std::string owner = lease ? lease->owner : theirs->facts().owner;
  const auto place = std::find(line.begin(), line.end(), ours.id) - line.begin();
  const std::string reason = fmt::format(
      "{} {} deployment {} ({}, {}) since {}; {} before this one in line", ours.environment,
      lease ? "is held by" : "goes first to", other, version_of(theirs->deployment()),
      owner_for_people(owner), since(theirs->deployment()), place);
  json::object data{{"for", other}, {"reason", reason}, {"owner", options_.owner}};
  // Another process may begin it at this very moment: then it waits no more.
  PAWL_CO_TRY(const bool said,
              co_await journal_.write_if_unmoved(EventType::waiting, std::move(data)));
  if (!said) told_.clear();
  co_return ok();
}

}  // namespace pawl
