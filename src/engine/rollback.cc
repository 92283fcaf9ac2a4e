#include "engine/rollback.h"

#include <fmt/format.h>

#include "core/hooks.h"
#include "engine/schedule.h"

namespace pawl {
namespace {

Task<Result<void>> begin(Execution& execution, const std::string& cause,
                         const std::string& reason) {
  if (!execution.journal.facts().rollback_cause.empty()) co_return ok();  // begun before a crash
  json::object data{{"reason", reason}, {"cause", cause}};
  co_return co_await execution.journal.write(EventType::rollback_started, "", std::move(data));
}

// Nothing is taken back: what a dead process left begun gets its outcome all the same.
Task<Result<Outcome>> leave_as_it_is(Execution& execution, Plan plan, std::string cause,
                                     std::string reason, std::string why) {
  for (const PlanStep& step : plan.steps) {
    const StepState* state = execution.deployment().step(step.id);
    if (state == nullptr || state->status != StepStatus::running) continue;
    json::object data{{"error", "its process ended before it did; what it did is not taken back"},
                      {"kind", to_string(ErrorKind::interrupted)}};
    PAWL_CO_CHECK(
        co_await execution.journal.write(EventType::step_failed, step.id, std::move(data)));
  }
  co_return Outcome{cause == "cancelled" ? "cancelled" : "failed",
                    fmt::format("{}; not rolled back, since {}: what is there stays, and a release "
                                "that mends it is the way on",
                                reason, why),
                    "left"};
}

// What a dead process left begun, and no undo will look at, must not stay "running" for ever in a
// deployment that has ended.
Task<Result<void>> close_what_has_no_undo(Execution& execution, const Plan& plan) {
  for (const PlanStep& step : plan.steps) {
    const StepState* state = execution.deployment().step(step.id);
    if (state == nullptr || state->status != StepStatus::running || !step.undo.empty()) continue;
    json::object data{{"error", "its process ended before it did; there is nothing to undo"},
                      {"kind", to_string(ErrorKind::interrupted)}};
    PAWL_CO_CHECK(
        co_await execution.journal.write(EventType::step_failed, step.id, std::move(data)));
  }
  co_return ok();
}

Task<Result<void>> undo_all(Execution& execution, const Plan& plan) {
  const auto& started = execution.journal.facts().started;
  const auto open = steps_to_undo(plan, execution.deployment(), started, false);
  for (const PlanStep* step : open) {
    if (!execution.is_interrupted()) co_await undo_step(execution, *step);
    if (execution.broken) co_return *execution.broken;
    if (execution.is_interrupted()) co_return Error(ErrorKind::interrupted, "asked to stop");
  }
  co_return ok();
}

// Something that an undo says it restored: only then is there anything to verify. One that was
// tried twice may have restored it the first time, and find nothing to do the second.
bool has_restored(const Journal& journal, const std::vector<const PlanStep*>& steps) {
  for (const PlanStep* step : steps) {
    const StepState* state = journal.deployment().step(step->id);
    if (state != nullptr && !state->undo_outputs->empty()) return true;
    if (journal.facts().undone_again.count(step->id) > 0) return true;
  }
  return false;
}

std::string what_is_not_undone(const Deployment& deployment,
                               const std::vector<const PlanStep*>& steps) {
  std::string text;
  for (const PlanStep* step : steps) {
    const StepState* state = deployment.step(step->id);
    if (state == nullptr || state->status != StepStatus::undo_failed) continue;
    text += fmt::format("{}{} could not be undone ({})", text.empty() ? "" : "; ", step->id,
                        state->error);
  }
  return text;
}

// Empty: it answers again, or there is nothing to ask.
Task<Result<std::string>> verify(Execution& execution) {
  const JournalFacts& facts = execution.journal.facts();
  if (facts.rollback_verified)
    co_return *facts.rollback_verified ? std::string() : facts.rollback_verified_reason;
  auto verified = co_await verify_undone(execution);
  if (execution.broken) co_return *execution.broken;
  if (!verified.ok() && execution.is_interrupted())
    co_return Error(ErrorKind::interrupted, "asked to stop");
  if (verified.ok() && !*verified) co_return std::string();
  json::object data{{"ok", verified.ok()},
                    {"reason", verified.ok() ? **verified : verified.error().message()}};
  PAWL_CO_CHECK(
      co_await execution.journal.write(EventType::rollback_verified, "", std::move(data)));
  co_return verified.ok() ? std::string() : verified.error().message();
}

Outcome undone(const std::string& cause, std::string reason, std::string_view status) {
  return {cause == "cancelled" ? "cancelled" : "rolled_back", std::move(reason),
          std::string(status)};
}

}  // namespace

Task<Result<Outcome>> roll_back(Execution& execution, Plan plan, std::string cause,
                                std::string reason) {
  PAWL_CO_CHECK(co_await begin(execution, cause, reason));
  // From here on the cause is the journal's: a cancel that comes during an undo changes nothing.
  cause = execution.journal.facts().rollback_cause;
  if (auto why = past_the_point_of_no_return(plan, execution.deployment()); !why.empty())
    co_return co_await leave_as_it_is(execution, plan, cause, std::move(reason), std::move(why));
  PAWL_CO_CHECK(co_await close_what_has_no_undo(execution, plan));
  PAWL_CO_CHECK(co_await undo_all(execution, plan));

  const auto undos =
      steps_to_undo(plan, execution.deployment(), execution.journal.facts().started, true);
  if (undos.empty()) co_return undone(cause, std::move(reason), "nothing_to_undo");
  const std::string left = what_is_not_undone(execution.deployment(), undos);
  std::string silent;
  if (has_restored(execution.journal, undos)) {
    PAWL_CO_TRY(silent, co_await verify(execution));
  }
  if (left.empty() && silent.empty()) co_return undone(cause, std::move(reason), "succeeded");
  if (!silent.empty()) silent = "what was live before does not answer: " + silent;
  co_return Outcome{
      "failed",
      fmt::format("{}; {}{}{}", reason, left, left.empty() || silent.empty() ? "" : "; ", silent),
      "failed"};
}

}  // namespace pawl
