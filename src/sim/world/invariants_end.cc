// The invariants over the world at the end of each deployment.
#include "sim/world/invariant_names.h"
#include "sim/world/invariants.h"
#include "sim/world/world.h"

namespace pawl::sim {

using namespace invariant;

bool Invariants::may_fail() const {
  return world_.faults.any({Fault::request_lost, Fault::answer_lost, Fault::throttle,
                            Fault::server_error, Fault::slow_update, Fault::update_fails,
                            Fault::image_gone, Fault::flapping, Fault::delay, Fault::stale,
                            Fault::hook_fails});
}

void Invariants::see_end(const Deployment& deployment) {
  Seen& seen = world_.seen;
  const bool is_rollback = deployment.kind == DeploymentKind::rollback;
  if (deployment.phase == Phase::succeeded)
    seen.count(is_rollback ? "a rollback by command succeeded" : "a deployment succeeded");
  if (deployment.phase == Phase::rolled_back) seen.count("a deployment was rolled back");
  if (deployment.phase == Phase::cancelled) seen.count("a deployment was cancelled");
  if (deployment.phase == Phase::failed) seen.count("a deployment failed");
  const StepState* capture = deployment.step("capture_live");
  if (capture != nullptr && bool_or(capture->outputs, "nothing_live"))
    seen.count("a first deployment");
}

void Invariants::check_finished(const Deployment& deployment) {
  see_end(deployment);
  std::erase(lines_[deployment.environment], deployment.id);
  --open_;
  const LiveView now = world_.look(deployment.environment);
  check_hands(deployment, now);
  const Watched& watched = watched_[deployment.id];
  if (deployment.phase == Phase::succeeded) {
    check_success(deployment, now);
    successes_[deployment.environment].push_back({deployment.id, deployment.plan->release.version,
                                                  watched.digest,
                                                  deployment.kind == DeploymentKind::rollback});
  }
  auto& successes = successes_[deployment.environment];
  const bool is_lost = deployment.phase == Phase::failed || deployment.rollback_status == "left";
  if (is_lost && !successes.empty()) successes.back().was_lost = true;
  if (deployment.environment == World::kTrunk) check_delivered(deployment);
  if (watched.before) check_kept(deployment, *watched.before, now);
  const bool is_left = deployment.rollback_status == "left";
  if (is_left) world_.seen.count("a cancelled deployment was left as it was");
  const bool says_undone =
      deployment.phase == Phase::rolled_back || (deployment.phase == Phase::cancelled && !is_left);
  if (says_undone && !watched.is_touched) check_restored(deployment, now);
  const bool has_no_way_back = is_barred(deployment);
  check_hooks_at_end(deployment, now, says_undone && !watched.is_touched);
  // With shares on the alias it is chance which version answers, before and after.
  const bool is_shared = watched.before && !watched.before->weights.empty();
  if (deployment.phase == Phase::failed && !watched.is_touched && !may_fail() && !is_shared &&
      !has_no_way_back)
    broken(kRestored, fmt::format("{} could not be undone, and nothing stood in its way: {}",
                                  deployment.id, deployment.reason));
  for (const StepState& step : deployment.steps)
    if (step.status == StepStatus::running || step.status == StepStatus::undoing)
      broken(kRest, fmt::format("{} ended with {} still {}", deployment.id, step.id,
                                to_string(step.status)));
}

void Invariants::check_success(const Deployment& deployment, const LiveView& now) {
  const Watched& watched = watched_[deployment.id];
  const std::string& digest = watched.digest;
  if (watched.witnessed_at < watched.last_change || watched.witnessed_at == 0)
    broken(kWitnessed, fmt::format("{} succeeded, and its image was not seen to answer after its "
                                   "last change",
                                   deployment.id));
  if (!watched.is_touched && now.live != digest)
    broken(kWitnessed, fmt::format("{} succeeded, and callers get {} instead of {}", deployment.id,
                                   now.live, digest));
  if (!now.weights.empty() && !watched.is_touched)
    broken(kWitnessed, fmt::format("{} succeeded with shares left on the alias", deployment.id));
  // Every file of the release is served.
  const std::string folder = "dist/" + deployment.plan->release.version + "/";
  const auto& settings = *world_.environment(deployment.environment).static_files;
  for (auto at = world_.etags.lower_bound(folder);
       at != world_.etags.end() && at->first.rfind(folder, 0) == 0; ++at) {
    const auto served = now.files.find(settings.prefix + at->first.substr(folder.size()));
    const bool is_gone = served == now.files.end();
    if (is_gone ? !watched.is_robbed : served->second != at->second && !watched.is_touched)
      broken(kChecked, fmt::format("{} succeeded, and {} is not served", deployment.id, at->first));
  }
}

// However it ends: the files that are named by their content stay, since pages name them.
void Invariants::check_kept(const Deployment& deployment, const LiveView& before,
                            const LiveView& now) {
  for (const auto& [key, etag] : before.files) {
    if (key.find("/app.") == std::string::npos) continue;
    const auto found = now.files.find(key);
    if (found == now.files.end() || found->second != etag)
      broken(kRestored, fmt::format("{} ended, and {} is not what it was", deployment.id, key));
  }
}

void Invariants::check_restored(const Deployment& deployment, const LiveView& now) {
  const Watched& watched = watched_[deployment.id];
  if (!watched.before) return;
  const LiveView& before = *watched.before;
  const auto differs = [&](const char* what, const std::string& then, const std::string& is) {
    broken(kRestored, fmt::format("{} ended as {}, and {} is {} instead of {}", deployment.id,
                                  to_string(deployment.phase), what, is, then));
  };
  const bool version_gone = world_.faults.is_on(Fault::image_gone);
  if (now.live != before.live) differs("the live image", before.live, now.live);
  if (now.latest != before.latest) differs("the function's image", before.latest, now.latest);
  if (now.alias_version != before.alias_version && !version_gone)
    differs("the alias", before.alias_version, now.alias_version);
  if (now.alias_description != before.alias_description && !version_gone)
    differs("the alias's description", before.alias_description, now.alias_description);
  if (now.weights != before.weights && !version_gone)
    differs("the alias's shares", "as it was", "another");
  for (const auto& [key, etag] : before.files) {
    const auto found = now.files.find(key);
    if (found == now.files.end() || found->second != etag)
      differs(key.c_str(), etag, found == now.files.end() ? "gone" : found->second);
  }
  // New immutable files may stay: nobody's page names them.
  for (const auto& [key, etag] : now.files)
    if (before.files.count(key) == 0 && key.find("/app.") == std::string::npos)
      differs(key.c_str(), "not there", "there");
}

void Invariants::check_hands(const Deployment& deployment, const LiveView& now) {
  // What was set last of each is what must still be there.
  std::map<std::string, std::string> wanted;
  for (const Hand& hand : watched_[deployment.id].hands) wanted[hand.what] = hand.value;
  const std::string ours = version_of(deployment);
  for (const auto& [what, value] : wanted) {
    if (what == "alias" && value == ours) continue;  // as if the deployment had moved it
    std::string is = what == "alias" ? now.alias_version : now.latest;
    if (what.rfind("s3 ", 0) == 0) {
      const auto found = now.files.find(what.substr(what.find('/') + 1));
      is = found == now.files.end() ? "nothing" : found->second;
    }
    if (is != value)
      broken(kByHand, fmt::format("{} put {} where somebody had set the {} to {}", deployment.id,
                                  is, what, value));
  }
}

}  // namespace pawl::sim
