// The invariant over what CI delivers: late, twice, in any order.
#include "sim/world/invariant_names.h"
#include "sim/world/invariants.h"
#include "sim/world/world.h"

namespace pawl::sim {

using namespace invariant;

void Invariants::check_delivered(const Deployment& deployment) {
  const size_t place = world_.place_of(deployment.release.sha);
  if (deployment.phase == Phase::superseded) {
    world_.seen.count("an older commit was superseded");
    if (place >= newest_live_)
      broken(kDelivery, fmt::format("{} ended as superseded, and nothing newer than {} was live",
                                    deployment.id, deployment.release.version));
  }
  if (deployment.phase != Phase::succeeded) return;
  if (place < newest_live_)
    broken(kDelivery, fmt::format("{} put commit {} in the place of a newer one", deployment.id,
                                  deployment.release.version));
  if (newest_live_ > 0 && place > newest_live_)
    world_.seen.count("a newer commit took an older one's place");
  newest_live_ = std::max(newest_live_, place);
}

// Whatever came when: callers get the newest commit that could be made live.
void Invariants::check_trunk_at_rest() {
  if (world_.commits.empty()) return;
  const auto& successes = successes_[World::kTrunk];
  if (newest_live_ > 0 && !successes.back().was_lost && !successes.back().was_robbed) {
    const std::string live = world_.look(World::kTrunk).live;
    const auto release = world_.releases.find(live);
    const std::string newest = short_sha(world_.commits[newest_live_ - 1]);
    if (release == world_.releases.end() || release->second.version != newest)
      broken(kDelivery,
             fmt::format("commit {} was made live last, and callers get {}", newest,
                         release == world_.releases.end() ? live : release->second.version));
  }
  // Each commit was heard of: in order, one by one, the newest that is sound would be live.
  const bool is_calm =
      !may_fail() && !world_.faults.any({Fault::crash, Fault::stop, Fault::pause, Fault::lease,
                                         Fault::store_refuses, Fault::store_answer,
                                         Fault::store_slow, Fault::by_hand});
  if (!is_calm) return;
  std::set<std::string, std::less<>> cancelled;  // by somebody
  for (const auto& [id, deployment] : folds_)
    if (deployment.cancel_requested) cancelled.insert(deployment.release.sha);
  size_t soundest = world_.commits.size();
  const auto is_sound = [&](size_t place) {
    const std::string& commit = world_.commits[place - 1];
    return cancelled.count(commit) == 0 &&
           world_.releases.at(world_.source.at(short_sha(commit))).is_healthy;
  };
  while (soundest > 0 && !is_sound(soundest)) --soundest;
  if (soundest > newest_live_)
    broken(kDelivery, fmt::format("of {} commits the newest that is sound is {}, and {} is live",
                                  world_.commits.size(), soundest, newest_live_));
}

}  // namespace pawl::sim
