#include "engine/execution.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "core/terraform_outputs.h"

namespace pawl {
namespace {

constexpr int kStepTries = 2;
constexpr int kUndoTries = 4;
constexpr std::chrono::milliseconds kFirstPause{2'000};

// What a step sees of the run. Lives on the stack of run_step or undo_step.
class RunningStep : public StepContext {
 public:
  RunningStep(Execution& execution, const PlanStep& step, std::string_view purpose,
              const std::stop_source& stop)
      : execution_(execution),
        step_(step),
        filled_(fill_in(execution, step)),
        journal_step_(execution.deployment().step(step.id) == nullptr ? "" : step.id),
        key_(effect_key(execution.deployment().id, step.id, purpose)),
        stop_(stop) {}

  const Deployment& deployment() const override { return execution_.deployment(); }
  const PlanStep& step() const override { return step_; }
  /// An Error when a parameter names an output that Terraform does not have.
  const Result<void>& filled() const { return filled_; }
  std::string key() const override { return key_; }
  Clock& clock() override { return execution_.ports.clock; }
  void log(std::string_view line) override { execution_.log.add(step_.id, line); }
  void progress(uint64_t done, uint64_t total, std::string_view unit) override {
    execution_.observer.on_progress(step_.id, done, total, unit);
  }
  Task<Result<void>> record_attempt(json::object data) override {
    co_return co_await write(EventType::step_attempt, std::move(data));
  }
  Task<Result<void>> before_change() override {
    if (auto held = execution_.lease->check(); !held.ok()) {
      execution_.break_off(held.error());
      co_return held;
    }
    if (stop_.stop_requested()) co_return Error(ErrorKind::interrupted, "asked to stop");
    co_return ok();
  }

  /// An entry of this step. When it cannot be written the machinery is broken.
  Task<Result<void>> write(EventType type, json::object data) {
    auto written = co_await execution_.journal.write(type, journal_step_, std::move(data));
    if (!written.ok()) execution_.break_off(written.error());
    co_return written;
  }
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  Result<void> fill_in(const Execution& execution, const PlanStep& planned) {
    if (!names_output(json::value(planned.params))) return ok();
    const StepState* applied = execution.deployment().step("apply_infrastructure");
    const json::value* outputs = applied ? find(applied->outputs, "outputs") : nullptr;
    const json::object none;
    const bool is_known = outputs != nullptr && outputs->is_object();
    PAWL_TRY(step_.params, fill_outputs(planned.params, is_known ? outputs->get_object() : none));
    return ok();
  }

  Execution& execution_;
  PlanStep step_;  // with what Terraform's outputs make of its parameters
  Result<void> filled_;
  std::string journal_step_;  // empty for what is no step of the plan (the look after a rollback)
  std::string key_;
  const std::stop_source& stop_;
};

json::object describe(const Error& error) {
  json::object data{{"error", error.message()}, {"kind", to_string(error.kind())}};
  if (!error.code().empty()) data["code"] = error.code();
  if (!error.hint().empty()) data["hint"] = error.hint();
  if (error.outcome_unknown()) data["outcome_unknown"] = true;
  return data;
}

// What it had asked of the world by then may have been done. `said`: the words of what was cut off.
Error too_slow(std::chrono::milliseconds limit, const std::string& said) {
  return Error(ErrorKind::timeout, fmt::format("took longer than {} (limits.step); cut off: {}",
                                               format_duration(limit), said))
      .with_outcome_unknown()
      .with_hint("`limits: {step: ...}` in pawl.yaml says how long a step may take");
}

Error out_of_time(const Execution& execution, const Error& cause) {
  return Error(ErrorKind::timeout, fmt::format("stopped, since {} ({})",
                                               took_too_long(execution.policy()), cause.message()))
      .with_outcome_unknown(cause.outcome_unknown());
}

template <class T>
Task<Result<T>> noting_words(Task<Result<T>> work, std::string* said) {
  auto done = co_await std::move(work);
  if (!done.ok()) *said = done.error().message();
  co_return done;
}

// Under the step's own stop token and time limit; what it throws is an Error like any other.
template <class T>
Task<Result<T>> limited(Execution& execution, std::stop_token stop, Task<Result<T>> work) {
  Clock& clock = execution.ports.clock;
  const auto limit = execution.policy().step_limit;
  const SteadyTime begun = clock.steady_now();
  std::string said;
  try {
    auto noted = noting_words(std::move(work), &said);
    auto bounded = with_timeout(clock, limit, std::move(noted));
    auto done = co_await with_stop(std::move(stop), std::move(bounded));
    if (!done.ok() && done.error().kind() == ErrorKind::timeout &&
        clock.steady_now() - begun >= limit)
      co_return too_slow(limit, said);
    co_return done;
  } catch (const std::exception& exception) {
    co_return Error(ErrorKind::internal, fmt::format("unexpected: {}", exception.what()));
  }
}

struct Performed {
  json::object outputs;
  bool observed = false;
};

// First the look: what a crash, or a lost answer, left done is not done again.
Task<Result<Performed>> look_then_perform(Execution& execution, RunningStep& context, Step& code) {
  PAWL_CO_TRY(auto seen, co_await limited(execution, context.stop(), code.observe(context)));
  if (seen.done) co_return Performed{*std::move(seen.done), true};
  if (execution.broken) co_return *execution.broken;
  if (context.stop().stop_requested()) co_return Error(ErrorKind::interrupted, "asked to stop");
  PAWL_CO_TRY(auto outputs, co_await limited(execution, context.stop(), code.perform(context)));
  co_return Performed{std::move(outputs), false};
}

bool is_worth_another_try(const Error& error) {
  return error.kind() == ErrorKind::throttled || error.kind() == ErrorKind::unavailable;
}

Error unknown_kind(const PlanStep& step) {
  return Error(ErrorKind::failed,
               fmt::format("this Pawl does not know steps of kind '{}'", step.kind))
      .with_hint("the plan was made by another version: use that one");
}

// An Error while the process is being stopped says little: a child that was told to end has failed,
// too. The step stays without an outcome, to be looked at by whoever resumes. A stop by cancel is
// an outcome.
bool stays_open(const Execution& execution, const Result<Performed>& done) {
  return !done.ok() && execution.is_interrupted();
}

}  // namespace

void Execution::break_off(Error error) {
  if (!broken) broken = std::move(error);
  forward_stop.request_stop();
  undo_stop.request_stop();
}

RunPolicy Execution::policy() const {
  if (deployment().plan) return deployment().plan->policy;
  RunPolicy policy;
  policy.step_limit = options.step_limit;
  return policy;
}

void Execution::heed_cancel_and_limit() {
  const bool is_forward = deployment().phase != Phase::rolling_back && deployment().plan;
  if (is_forward && journal.used() >= policy().deployment_limit) is_out_of_time = true;
  if (is_out_of_time || deployment().is_to_be_undone()) forward_stop.request_stop();
}

std::string took_too_long(const RunPolicy& policy) {
  return fmt::format("the deployment took longer than {} (limits.deployment)",
                     format_duration(policy.deployment_limit));
}

std::string effect_key(std::string_view deployment, std::string_view step,
                       std::string_view purpose) {
  return sha256_hex(fmt::format("{}\n{}\n{}", deployment, step, purpose)).substr(0, 32);
}

Task<void> run_step(Execution& execution, PlanStep step) {
  RunningStep context(execution, step, "perform", execution.forward_stop);
  Step* code = execution.ports.steps.find(step.kind);
  Result<Performed> done = unknown_kind(step);
  for (int tries = 1; tries <= kStepTries; ++tries) {
    const StepState* state = execution.deployment().step(step.id);
    json::object intent{{"key", context.key()}, {"attempt", state ? state->attempts + 1 : 1}};
    auto intended = co_await context.write(EventType::step_started, std::move(intent));
    if (!intended.ok()) co_return;
    if (code == nullptr) break;
    if (!context.filled().ok()) done = context.filled().error();
    if (!context.filled().ok()) break;
    done = co_await look_then_perform(execution, context, *code);
    if (done.ok() || execution.broken || !is_worth_another_try(done.error())) break;
    if (tries == kStepTries || execution.forward_stop.stop_requested()) break;
    json::object attempt{{"number", tries},
                         {"of", kStepTries},
                         {"result", done.error().message()},
                         {"ok", false},
                         {"next_wait_ms", kFirstPause.count()}};
    auto recorded = co_await context.record_attempt(std::move(attempt));
    if (!recorded.ok()) co_return;
    auto slept = co_await with_stop(context.stop(), execution.ports.clock.sleep_for(kFirstPause));
    if (!slept.ok()) break;
  }
  co_await execution.log.flush();
  if (execution.broken || stays_open(execution, done)) co_return;
  if (!done.ok() && execution.is_out_of_time) done = out_of_time(execution, done.error());
  if (!done.ok()) {
    auto written = co_await context.write(EventType::step_failed, describe(done.error()));
    (void)written;
    co_return;
  }
  json::object outcome{{"outputs", std::move(done->outputs)}, {"observed", done->observed}};
  auto written = co_await context.write(EventType::step_succeeded, std::move(outcome));
  (void)written;
}

Task<void> undo_step(Execution& execution, PlanStep step) {
  RunningStep context(execution, step, "undo", execution.undo_stop);
  Step* code = execution.ports.steps.find(step.kind);
  Result<json::object> undone = unknown_kind(step);
  std::chrono::milliseconds pause = kFirstPause;
  json::object intent{{"key", context.key()}};
  auto intended = co_await context.write(EventType::undo_started, std::move(intent));
  if (!intended.ok()) co_return;
  int tries = 1;
  // What has no names to act on never acted.
  const bool has_acted = context.filled().ok();
  if (!has_acted) undone = json::object{};
  for (; code != nullptr && has_acted && tries <= kUndoTries; ++tries, pause *= 2) {
    undone = co_await limited(execution, context.stop(), code->undo(context));
    if (undone.ok() || execution.broken || !is_transient(undone.error().kind())) break;
    if (tries == kUndoTries) break;
    context.log(fmt::format("undo, try {} of {}: {}; again in {}", tries, kUndoTries,
                            undone.error().message(), format_duration(pause)));
    auto slept = co_await with_stop(context.stop(), execution.ports.clock.sleep_for(pause));
    if (!slept.ok()) break;
  }
  co_await execution.log.flush();
  if (execution.broken || (!undone.ok() && execution.is_interrupted())) co_return;
  if (!undone.ok()) {
    auto written = co_await context.write(EventType::undo_failed, describe(undone.error()));
    (void)written;
    co_return;
  }
  json::object outcome{{"outputs", *std::move(undone)}, {"tries", tries}};
  auto written = co_await context.write(EventType::undo_succeeded, std::move(outcome));
  (void)written;
}

Task<Result<std::optional<std::string>>> verify_undone(Execution& execution) {
  PlanStep step;
  step.id = step.kind = "verify_rollback";
  step.title = "ask whether what was live before answers again";
  RunningStep context(execution, step, "verify", execution.undo_stop);
  auto verified =
      co_await limited(execution, context.stop(), execution.ports.steps.verify_rollback(context));
  co_await execution.log.flush();
  co_return verified;
}

}  // namespace pawl
