#include "engine/carry_out.h"

#include <fmt/format.h>

#include "engine/abandoned.h"
#include "engine/notify.h"
#include "engine/rollback.h"
#include "engine/schedule.h"

namespace pawl {
namespace {

constexpr std::chrono::milliseconds kWatchEvery{1'000};

Outcome untouched(std::string_view outcome, std::string reason) {
  return {std::string(outcome), std::move(reason), ""};
}

// ---- the plan ----

// How a deployment ends that could not even be planned.
Outcome without_plan(const Error& error) {
  if (error.kind() != ErrorKind::refused)
    return {"rolled_back", error.message(), "nothing_to_undo", error.hint()};
  Outcome outcome =
      untouched(error.code() == "superseded" ? "superseded" : "refused", error.message());
  outcome.hint = error.hint();
  return outcome;
}

Outcome cancelled_before_it_began(const Deployment& deployment) {
  return {"cancelled",
          fmt::format("cancelled by {} before anything was changed", deployment.cancelled_by),
          "nothing_to_undo"};
}

// No value: there is a plan now.
Task<Result<std::optional<Outcome>>> plan_first(Execution& execution, MakePlan make_plan) {
  if (execution.deployment().plan) co_return std::optional<Outcome>();
  // It could not be planned, and its process ended before that was recorded as the end.
  if (execution.deployment().phase == Phase::rolling_back)
    co_return std::optional<Outcome>(
        Outcome{"rolled_back", execution.deployment().rollback_reason, "nothing_to_undo"});
  if (execution.deployment().cancel_requested)
    co_return std::optional<Outcome>(cancelled_before_it_began(execution.deployment()));
  if (!make_plan)
    co_return std::optional<Outcome>(Outcome{"cancelled", kNeverBegun, "nothing_to_undo"});
  auto bounded = with_timeout(execution.ports.clock, execution.options.step_limit, make_plan());
  auto plan = co_await with_stop(execution.forward_stop.get_token(), std::move(bounded));
  if (execution.broken) co_return *execution.broken;
  if (!plan.ok() && execution.is_interrupted())
    co_return Error(ErrorKind::interrupted, "asked to stop while planning");
  if (!plan.ok() && execution.deployment().cancel_requested)
    co_return std::optional<Outcome>(cancelled_before_it_began(execution.deployment()));
  if (!plan.ok()) co_return std::optional<Outcome>(without_plan(plan.error()));
  if (auto flaw = check_plan(*plan); !flaw.empty())
    co_return std::optional<Outcome>(
        without_plan(Error(ErrorKind::internal, "the plan is not sound: " + flaw)));
  PAWL_CO_CHECK(co_await execution.journal.write(EventType::planned, "", to_json(*plan)));
  co_return std::optional<Outcome>();
}

// ---- the steps ----

// Steps that run side by side, and a bell that each rings when it ends.
struct Running {
  std::set<std::string> steps;
  OneShot<bool> bell;
};

Task<void> run_and_ring(Execution* execution, Running* running, PlanStep step) {
  const std::string id = step.id;
  co_await run_step(*execution, std::move(step));
  running->steps.erase(id);
  const OneShot<bool> bell = running->bell;
  bell.set(true);
}

bool may_go_on(const Execution& execution, const Plan& plan) {
  const Deployment& deployment = execution.deployment();
  return !execution.broken && !execution.is_interrupted() && !execution.is_out_of_time &&
         !deployment.is_to_be_undone() && !failed_step(plan, deployment);
}

// Of a deployment that is to be left, only what a dead process left half done, to be ended.
std::vector<const PlanStep*> steps_to_start(const Execution& execution, const Plan& plan,
                                            const std::set<std::string>& running) {
  const Deployment& deployment = execution.deployment();
  auto steps = ready_steps(plan, deployment, running);
  if (deployment.is_to_be_left())
    std::erase_if(steps, [&](const PlanStep* step) {
      return deployment.step(step->id)->status != StepStatus::running;
    });
  return steps;
}

// Starts what is ready until nothing is left or something says stop; then waits for what runs.
Task<void> run_steps(Execution& execution, const Plan& plan) {
  Running running;
  TaskContext context{execution.forward_stop.get_token()};
  Scope scope(&context);
  for (;;) {
    auto seen = co_await execution.journal.refresh();  // a cancel, at each boundary
    if (!seen.ok() && !is_transient(seen.error().kind())) execution.break_off(seen.error());
    execution.heed_cancel_and_limit();
    // Each start may end at once, and change what is ready.
    while (may_go_on(execution, plan) &&
           running.steps.size() < execution.options.max_parallel_steps) {
      const auto ready = steps_to_start(execution, plan, running.steps);
      if (ready.empty()) break;
      running.steps.insert(ready.front()->id);
      scope.spawn(run_and_ring(&execution, &running, *ready.front()));
    }
    if (running.steps.empty() &&
        (!may_go_on(execution, plan) || steps_to_start(execution, plan, running.steps).empty()))
      break;
    co_await running.bell.wait();
    running.bell = OneShot<bool>();
  }
  co_await scope.join();
}

Outcome success(const Deployment& deployment) {
  return untouched("succeeded", fmt::format("{} is live in {}", deployment.release.version,
                                            deployment.environment));
}

std::string ids(const Plan& plan, const Deployment& deployment, bool done) {
  std::string text;
  for (const PlanStep& step : plan.steps)
    if ((deployment.step(step.id)->status == StepStatus::succeeded) == done)
      text += (text.empty() ? "" : ", ") + step.id;
  return text.empty() ? "none" : text;
}

// At a step boundary, on request: nothing is undone, and nothing verified.
Outcome left_as_it_is(Execution& execution, const Plan& plan) {
  const Deployment& deployment = execution.deployment();
  const auto& started = execution.journal.facts().started;
  if (steps_to_undo(plan, deployment, started, true).empty())
    return cancelled_before_it_began(deployment);
  return {"cancelled",
          fmt::format("cancelled by {} and left as it was then: {} is part-way to {}; done: {}; "
                      "not done: {}",
                      deployment.cancelled_by, deployment.environment, deployment.release.version,
                      ids(plan, deployment, true), ids(plan, deployment, false)),
          "left"};
}

// Why, when nothing was begun to be taken back yet.
std::string why_roll_back(const Execution& execution, const Plan& plan, bool is_cancelled) {
  const Deployment& deployment = execution.deployment();
  if (is_cancelled) return fmt::format("cancelled by {}", deployment.cancelled_by);
  if (const PlanStep* failed = failed_step(plan, deployment))
    return fmt::format("{}: {}", failed->id, deployment.step(failed->id)->error);
  PAWL_ASSERT(execution.is_out_of_time);
  return took_too_long(execution.policy());
}

Task<Result<Outcome>> run_or_roll_back(Execution& execution) {
  const Plan& plan = *execution.deployment().plan;  // planned once, and never again
  if (execution.deployment().phase != Phase::rolling_back) co_await run_steps(execution, plan);
  if (execution.broken) co_return *execution.broken;
  // Too late for a cancel: everything is done.
  if (execution.deployment().phase != Phase::rolling_back &&
      is_complete(plan, execution.deployment()))
    co_return success(execution.deployment());
  if (execution.is_interrupted()) co_return Error(ErrorKind::interrupted, "asked to stop");

  const Deployment& deployment = execution.deployment();
  // As it was begun before a crash.
  if (deployment.phase == Phase::rolling_back)
    co_return co_await roll_back(execution, plan, "", deployment.rollback_reason);
  // What failed is undone, whatever was asked for: what is left must be sound.
  if (deployment.is_to_be_left() && !failed_step(plan, deployment) && !execution.is_out_of_time)
    co_return left_as_it_is(execution, plan);
  const bool is_cancelled = deployment.is_to_be_undone();
  co_return co_await roll_back(execution, plan, is_cancelled ? "cancelled" : "failed",
                               why_roll_back(execution, plan, is_cancelled));
}

// ---- the end ----

Task<Result<void>> begin(Execution& execution) {
  // Another process may have begun, or ended, it since we last looked; from here on none can.
  PAWL_CO_CHECK(co_await execution.journal.refresh());
  if (is_terminal(execution.deployment().phase))
    co_return Error(ErrorKind::conflict, "it has ended meanwhile")
        .with_code(std::string(kCodeFinished));
  execution.journal.count_work(execution.journal.facts().used_before(
      execution.ports.clock.now(), execution.policy().deployment_limit));
  const bool is_first = execution.deployment().phase == Phase::queued;
  json::object data{{"owner", execution.options.owner}};
  co_return co_await execution.journal.write(is_first ? EventType::started : EventType::resumed, "",
                                             std::move(data));
}

bool is_told(const Outcome& outcome) {
  return outcome.outcome != "refused" && outcome.outcome != "superseded";
}

// A deployment that failed before it changed anything is rolled back by being as it was.
Task<Result<void>> enter_rollback(Execution& execution, const Outcome& outcome) {
  if (outcome.outcome != "rolled_back" || execution.deployment().phase == Phase::rolling_back)
    co_return ok();
  json::object data{{"reason", outcome.reason}, {"cause", "failed"}};
  co_return co_await execution.journal.write(EventType::rollback_started, "", std::move(data));
}

Task<Result<void>> finish(Execution& execution, Outcome outcome) {
  PAWL_CO_CHECK(co_await enter_rollback(execution, outcome));
  execution.ports.steps.end(execution.deployment());
  std::vector<JournalEntry> entries;
  // Nobody was told of the start of one without a plan; its failure they must hear of all the same.
  const bool was_cancelled_early = outcome.outcome == "cancelled" && !execution.deployment().plan;
  if (is_told(outcome) && !was_cancelled_early) entries = co_await report_end(execution, outcome);
  if (execution.broken) co_return *execution.broken;
  json::object data{{"outcome", outcome.outcome}, {"reason", outcome.reason}};
  if (!outcome.rollback_status.empty()) data["rollback_status"] = outcome.rollback_status;
  if (!outcome.hint.empty()) data["hint"] = outcome.hint;
  entries.push_back(JournalEntry{EventType::finished, "", std::move(data)});
  co_return co_await execution.journal.write_all(std::move(entries));
}

Task<Result<Outcome>> plan_and_run(Execution& execution, MakePlan make_plan) {
  PAWL_CO_TRY(auto ended, co_await plan_first(execution, std::move(make_plan)));
  if (ended) co_return *std::move(ended);
  co_return co_await run_or_roll_back(execution);
}

}  // namespace

Task<Result<void>> carry_out(Execution& execution, MakePlan make_plan) {
  PAWL_CO_CHECK(co_await begin(execution));
  auto outcome = co_await plan_and_run(execution, std::move(make_plan));
  if (execution.broken) co_return *execution.broken;
  if (outcome.ok()) co_return co_await finish(execution, *std::move(outcome));
  if (outcome.error().kind() == ErrorKind::interrupted) {
    json::object data{{"reason", outcome.error().message()}};
    PAWL_CO_CHECK(co_await execution.journal.write(EventType::interrupted, "", std::move(data)));
  }
  co_return std::move(outcome).error();
}

Task<void> watch(Execution& execution) {
  for (;;) {
    auto slept = co_await execution.ports.clock.sleep_for(kWatchEvery);
    if (!slept.ok()) co_return;
    if (execution.log.has_pending()) co_await execution.log.flush();
    auto seen = co_await execution.journal.refresh();
    if (!seen.ok() && seen.error().kind() == ErrorKind::conflict) execution.break_off(seen.error());
    execution.heed_cancel_and_limit();
  }
}

}  // namespace pawl
