// The invariants over the record, and over the world at the end of each deployment.
#include <algorithm>

#include "sim/world/invariant_names.h"
#include "sim/world/invariants.h"
#include "sim/world/world.h"

namespace pawl::sim {

using namespace invariant;

namespace {

constexpr int kMostTellings = 12;  // a deployment's end, over all its processes

bool owns(Phase phase) {
  return phase == Phase::deploying || phase == Phase::verifying || phase == Phase::rolling_back;
}

}  // namespace

void Invariants::after_step() {
  const auto& history = world_.store.history();
  while (taken_ < history.size()) take(history[taken_++]);
}

void Invariants::take(const Event& event) {
  Deployment& fold = folds_[event.deployment];
  const Phase before = fold.phase;
  const bool is_new = fold.last_sequence == 0;
  if (is_new) accepted_order_.push_back(event.deployment);
  if (!is_new && is_terminal(before))
    broken(kTerminal, fmt::format("'{}' follows the end of {}", to_string(event.type), fold.id));
  apply(fold, event);
  if (fold.contradictions != 0)
    broken(kFold,
           fmt::format("'{}' does not fit the record of {}", to_string(event.type), fold.id));
  if (!is_new && fold.phase != before && !is_allowed_transition(before, fold.phase))
    broken(kFold,
           fmt::format("{} went from {} to {}", fold.id, to_string(before), to_string(fold.phase)));
  if (auto key = string_or(event.data, "key"); !key.empty()) intents_[fold.id].insert(key);
  if (bool_or(event.data, "observed")) world_.seen.count("a step was found done already");
  if (event.type == EventType::resumed) world_.seen.count("another node took a deployment over");

  if (event.fencing_token != 0) {
    uint64_t& epoch = epochs_[fold.environment];
    if (event.fencing_token < epoch)
      broken(kOldEpochs, fmt::format("'{}' of {} was recorded with token {} after token {}",
                                     to_string(event.type), fold.id, event.fencing_token, epoch));
    epoch = std::max(epoch, event.fencing_token);
  }
  std::string& owner = owners_[fold.environment];
  if (owns(fold.phase)) {
    if (!owner.empty() && owner != fold.id)
      broken(kOneOwner, fmt::format("{} and {} both run in {}", owner, fold.id, fold.environment));
    owner = fold.id;
  } else if (owner == fold.id) {
    owner.clear();
  }
  if (event.type == EventType::started) check_started(fold);
  if (event.type == EventType::planned) check_planned(fold);
  if (event.type == EventType::finished) check_finished(fold);
}

void Invariants::check_started(const Deployment& deployment) {
  for (const auto& id : accepted_order_) {
    if (id == deployment.id) return;
    const Deployment& earlier = folds_.at(id);
    if (earlier.environment == deployment.environment && !is_terminal(earlier.phase))
      broken(kLine,
             fmt::format("{} began before {}, which was accepted earlier", deployment.id, id));
  }
}

void Invariants::check_planned(const Deployment& deployment) {
  const std::string digest = digest_of(deployment);
  if (deployment.kind != DeploymentKind::rollback) {
    const auto known = world_.source.find(deployment.release.version);
    if (known != world_.source.end() && known->second != digest)
      broken(kChecked, fmt::format("{} is planned with another image than {} has", deployment.id,
                                   deployment.release.version));
    return;
  }
  // The latest success before the one that is live now.
  std::vector<const Deployment*> proven;
  for (const auto& id : accepted_order_) {
    const Deployment& one = folds_.at(id);
    if (one.environment == deployment.environment && one.phase == Phase::succeeded)
      proven.push_back(&one);
  }
  const bool is_proven = std::any_of(proven.begin(), proven.end(), [&](const Deployment* one) {
    return digest_of(*one) == digest;
  });
  if (!is_proven)
    broken(kProven,
           fmt::format("{} goes back to {}, which no deployment proved", deployment.id, digest));
}

bool Invariants::may_fail() const {
  return world_.faults.any({Fault::request_lost, Fault::answer_lost, Fault::throttle,
                            Fault::server_error, Fault::slow_update, Fault::update_fails,
                            Fault::image_gone, Fault::flapping, Fault::delay});
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
  const LiveView now = world_.look(deployment.environment);
  check_hands(deployment, now);
  const Watched& watched = watched_[deployment.id];
  if (deployment.phase == Phase::succeeded) check_success(deployment, now);
  const bool says_undone =
      deployment.phase == Phase::rolled_back || deployment.phase == Phase::cancelled;
  if (says_undone && !watched.is_touched) check_restored(deployment, now);
  if (deployment.phase == Phase::failed && !watched.is_touched && !may_fail())
    broken(kRestored, fmt::format("{} could not be undone, and nothing stood in its way: {}",
                                  deployment.id, deployment.reason));
  for (const StepState& step : deployment.steps)
    if (step.status == StepStatus::running || step.status == StepStatus::undoing)
      broken(kRest, fmt::format("{} ended with {} still {}", deployment.id, step.id,
                                to_string(step.status)));
}

void Invariants::check_success(const Deployment& deployment, const LiveView& now) {
  const Watched& watched = watched_[deployment.id];
  const std::string digest = digest_of(deployment);
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
  for (const auto& [path, body] : world_.work_tree) {
    if (path.rfind(folder, 0) != 0) continue;
    const auto served = now.files.find(settings.prefix + path.substr(folder.size()));
    if (served == now.files.end() || served->second != cloud::md5_hex(body))
      broken(kChecked, fmt::format("{} succeeded, and {} is not served", deployment.id, path));
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
  if (now.weights != before.weights) differs("the alias's shares", "as it was", "another");
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
  const std::string ours = deployment.output("publish_version", "function_version");
  for (const auto& [what, value] : wanted) {
    if (what == "alias" && value == ours) continue;  // as if the deployment had moved it
    const std::string& is = what == "alias" ? now.alias_version : now.latest;
    if (is != value)
      broken(kByHand, fmt::format("{} put {} where somebody had set the {} to {}", deployment.id,
                                  is, what, value));
  }
}

void Invariants::at_rest() {
  after_step();
  for (const auto& id : acknowledged_)
    if (folds_.count(id) == 0)
      broken(kKept, fmt::format("{} was acknowledged and is not there", id));
  for (const auto& [id, deployment] : folds_) {
    if (!is_terminal(deployment.phase))
      broken(kRest,
             fmt::format("{} is still {}: {}", id, to_string(deployment.phase), deployment.reason));
    const auto tellings = std::count_if(
        world_.told.begin(), world_.told.end(),
        [&](const auto& one) { return one.deployment_id == id && one.outcome != "in_progress"; });
    if (tellings > kMostTellings) broken(kRest, fmt::format("{} was told {} times", id, tellings));
    const bool is_to_be_told = deployment.plan.has_value() && is_terminal(deployment.phase);
    if (is_to_be_told && tellings == 0 && deployment.notifications.empty())
      broken(kRest, fmt::format("nobody was told how {} ended", id));
  }
}

}  // namespace pawl::sim
