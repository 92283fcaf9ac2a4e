#include "engine/runner.h"

#include <fmt/format.h>

#include <set>

#include "base/log.h"
#include "engine/abandoned.h"
#include "engine/bounded_store.h"
#include "engine/carry_out.h"
#include "engine/queue.h"

namespace pawl {
namespace {

constexpr int kIdTries = 5;
constexpr int kCancelTries = 20;

std::string new_id(Entropy& entropy) {
  return fmt::format("d-{:010x}", entropy.next() >> 24);
}

Error line_is_full(const std::string& environment, size_t count) {
  return Error(ErrorKind::refused,
               fmt::format("{} deployments are in line for {} already", count, environment))
      .with_hint(
          fmt::format("`pawl status {}` shows them, `pawl cancel` takes one out", environment));
}

json::object accepted_data(const NewDeployment& request, const std::string& owner) {
  return {{"kind", to_string(request.kind)},    {"app", request.app},
          {"environment", request.environment}, {"actor", request.actor},
          {"trigger", request.trigger},         {"owner", owner}};
}

json::object validated_data(const NewDeployment& request) {
  json::object data = to_json(request.decision.release);
  data["verdict"] = to_string(request.decision.verdict);
  data["reason"] = request.decision.reason;
  data["should_deploy"] = request.decision.should_deploy();
  if (!request.decision.hint.empty()) data["hint"] = request.decision.hint;
  if (auto time = string_or(request.trigger, "committed_at"); !time.empty())
    data["committed_at"] = time;
  return data;
}

json::object decided_end(const Decision& decision) {
  return {{"outcome", to_string(decision.verdict)}, {"reason", decision.reason}};
}

}  // namespace

struct Runner::Impl {
  Impl(RunnerPorts given, RunnerOptions o, RunObserver& seen)
      : store(given.store, given.clock),
        ports{store, given.clock, given.entropy, given.steps, given.processes, given.forge},
        options(std::move(o)),
        observer(seen) {}

  BoundedStore store;
  RunnerPorts ports;
  RunnerOptions options;
  RunObserver& observer;
  std::set<std::string> active;  // those that tasks of this runner run

  Task<Result<Deployment>> run_here(std::string id, MakePlan make_plan, std::stop_token stop);
  Task<Result<Deployment>> run_in_turn(std::string id, MakePlan make_plan, std::stop_token stop);
  Task<Result<void>> take_up(std::string id, std::string why, std::stop_token stop);
  Task<Result<void>> hold_and_carry_out(Journal& journal, Turn turn, MakePlan make_plan,
                                        std::stop_token stop);
  Task<Result<void>> leave_line(Journal& journal, std::string reason);
  Task<Result<std::string>> accept(NewDeployment request);
  Task<Result<void>> cancel(std::string id, std::string by, std::optional<OnCancel> choice);
};

Runner::Runner(RunnerPorts ports, RunnerOptions options, RunObserver& observer)
    : impl_(std::make_unique<Impl>(ports, std::move(options), observer)) {}
Runner::~Runner() = default;

// ---- accept ----

Task<Result<std::string>> Runner::accept(NewDeployment request) {
  co_return co_await with_stop({}, impl_->accept(std::move(request)));
}

Task<Result<std::string>> Runner::Impl::accept(NewDeployment request) {
  if (request.decision.should_deploy()) {
    PAWL_CO_TRY(auto line, co_await ports.store.unfinished(request.app, request.environment));
    if (line.size() >= options.max_queue) co_return line_is_full(request.environment, line.size());
  }
  for (int tries = 1;; ++tries) {
    const std::string id = new_id(ports.entropy);
    std::vector<Event> events(2);
    events[0].type = EventType::accepted;
    events[0].data = accepted_data(request, options.owner);
    events[1].type = EventType::validated;
    events[1].data = validated_data(request);
    if (!request.decision.should_deploy()) {
      events.emplace_back();
      events[2].type = EventType::finished;
      events[2].data = decided_end(request.decision);
    }
    for (size_t i = 0; i < events.size(); ++i) {
      events[i].deployment = id;
      events[i].sequence = i + 1;
      events[i].at = ports.clock.now();
    }
    auto appended = co_await ports.store.append(events);
    // An id that is taken already is as likely as a meteorite; a seeded source may repeat itself.
    if (!appended.ok() && appended.error().kind() == ErrorKind::conflict && tries < kIdTries)
      continue;
    if (!appended.ok())
      co_return std::move(appended).error().while_doing("recording the new deployment");
    Deployment deployment;
    for (const Event& event : events) {
      apply(deployment, event);
      observer.on_event(deployment, event);
    }
    co_return id;
  }
}

// ---- run ----

Task<Result<Deployment>> Runner::run(std::string deployment,
                                     std::function<Task<Result<Plan>>()> make_plan) {
  auto stop = co_await current_stop();
  // The stop token reaches the steps and the waits in line by hand; recording, renewing and
  // rolling back are not to be cut off by it.
  co_return co_await with_stop(
      {}, impl_->run_here(std::move(deployment), std::move(make_plan), std::move(stop)));
}

Task<Result<Deployment>> Runner::Impl::run_here(std::string id, MakePlan make_plan,
                                                std::stop_token stop) {
  // One task a deployment: another of ours may have taken it up.
  while (active.count(id) > 0) {
    auto slept = co_await with_stop(stop, ports.clock.sleep_for(options.queue_poll));
    if (!slept.ok()) co_return std::move(slept).error();
  }
  active.insert(id);
  auto ended = co_await run_in_turn(id, std::move(make_plan), std::move(stop));
  active.erase(id);
  co_return ended;
}

Task<Result<Deployment>> Runner::Impl::run_in_turn(std::string id, MakePlan make_plan,
                                                   std::stop_token stop) {
  Journal journal(ports.store, ports.clock, observer, id);
  PAWL_CO_CHECK(co_await journal.load());
  const auto is_run_here = [this, id](const std::string& other) {
    return other != id && active.count(other) > 0;
  };
  const auto take_up_other = [this, stop](std::string other, std::string why) {
    return take_up(std::move(other), std::move(why), stop);
  };
  while (!is_terminal(journal.deployment().phase)) {
    Line line(ports, options, journal, is_run_here, take_up_other);
    auto turn = co_await line.wait_for_turn(stop);
    if (!turn.ok() && turn.error().kind() == ErrorKind::interrupted)
      PAWL_CO_CHECK(co_await leave_line(journal, turn.error().message()));
    if (!turn.ok()) co_return std::move(turn).error();
    if (!*turn) continue;
    auto carried = co_await hold_and_carry_out(journal, **turn, make_plan, stop);
    if (!carried.ok() && carried.error().code() != kCodeFinished)
      co_return std::move(carried).error();
    // Ended by someone else between our turn and our first entry: the loop sees it.
    PAWL_CO_CHECK(co_await journal.refresh());
  }
  co_return journal.deployment();
}

Task<Result<void>> Runner::Impl::hold_and_carry_out(Journal& journal, Turn turn, MakePlan make_plan,
                                                    std::stop_token stop) {
  journal.hold(turn.lease.token);
  StepLog log(ports.store, ports.clock, observer, journal.deployment().id);
  Execution execution{ports, options, observer, journal, log, stop};
  LeaseKeeper keeper(ports.store, ports.clock, turn.lease, turn.asked_at, options.lease_duration,
                     [&execution, &keeper] { execution.break_off(keeper.check().error()); });
  execution.lease = &keeper;
  const std::stop_callback on_stop(stop, [&execution] {
    execution.forward_stop.request_stop();
    execution.undo_stop.request_stop();
  });

  std::stop_source helpers_stop;
  TaskContext helpers_context{helpers_stop.get_token()};
  Scope helpers(&helpers_context);
  helpers.spawn(keeper.keep());
  helpers.spawn(watch(execution));
  auto carried = co_await carry_out(execution, std::move(make_plan));
  helpers_stop.request_stop();
  co_await helpers.join();
  co_await log.flush();
  if (!keeper.is_lost()) {
    auto released = co_await ports.store.release_lease(turn.lease);
    if (!released.ok())
      log_debug("the lease was not given back and runs out: {}", released.error().message());
  }
  co_return carried;
}

Task<Result<void>> Runner::Impl::take_up(std::string id, std::string why, std::stop_token stop) {
  Journal journal(ports.store, ports.clock, observer, id);
  PAWL_CO_CHECK(co_await journal.load());
  if (is_terminal(journal.deployment().phase)) co_return ok();
  observer.on_taking_up(journal.deployment(), why);
  if (journal.deployment().phase == Phase::queued)
    co_return co_await end_in_line(ports.store, ports.clock, journal, kNeverBegun);
  auto ended = co_await run_here(id, MakePlan(), stop);
  if (ended.ok()) co_return ok();
  // Somebody else has it now: that is as good.
  if (ended.error().code() == kCodeFenced) co_return ok();
  co_return std::move(ended).error().while_doing(fmt::format("finishing deployment {}", id));
}

// Says that nobody waits for it any more, unless it is another process that does.
Task<Result<void>> Runner::Impl::leave_line(Journal& journal, std::string reason) {
  const bool is_ours =
      journal.deployment().phase == Phase::queued && journal.facts().owner == options.owner;
  if (!is_ours) co_return ok();
  json::object data{{"reason", std::move(reason)}};
  PAWL_CO_CHECK(co_await journal.write_if_unmoved(EventType::interrupted, std::move(data)));
  co_return ok();
}

// ---- cancel ----

Task<Result<void>> Runner::cancel(std::string deployment, std::string by,
                                  std::optional<OnCancel> choice) {
  co_return co_await with_stop({}, impl_->cancel(std::move(deployment), std::move(by), choice));
}

Task<Result<void>> Runner::Impl::cancel(std::string id, std::string by,
                                        std::optional<OnCancel> choice) {
  for (int tries = 1;; ++tries) {
    PAWL_CO_TRY(auto stored, co_await ports.store.events(id));
    const Deployment deployment = fold(stored);
    if (stored.empty())
      co_return Error(ErrorKind::not_found, fmt::format("there is no deployment '{}'", id));
    if (deployment.phase == Phase::cancelled) co_return ok();
    if (is_terminal(deployment.phase))
      co_return Error(ErrorKind::refused, fmt::format("deployment {} has ended already: {}", id,
                                                      to_string(deployment.phase)));
    if (deployment.cancel_requested && choice == OnCancel::leave && !deployment.is_to_be_left())
      co_return Error(ErrorKind::refused,
                      fmt::format("deployment {} is being taken back already", id));
    const bool is_changed = choice == OnCancel::undo && deployment.is_to_be_left();
    if (deployment.cancel_requested && !is_changed) co_return ok();
    std::vector<Event> events(1);
    events[0].type = EventType::cancel_requested;
    json::object cancel{{"by", by}};
    if (choice) cancel["on_cancel"] = to_string(*choice);
    events[0].data = std::move(cancel);
    if (deployment.phase == Phase::queued) {
      events.emplace_back();
      events[1].type = EventType::finished;
      events[1].data = cancelled_in_line(fmt::format("cancelled by {} while in line", by));
    }
    for (size_t i = 0; i < events.size(); ++i) {
      events[i].deployment = id;
      events[i].sequence = deployment.last_sequence + 1 + i;
      events[i].at = ports.clock.now();
    }
    auto appended = co_await ports.store.append(std::move(events));
    if (appended.ok()) co_return ok();
    // Its runner wrote at the same moment: look again.
    if (appended.error().kind() != ErrorKind::conflict || tries == kCancelTries)
      co_return std::move(appended).error().while_doing(
          fmt::format("cancelling deployment {}", id));
  }
}

Task<Result<std::vector<std::string>>> Runner::unfinished_before(std::string deployment) {
  Impl& impl = *impl_;
  Journal ours(impl.ports.store, impl.ports.clock, impl.observer, deployment);
  PAWL_CO_CHECK(co_await ours.load());
  PAWL_CO_TRY(auto line, co_await impl.ports.store.unfinished(ours.deployment().app,
                                                              ours.deployment().environment));
  std::vector<std::string> left;
  for (const auto& id : line) {
    if (id == deployment) break;
    Journal journal(impl.ports.store, impl.ports.clock, impl.observer, id);
    PAWL_CO_CHECK(co_await journal.load());
    const bool is_run = impl.active.count(id) > 0;
    if (!is_run &&
        !why_nobody_runs(journal.deployment(), journal.facts(), impl.ports.processes).empty())
      left.push_back(id);
  }
  co_return left;
}

}  // namespace pawl
