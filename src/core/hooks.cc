#include "core/hooks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace pawl {
namespace {

constexpr size_t kKeyLength = 32;

bool is_hook(const PlanStep& step) {
  return step.kind == kHookKind;
}

// It ran, or may have.
bool may_have_run(const StepState& state) {
  return state.try_effect == kEffectDone || state.try_effect == kEffectPart ||
         state.try_effect == kEffectUnknown;
}

bool is_taken_back(const StepState& state) {
  return state.status == StepStatus::undone;
}

std::string copied_digest(const Deployment& deployment) {
  return deployment.output("copy_image", "digest");
}

bool is_same_release(const Deployment& deployment, const ReleaseName& release,
                     std::string_view digest) {
  if (deployment.release.version != release.version || deployment.release.sha != release.sha)
    return false;
  const std::string theirs = copied_digest(deployment);
  return theirs.empty() || digest.empty() || theirs == digest;
}

// What moves the callers to the new code.
bool moves_traffic(const PlanStep& step) {
  if (step.kind == "move_alias") return true;
  return step.kind == "update_function" && string_or(step.params, "alias").empty();
}

bool was_started(const Deployment& deployment, const PlanStep& step) {
  const StepState* state = deployment.step(step.id);
  return state != nullptr && state->attempts > 0;
}

std::string full_name(const ReleaseName& release) {
  return release.version + "@" + release.sha;
}

}  // namespace

json::object to_json(const HookSettings& hook) {
  json::object expected;
  for (const auto& [path, text] : hook.expect) expected[path] = text;
  json::object params{{"hook", hook.name},
                      {"when", to_string(hook.when)},
                      {"function", hook.function},
                      {"qualifier", hook.qualifier},
                      {"payload", hook.payload},
                      {"expect", std::move(expected)},
                      {"timeout_ms", hook.timeout.count()},
                      {"retries", hook.retries},
                      {"idempotent", hook.is_idempotent},
                      {"compatible_with_previous", hook.is_compatible_with_previous}};
  if (hook.undo) params["undo"] = *hook.undo;
  return params;
}

HookSettings hook_from_json(const json::object& params) {
  HookSettings hook;
  const auto object_at = [&](std::string_view name) -> const json::object* {
    const json::value* value = params.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
  };
  hook.name = string_or(params, "hook");
  if (string_or(params, "when") == to_string(HookWhen::after_traffic))
    hook.when = HookWhen::after_traffic;
  hook.function = string_or(params, "function");
  hook.qualifier = string_or(params, "qualifier");
  if (const auto* payload = object_at("payload")) hook.payload = *payload;
  if (const auto* expected = object_at("expect"))
    for (const auto& [path, text] : *expected)
      if (text.is_string()) hook.expect[std::string(path)] = std::string(text.get_string());
  hook.timeout = std::chrono::milliseconds(int_or(params, "timeout_ms", hook.timeout.count()));
  hook.retries = static_cast<int>(int_or(params, "retries"));
  hook.is_idempotent = bool_or(params, "idempotent");
  hook.is_compatible_with_previous = bool_or(params, "compatible_with_previous");
  if (const auto* undo = object_at("undo")) hook.undo = *undo;
  return hook;
}

std::string hook_step_id(std::string_view name) {
  return fmt::format("hook_{}", name);
}

std::string hook_key(const Deployment& deployment, const HookSettings& hook,
                     std::string_view digest) {
  const ReleaseName& release = deployment.release;
  const std::string once_for =
      hook.undo ? deployment.id : fmt::format("{}\n{}\n{}", release.version, release.sha, digest);
  return sha256_hex(fmt::format("hook\n{}\n{}\n{}\n{}", deployment.app, deployment.environment,
                                hook.name, once_for))
      .substr(0, kKeyLength);
}

bool bars_the_way_back(const HookSettings& hook) {
  return !hook.undo && !hook.is_compatible_with_previous;
}

std::map<std::string, HookRun> hook_runs(const std::vector<Deployment>& newest_first,
                                         const ReleaseName& release, std::string_view digest) {
  std::map<std::string, HookRun> runs;
  for (const Deployment& deployment : newest_first) {
    if (!deployment.plan || !is_same_release(deployment, release, digest)) continue;
    for (const PlanStep& step : deployment.plan->steps) {
      const StepState* state = deployment.step(step.id);
      if (!is_hook(step) || state == nullptr || step.params->contains("undo")) continue;
      const std::string name = string_or(step.params, "hook");
      if (state->try_effect == kEffectDone)
        runs[name] = {deployment.id, true};
      else if (state->try_effect == kEffectUnknown)
        runs.try_emplace(name, HookRun{deployment.id, false});
    }
  }
  return runs;
}

Result<void> check_hook_runs(const EnvironmentConfig& environment, const PlanFacts& facts) {
  for (const HookSettings& hook : environment.hooks) {
    const auto run = facts.hook_runs.find(hook.name);
    if (run == facts.hook_runs.end() || run->second.is_known || hook.is_idempotent || hook.undo)
      continue;
    return Error(ErrorKind::refused,
                 fmt::format("whether the hook {} did its work for this release in deployment {} "
                             "was never heard, and it may not be called twice",
                             hook.name, run->second.deployment))
        .with_hint(
            fmt::format("find out, and say it: --hook {0}=ran, or --hook {0}=again", hook.name));
  }
  return ok();
}

std::string past_the_point_of_no_return(const Plan& plan, const Deployment& deployment) {
  const bool is_moved = std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& step) {
    return moves_traffic(step) && was_started(deployment, step);
  });
  if (!is_moved) return "";
  for (const PlanStep& step : plan.steps) {
    const StepState* state = deployment.step(step.id);
    if (!is_hook(step) || state == nullptr || !may_have_run(*state)) continue;
    if (!bars_the_way_back(hook_from_json(step.params))) continue;
    return fmt::format(
        "the hook {} {}, has no undo and is not compatible_with: previous, so the "
        "code that was live before could not read what it made",
        string_or(step.params, "hook"),
        state->try_effect == kEffectDone ? "has run" : "may have run");
  }
  return "";
}

std::string blocked_by_hooks(const std::vector<Deployment>& newest_first,
                             const RollbackTarget& target) {
  // Those after the target's, oldest first: what each made must be readable by the target's code.
  std::string live_before = full_name(target.release);
  auto at = std::find_if(newest_first.begin(), newest_first.end(),
                         [&](const auto& each) { return each.id == target.deployment_id; });
  if (at == newest_first.end()) return "";
  while (at != newest_first.begin()) {
    const Deployment& deployment = *--at;
    for (const PlanStep& step :
         deployment.plan ? deployment.plan->steps : std::vector<PlanStep>()) {
      const StepState* state = deployment.step(step.id);
      if (!is_hook(step) || state == nullptr || !may_have_run(*state) || is_taken_back(*state))
        continue;
      // Compatible with the release before it, which is not to say with those before that one.
      const bool is_fine = bool_or(step.params, "compatible_with_previous") &&
                           live_before == full_name(target.release);
      if (is_fine || deployment.release == target.release) continue;
      return fmt::format(
          "the hook {} of {} ({}) {}, and the code of {} is not known to read what "
          "it made",
          string_or(step.params, "hook"), deployment.release.version, deployment.id,
          state->try_effect == kEffectDone ? "has run" : "may have run", target.release.version);
    }
    if (deployment.phase == Phase::succeeded) live_before = full_name(deployment.release);
  }
  return "";
}

}  // namespace pawl
