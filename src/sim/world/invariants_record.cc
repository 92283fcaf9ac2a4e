// The invariants over the record.
#include <algorithm>
#include <functional>
#include <span>

#include "sim/world/invariant_names.h"
#include "sim/world/invariants.h"
#include "sim/world/world.h"

namespace pawl::sim {

using namespace invariant;

namespace {

constexpr int kMostTellings = 12;         // a deployment's end, over all its processes
constexpr uint64_t kMostEntries = 1'000;  // in its record

bool owns(Phase phase) {
  return phase == Phase::deploying || phase == Phase::verifying || phase == Phase::rolling_back;
}

// Written by the process that holds the environment, and by nobody else.
bool is_holders(EventType type) {
  switch (type) {
    case EventType::accepted:
    case EventType::validated:
    case EventType::waiting:
    case EventType::cancel_requested:
    case EventType::interrupted:  // also by one in line
    case EventType::finished:     // also in line
      return false;
    default:
      return true;
  }
}

void each_text(const json::value& value, const std::function<void(std::string_view)>& look) {
  if (const auto* text = value.if_string()) {
    look(std::string_view(text->data(), text->size()));
  } else if (const auto* list = value.if_array()) {
    for (const auto& element : *list) each_text(element, look);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) each_text(member.value(), look);
  }
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
  if (is_new) {
    lines_[fold.environment].push_back(fold.id);
    ++open_;
  }
  if (event.sequence == kMostEntries)
    broken(kRest, fmt::format("{} goes round in circles: {} entries", fold.id, kMostEntries));
  check_token(fold, event);
  if (!event.step.empty()) check_step(fold, event);
  const bool is_from_config = event.type == EventType::planned;
  if (world_.faults.is_on(Fault::blab) && !is_from_config) check_secrets(event);
  if (bool_or(event.data, "observed")) world_.seen.count("a step was found done already");
  if (event.type == EventType::resumed) world_.seen.count("another node took a deployment over");

  std::string& owner = owners_[fold.environment];
  if (owns(fold.phase)) {
    if (!owner.empty() && owner != fold.id)
      broken(kOneOwner, fmt::format("{} and {} both run in {}", owner, fold.id, fold.environment));
    owner = fold.id;
  } else if (owner == fold.id) {
    owner.clear();
  }
  if (event.type == EventType::validated && fold.kind == DeploymentKind::rollback)
    check_target(fold);
  if (event.type == EventType::started) check_started(fold);
  if (event.type == EventType::planned) check_planned(fold);
  if (event.type == EventType::finished) check_finished(fold);
}

void Invariants::check_token(const Deployment& deployment, const Event& event) {
  if (event.fencing_token == 0) {
    if (is_holders(event.type))
      broken(kOldEpochs, fmt::format("'{}' of {} was recorded without a token",
                                     to_string(event.type), deployment.id));
    return;
  }
  uint64_t& epoch = epochs_[deployment.environment];
  if (event.fencing_token < epoch)
    broken(kOldEpochs,
           fmt::format("'{}' of {} was recorded with token {} after token {}",
                       to_string(event.type), deployment.id, event.fencing_token, epoch));
  epoch = std::max(epoch, event.fencing_token);
}

// Undos come in the reverse order of the starts; after a cancel nothing more is begun.
void Invariants::check_step(const Deployment& deployment, const Event& event) {
  Watched& watched = watched_[deployment.id];
  if (event.type == EventType::step_started) {
    const bool is_first = watched.started.try_emplace(event.step, event.sequence).second;
    // What had been on its way when it came may still be recorded, and of what is to be left each
    // step that a dead process had begun is ended.
    constexpr int kSideBySide = 4;
    const bool is_new = deployment.is_to_be_left() ? is_first : true;
    if (deployment.cancel_requested && is_new && ++watched.starts_after_cancel > kSideBySide)
      broken(kHeeded, fmt::format("{} was cancelled by {}, and goes on with {}", deployment.id,
                                  deployment.cancelled_by, event.step));
  }
  if (event.type != EventType::undo_started || !watched.undone.insert(event.step).second) return;
  const auto started = watched.started.find(event.step);
  const uint64_t start = started == watched.started.end() ? 0 : started->second;
  if (start > watched.last_undone)
    broken(kRestored, fmt::format("{} undoes {} after a step that was begun before it",
                                  deployment.id, event.step));
  watched.last_undone = start;
}

void Invariants::check_secrets(const Event& event) {
  each_text(*event.data, [&](std::string_view text) {
    written(fmt::format("'{}' of {}", to_string(event.type), event.deployment), text);
  });
}

void Invariants::check_started(const Deployment& deployment) {
  // What people left live serves callers on the data as it is: to go back to that is no harm.
  const auto data = world_.hooks.find(deployment.environment);
  if (data != world_.hooks.end()) data->second.trust(world_.look(deployment.environment).live);
  const std::string& first = lines_[deployment.environment].front();
  if (first != deployment.id)
    broken(kLine,
           fmt::format("{} began before {}, which was accepted earlier", deployment.id, first));
  if (deployment.verdict != "deploy")
    broken(kRefusal,
           fmt::format("{} began, and was decided as '{}'", deployment.id, deployment.verdict));
}

// The latest release that was proven here and that nobody went back from; the live one is none,
// unless what was live is lost. As it was before the last few successes: somebody who asks has read
// the record a little earlier.
const Invariants::Success* Invariants::target_of_rollback(const std::string& environment,
                                                          size_t earlier, bool is_live) {
  const std::vector<Success>& all = successes_[environment];
  if (all.size() <= earlier) return nullptr;
  const std::span<const Success> proven(all.data(), all.size() - earlier);
  if (!is_live && !proven.back().was_lost) return nullptr;
  std::set<std::string> given_up;
  if (is_live) given_up.insert(proven.back().version);
  for (size_t i = 1; i < proven.size(); ++i)
    if (proven[i].is_rollback) given_up.insert(proven[i - 1].version);
  for (size_t i = proven.size(); i > 0; --i)
    if (given_up.count(proven[i - 1].version) == 0) return &proven[i - 1];
  return nullptr;
}

void Invariants::check_planned(const Deployment& deployment) {
  const std::string& digest = watched_[deployment.id].digest = digest_of(deployment);
  if (deployment.kind != DeploymentKind::rollback) {
    const auto known = world_.tagged.find(deployment.release.version);
    if (known != world_.tagged.end() && known->second.count(digest) == 0)
      broken(kChecked, fmt::format("{} is planned with another image than {} has", deployment.id,
                                   deployment.release.version));
    return;
  }
  const auto& proven = successes_[deployment.environment];
  const bool is_proven = std::any_of(proven.begin(), proven.end(), [&](const Success& one) {
    return one.digest == digest && one.version == deployment.release.version;
  });
  if (!is_proven)
    broken(kProven, fmt::format("{} goes back to {} ({}), which was never proven here",
                                deployment.id, deployment.release.version, digest));
}

void Invariants::check_target(const Deployment& deployment) {
  std::string expected = "nothing";
  // One that stood still between its look at the record and its word saw one much older.
  const size_t seen_late = world_.faults.any({Fault::pause, Fault::store_slow}) ? 12 : 3;
  for (size_t earlier = 0; earlier < seen_late; ++earlier) {
    for (const bool is_live : {false, true}) {
      const Success* target = target_of_rollback(deployment.environment, earlier, is_live);
      if (target == nullptr) continue;
      if (target->version == deployment.release.version) return;
      if (earlier == 0 && expected == "nothing") expected = target->version;
    }
  }
  broken(kProven, fmt::format("{} is to go back to {}; the last that was proven is {}",
                              deployment.id, deployment.release.version, expected));
}

void Invariants::at_rest() {
  after_step();
  for (const auto& id : acknowledged_)
    if (folds_.count(id) == 0)
      broken(kKept, fmt::format("{} was acknowledged and is not there", id));
  std::map<std::string, int> told;
  for (const auto& one : world_.told)
    if (one.outcome != "in_progress") ++told[one.deployment_id];
  for (const auto& [id, deployment] : folds_) {
    if (!is_terminal(deployment.phase))
      broken(kRest,
             fmt::format("{} is still {}: {}", id, to_string(deployment.phase), deployment.reason));
    const int tellings = told[id];
    if (tellings > kMostTellings) broken(kRest, fmt::format("{} was told {} times", id, tellings));
    const bool is_to_be_told = bool(deployment.plan) && is_terminal(deployment.phase);
    if (is_to_be_told && tellings == 0 && deployment.notifications.empty())
      broken(kRest, fmt::format("nobody was told how {} ended", id));
  }
  check_trunk_at_rest();
}

}  // namespace pawl::sim
