// Calls a hook: a migration before the traffic moves, a clean-up after it. Nothing but the hook's
// own answer tells whether it did its work, so each call is journalled before it goes out, and one
// whose outcome is not known is repeated only where the hook says that it may be
// (`idempotent: true`): a second call with the same key then does nothing, and says what became of
// the first. Without that, a person must find out.
#include <fmt/format.h>

#include <algorithm>

#include "core/hooks.h"
#include "engine/steps/captured.h"
#include "engine/steps/function_code.h"
#include "engine/steps/hook_call.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

using std::chrono::milliseconds;

// Calls after one that was refused before the function ran, or whose outcome is to be asked for.
constexpr int kFurtherCalls = 3;
constexpr milliseconds kFirstPause{1'000};
constexpr milliseconds kLongestPause{30'000};

class RunHook : public Step {
 public:
  RunHook(Functions& functions, FunctionCalls& calls) : functions_(functions), calls_(calls) {}

  // What an earlier deployment of this release had done is not done again. For the rest, no look at
  // the world tells: perform() decides by what was journalled of earlier calls.
  Task<Result<Observation>> observe(StepContext& context) override {
    Observation seen;
    const std::string ran_in = string_or(context.step().params, "ran_in");
    if (!ran_in.empty()) seen.done = json::object{{"ran_in", ran_in}};
    // It answered, and the process died before the step's outcome was written.
    const StepState* state = context.deployment().step(context.step().id);
    if (state != nullptr && state->try_effect == kEffectDone)
      seen.done = json::object{{"hook", string_or(context.step().params, "hook")}};
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    const HookSettings hook = hook_from_json(context.step().params);
    const StepState* state = context.deployment().step(context.step().id);
    const bool was_called = state != nullptr && state->try_effect == kEffectUnknown;
    if (was_called && !hook.is_idempotent)
      co_return not_known(hook, "its process ended before the answer came");
    if (!hook.undo && hook.when == HookWhen::before_traffic && !was_called)
      PAWL_CO_CHECK(co_await look_at_alias(context));
    FunctionCall call = call_of(context, hook, hook.payload, key_of(context, hook));
    auto answer = co_await call_until_known(context, hook, std::move(call));
    if (!answer.ok()) co_return std::move(answer).error();
    if (answer->effect != kEffectDone) co_return explain(context, hook, *answer);
    co_return outputs_of(hook, *answer);
  }

  Task<Result<json::object>> undo(StepContext& context) override {
    const HookSettings hook = hook_from_json(context.step().params);
    const StepState* state = context.deployment().step(context.step().id);
    const bool was_called = state != nullptr && !state->try_effect.empty();
    if (!hook.undo || !was_called || state->try_effect == kEffectNone) co_return json::object{};
    const std::string key = "undo-" + key_of(context, hook);
    FunctionCall call = call_of(context, hook, *hook.undo, key);
    // Not journalled as a try: what the record says of the hook's own calls must stay.
    HookAnswer answer;
    const std::map<std::string, std::string> anything;
    const FunctionWords words = co_await learn_secrets(context, functions_, call);
    for (int further = kFurtherCalls;; --further) {
      PAWL_CO_TRY(answer, co_await call_hook(context, calls_, call, anything, words));
      const bool is_again = may_call_again(hook, answer) && further > 0;
      if (!is_again) break;
      PAWL_CO_CHECK(co_await context.clock().sleep_for(kFirstPause));
    }
    if (answer.effect != kEffectDone) co_return explain(context, hook, answer);
    co_return outputs_of(hook, answer);
  }

 private:
  static std::string key_of(StepContext& context, const HookSettings& hook) {
    return hook_key(context.deployment(), hook,
                    context.deployment().output("copy_image", "digest"));
  }

  static FunctionCall call_of(StepContext& context, const HookSettings& hook,
                              const json::object& payload, const std::string& key) {
    FunctionCall call;
    call.function = hook.function;
    call.qualifier = hook.qualifier;
    if (bool_or(context.step().params, "of_new_version"))
      call.qualifier = context.deployment().output("publish_version", "function_version");
    call.payload = with_key(payload, key);
    call.key = key;
    call.timeout = hook.timeout;
    return call;
  }

  static bool is_as_captured(const Captured& captured, const std::optional<AliasState>& now) {
    if (!captured.alias || !now) return captured.alias.has_value() == now.has_value();
    return captured.alias->version == now->version &&
           captured.alias->additional_weights == now->additional_weights;
  }

  // The last look before what cannot be taken back: an alias that somebody has moved meanwhile
  // would stop the deployment just after it.
  Task<Result<void>> look_at_alias(StepContext& context) {
    const json::object& params = context.step().params;
    const std::string alias = string_or(params, "alias");
    const std::string function = string_or(params, "deployed_function");
    if (alias.empty()) co_return ok();
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    PAWL_CO_TRY(auto now, co_await functions_.get_alias(function, alias));
    if (is_as_captured(captured, now)) co_return ok();
    PAWL_CO_CHECK(co_await context.clock().sleep_for(kReadsSettle));
    PAWL_CO_TRY(now, co_await functions_.get_alias(function, alias));
    if (is_as_captured(captured, now)) co_return ok();
    const std::string was = captured.alias ? captured.alias->version : "not there";
    const std::string is = now ? now->version : "not there";
    co_return Error(ErrorKind::conflict,
                    fmt::format("the alias {} of {} was changed by somebody since the deployment "
                                "began ({} -> {}): a hook that cannot be undone is not called",
                                alias, function, was, is))
        .with_hint("agree with whoever did it, then deploy again");
  }

  // A call that may have done its work is repeated only where the hook allows it.
  static bool may_call_again(const HookSettings& hook, const HookAnswer& answer) {
    if (answer.effect == kEffectDone) return false;
    if (answer.effect == kEffectNone) return answer.may_pass;
    return hook.is_idempotent;
  }

  static int further_calls(const HookSettings& hook, const HookAnswer& answer) {
    return answer.effect == kEffectPart ? hook.retries : std::max(hook.retries, kFurtherCalls);
  }

  Task<Result<HookAnswer>> call_until_known(StepContext& context, HookSettings hook,
                                            FunctionCall call) {
    milliseconds pause = kFirstPause;
    const FunctionWords words = co_await learn_secrets(context, functions_, call);
    // A call that is refused tells nothing of one before it.
    const StepState* state = context.deployment().step(context.step().id);
    std::string effect(kEffectNone);
    if (state != nullptr && !state->try_effect.empty()) effect = state->try_effect;
    for (int number = 1;; ++number) {
      HookAnswer begun;
      begun.effect = kEffectUnknown;
      begun.result = "called";
      PAWL_CO_CHECK(co_await note(context, number, std::move(begun)));
      const auto called = co_await call_hook(context, calls_, call, hook.expect, words);
      // Refused by our own lease or stop, before it went out.
      HookAnswer answer;
      answer.effect = kEffectNone;
      if (called.ok())
        answer = *called;
      else
        answer.result = called.error().message();
      const bool is_again = may_call_again(hook, answer) && number <= further_calls(hook, answer);
      if (answer.effect != kEffectNone) effect = answer.effect;
      answer.effect = effect;
      // Also when it was to be stopped meanwhile: what the call did must be on record.
      PAWL_CO_CHECK(co_await with_stop({}, note(context, number, answer)));
      if (!called.ok()) co_return called.error();
      if (!is_again) co_return answer;
      context.log(fmt::format("called again in {}", format_duration(pause)));
      PAWL_CO_CHECK(co_await context.clock().sleep_for(pause));
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  static Task<Result<void>> note(StepContext& context, int number, HookAnswer answer) {
    json::object data{{"number", number},
                      {"result", answer.result},
                      {"ok", answer.effect == kEffectDone},
                      {"effect", answer.effect}};
    co_return co_await context.record_attempt(std::move(data));
  }

  static Error not_known(const HookSettings& hook, const std::string& why) {
    return Error(ErrorKind::failed,
                 fmt::format("whether the hook {} did its work is not known ({}), and it does not "
                             "say that it may be called again",
                             hook.name, why))
        .with_outcome_unknown()
        .with_hint(fmt::format("find out whether it did, then deploy again with --hook {0}=ran or "
                               "--hook {0}=again; `idempotent: true` in pawl.yaml is for a hook "
                               "that does nothing at a second call with the same idempotency_key",
                               hook.name));
  }

  static Error explain(StepContext& context, const HookSettings& hook, const HookAnswer& answer) {
    if (answer.effect == kEffectUnknown && !hook.is_idempotent)
      return not_known(hook, answer.result);
    Error error(answer.effect == kEffectPart ? ErrorKind::failed : answer.kind,
                fmt::format("the hook {} {}", hook.name,
                            answer.effect == kEffectNone ? "was not called: " + answer.result
                                                         : answer.result));
    // Not one to be tried anew by whoever runs the step: that was done here, as far as it may be.
    if (is_transient(error.kind())) error = Error(ErrorKind::failed, error.what());
    return std::move(error)
        .with_outcome_unknown(answer.effect == kEffectUnknown)
        .with_hint(fmt::format("`pawl logs {} --step {}` shows what it printed",
                               context.deployment().id, hook_step_id(hook.name)));
  }

  static json::object outputs_of(const HookSettings& hook, const HookAnswer& answer) {
    return {{"hook", hook.name},
            {"function", hook.function},
            {"function_version", answer.version},
            {"answer", answer.payload}};
  }

  Functions& functions_;
  FunctionCalls& calls_;
};

}  // namespace

std::unique_ptr<Step> make_run_hook(const StepPorts& ports) {
  return std::make_unique<RunHook>(*ports.functions, *ports.function_calls);
}

}  // namespace pawl::steps
