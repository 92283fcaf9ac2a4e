// The invariant over hooks (19), and what follows for going back: no rollback puts code on data
// that it cannot read.
#include <algorithm>
#include <array>

#include "core/hooks.h"
#include "sim/world/invariant_names.h"
#include "sim/world/invariants.h"
#include "sim/world/world.h"

namespace pawl::sim {

using namespace invariant;

namespace {

// Steps that come after a hook by their nature: before the traffic is moved nobody can be asked.
bool needs_the_traffic(const PlanStep& step, bool has_alias) {
  constexpr std::array kKinds = {"move_alias", "switch_static", "check_health"};
  const bool is_one = std::find(kKinds.begin(), kKinds.end(), step.kind) != kKinds.end();
  return is_one || (!has_alias && step.kind == "update_function");
}

}  // namespace

void Invariants::check_hook_call(const Deployment& deployment, const std::string& id) {
  const PlanStep* hook = deployment.plan ? deployment.plan->step(id) : nullptr;
  if (hook == nullptr || hook->params->contains("undo")) return;
  const bool is_before = string_or(hook->params, "when") == "before_traffic";
  const bool has_alias = !string_or(hook->params, "alias").empty();
  bool is_later = false;  // steps that stand after it: other hooks, the second look
  for (const PlanStep& step : deployment.plan->steps) {
    if (step.id == id) is_later = true;
    const bool is_free = step.id == id || !step.required ||
                         (is_before && needs_the_traffic(step, has_alias)) ||
                         (is_later && (step.kind == kHookKind || step.id == "check_health_again"));
    if (is_free || deployment.step(step.id)->status == StepStatus::succeeded) continue;
    broken(kHook, fmt::format("{} calls {}, which cannot be undone, and {} could still refuse it",
                              deployment.id, id, step.id));
  }
}

void Invariants::points_to(const std::string& node, const std::string& function,
                           const std::string& version) {
  const auto said = announced_.find(node);
  if (said == announced_.end()) return;
  const auto fold = folds_.find(said->second.deployment);
  if (fold == folds_.end()) return;
  const Deployment& deployment = fold->second;
  const bool goes_back =
      deployment.phase == Phase::rolling_back || deployment.kind == DeploymentKind::rollback;
  const auto data = world_.hooks.find(deployment.environment);
  if (!goes_back || data == world_.hooks.end() || data->second.readers.empty()) return;
  const auto code = world_.cloud.lambda.look_up(function, version, world_.clock.now());
  if (!code.ok()) return;
  const std::string& uri = (*code)->settings.resolved_image_uri;
  const std::string digest = uri.substr(std::min(uri.size(), uri.find('@') + 1));
  if (!data->second.can_be_read_by(digest))
    broken(kHook,
           fmt::format("{} puts {} back on data that it cannot read", deployment.id, digest));
}

bool Invariants::is_barred(const Deployment& deployment) {
  const Watched& watched = watched_[deployment.id];
  const auto data = world_.hooks.find(deployment.environment);
  if (data == world_.hooks.end() || !watched.before) return false;
  return !data->second.can_be_read_by(watched.before->live);
}

void Invariants::check_hooks_at_end(const Deployment& deployment, const LiveView& now,
                                    bool says_undone) {
  const auto found = world_.hooks.find(deployment.environment);
  if (found == world_.hooks.end()) return;
  HookData& data = found->second;
  if (deployment.rollback_status == "left" && deployment.phase == Phase::failed)
    world_.seen.count("a rollback was refused past the point of no return");
  // It has been seen to, or was left to, by people.
  if (!now.live.empty()) data.trust(now.live);
  if (!says_undone || data.warm.empty() || !deployment.plan) return;
  for (const PlanStep& step : deployment.plan->steps) {
    if (step.kind != kHookKind || !step.params->contains("undo")) continue;
    const std::string key = hook_key(deployment, hook_from_json(step.params), "");
    if (data.warm == key)
      broken(kRestored, fmt::format("{} ended as {}, and what {} did is still there", deployment.id,
                                    to_string(deployment.phase), step.id));
  }
}

}  // namespace pawl::sim
