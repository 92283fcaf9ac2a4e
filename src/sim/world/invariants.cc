// The invariants over requests: who may change the world, and how often.
#include "sim/world/invariants.h"

#include <iterator>
#include <utility>

#include "sim/world/invariant_names.h"
#include "sim/world/world.h"

namespace pawl::sim {

using namespace invariant;

void Invariants::broken(const char* invariant, std::string what) {
  world_.tell("BROKEN", "{}: {}", invariant, what);
  violations_.push_back({invariant, std::move(what)});
}

const std::string& Invariants::owner_of(const std::string& environment) const {
  static const std::string kNobody;
  const auto found = owners_.find(environment);
  return found == owners_.end() ? kNobody : found->second;
}

void Invariants::acknowledged(const std::string& deployment) {
  acknowledged_.insert(deployment);
}

void Invariants::leased(const Lease& lease, SteadyTime asked_at,
                        std::chrono::milliseconds duration) {
  deadlines_[{lease.environment, lease.token}] = asked_at + duration;
}

void Invariants::freed(const std::string& node, const Lease& lease) {
  if (node == lease.owner || world_.gone.count(lease.owner) > 0) return;
  const auto current = world_.clock.run(world_.store.lease(lease.app, lease.environment));
  if (!current.ok() || !*current || (*current)->token != lease.token) return;  // nothing happens
  const auto deadline = deadlines_.find({lease.environment, lease.token});
  if (deadline == deadlines_.end() || world_.clock.steady_now() >= deadline->second) return;
  const auto fold = folds_.find(lease.deployment);
  if (fold != folds_.end() && is_terminal(fold->second.phase)) return;
  broken(kOldEpochs, fmt::format("{} takes {} from {}, which holds it for {}", node,
                                 lease.environment, lease.owner, lease.deployment));
}

void Invariants::announced(const std::string& node, Announcement by) {
  const auto fold = folds_.find(by.deployment);
  const std::string environment = fold == folds_.end() ? "" : fold->second.environment;
  const auto deadline = deadlines_.find({environment, by.token});
  if (deadline == deadlines_.end() || world_.clock.steady_now() >= deadline->second)
    broken(kOldEpochs, fmt::format("{} of {} would change the world, and its lease (token {}) has "
                                   "run out",
                                   by.step, by.deployment, by.token));
  announced_[node] = std::move(by);
}

// What another process has sent since this one took over, it cannot know of.
bool Invariants::is_to_be_asked(const Unknown& unknown, const Effect& effect) const {
  if (unknown.deployment != effect.by.deployment) return false;
  const auto granted = granted_.find({effect.environment, effect.by.token});
  return unknown.token == effect.by.token || granted == granted_.end() ||
         unknown.since <= granted->second;
}

size_t Invariants::issued(const std::string& node, const std::string& action,
                          const std::string& resource) {
  after_step();  // the record as it is at this moment
  ++moment_;
  Effect effect;
  effect.action = action;
  effect.resource = resource;
  effect.issued_at = moment_;
  const auto said = announced_.find(node);
  if (said == announced_.end()) {
    broken(kOldEpochs,
           fmt::format("{} of {} was sent without a look at the lease", action, resource));
    effects_.push_back(std::move(effect));
    return effects_.size() - 1;
  }
  effect.by = std::move(said->second);
  announced_.erase(said);
  const auto fold = folds_.find(effect.by.deployment);
  if (fold != folds_.end()) {
    effect.environment = fold->second.environment;
    if (fold->second.verdict != "deploy")
      broken(kRefusal, fmt::format("{} was decided as '{}', and sends {}", effect.by.deployment,
                                   fold->second.verdict, action));
    // By its own clock it still holds what was taken from it by force: what it sends is late, and
    // is judged as such when it arrives.
    const bool was_taken = forced_.count({effect.environment, effect.by.token}) > 0;
    if (is_terminal(fold->second.phase) && !was_taken)
      broken(kTerminal, fmt::format("{} has ended, and sends {} ({})", effect.by.deployment, action,
                                    effect.by.step));
  }
  if (intents_[effect.by.deployment].count(effect.by.key) == 0)
    broken(kIntent, fmt::format("{} sends {} for {}, which the record does not know of",
                                effect.by.deployment, action, effect.by.step));
  if (const auto unknown = unknown_.find(resource);
      unknown != unknown_.end() && is_to_be_asked(unknown->second, effect))
    broken(kAsked, fmt::format("{} sends {} without having asked what became of the last request "
                               "about {}",
                               effect.by.step, action, resource));
  Watched& watched = watched_[effect.by.deployment];
  if (!watched.before && !effect.environment.empty())
    watched.before = world_.look(effect.environment);
  if (action == "invoke" && fold != folds_.end()) check_hook_call(fold->second, effect.by.step);
  // Pawl's own objects are named by deployment and content: writing one again is the same write.
  const bool is_own_object = resource.find("/.pawl/") != std::string::npos;
  // And a hook is asked by calling it once more with the same key.
  if (!is_own_object && action != "invoke")
    unknown_[resource] = {effect.by.deployment, effect.by.key, effect.by.token, moment_};
  effects_.push_back(std::move(effect));
  return effects_.size() - 1;
}

void Invariants::carried_out(size_t number, bool changed) {
  Effect& effect = effects_[number];
  const bool is_late = epochs_[effect.environment] > effect.by.token;
  if (is_late) world_.seen.count("a request was sent under a lease that was lost");
  if (!changed) return;
  if (is_late && effect.action == "remove_anything")
    broken(kOldEpochs, fmt::format("{} of {} deletes {}, whatever is there, under a lease that is "
                                   "lost",
                                   effect.by.step, effect.by.deployment, effect.resource));
  // AWS takes no precondition for an alias's deletion; that nothing is there, and If-Match, which
  // compares contents, hold again when what was there has been put back. What was sent just before
  // its process was put to sleep hits what it finds (docs/guarantees.md, "What is not promised").
  const bool is_unfenced = effect.action == "delete_alias" || effect.action == "create_alias" ||
                           effect.resource.rfind("s3 ", 0) == 0;
  if (is_late && is_unfenced) {
    world_.seen.count("what nobody can fence arrived late and hit what came after");
    if (const std::string& owner = owner_of(effect.environment); !owner.empty())
      watched_[owner].is_touched = watched_[owner].is_robbed = true;
    if (auto& successes = successes_[effect.environment]; !successes.empty())
      successes.back().was_robbed = true;
    taken_away(effect.resource);  // and is put right once more
    return;
  }
  if (effect.action == "delete_alias") forget_what_was_deleted(effect);
  watched_[effect.by.deployment].last_change = ++moment_;
  ++effect.changes;
  const int changes = ++changes_[{effect.by.key, effect.resource}];
  if (changes > 1)
    broken(kOnce, fmt::format("{} of {} changed {} {} times ({})", effect.by.step,
                              effect.by.deployment, effect.resource, changes, effect.action));
}

// What somebody set while the deletion was on its way: nothing could have refused it.
void Invariants::forget_what_was_deleted(const Effect& effect) {
  auto& hands = watched_[effect.by.deployment].hands;
  const size_t gone = std::erase_if(hands, [&](const Hand& hand) {
    return hand.what == "alias" && hand.moment >= effect.issued_at;
  });
  if (gone > 0) world_.seen.count("what nobody can fence hit what was set while it was under way");
}

void Invariants::answered(size_t number, bool is_known) {
  Effect& effect = effects_[number];
  effect.is_answered = true;
  effect.is_known = is_known;
  ++moment_;
  const auto unknown = unknown_.find(effect.resource);
  if (unknown != unknown_.end() && unknown->second.key == effect.by.key) {
    if (is_known)
      unknown_.erase(unknown);
    else
      unknown->second.since = moment_;
  }
  if (!is_known)
    world_.seen.count(effect.changes > 0 ? "an outcome was unknown and the change was made"
                                         : "an outcome was unknown and the change was not made");
}

void Invariants::read(const std::string& resource, uint64_t moment) {
  auto at = unknown_.lower_bound(resource);
  while (at != unknown_.end() && at->first.rfind(resource, 0) == 0)
    at = at->second.since <= moment ? unknown_.erase(at) : std::next(at);
}

void Invariants::written(const std::string& where, std::string_view text) {
  if (!world_.faults.is_on(Fault::blab)) return;
  for (const std::string_view secret :
       {std::string_view(World::kSecret), std::string_view(world_.secret_in_base64),
        std::string_view(world_.secret_in_url)})
    if (text.find(secret) != std::string_view::npos)
      broken(kSecrets, fmt::format("a secret stands in {}", where));
}

void Invariants::probed(const std::string& environment, const std::string& digest, bool is_good) {
  const std::string& owner = owner_of(environment);
  if (!is_good || owner.empty()) return;
  Watched& watched = watched_[owner];
  // Callers may get what was there before for a while, and an answer tells its version by name: of
  // two images of one name it cannot tell which.
  const auto ours = world_.releases.find(watched.digest);
  const bool is_named_alike =
      ours != world_.releases.end() && ours->second.version == world_.releases.at(digest).version;
  if (watched.digest == digest || is_named_alike) watched.witnessed_at = ++moment_;
}

// The engine's own fold, just after an entry, against ours of the same entries.
void Invariants::node_says(const Deployment& theirs) {
  after_step();
  const auto ours = folds_.find(theirs.id);
  if (theirs.contradictions != 0)
    broken(kFold, fmt::format("{} has an entry that does not fit", theirs.id));
  if (ours == folds_.end() || ours->second.last_sequence != theirs.last_sequence) return;
  if (ours->second.phase != theirs.phase)
    broken(kFold, fmt::format("{} is {} in the record and {} in memory", theirs.id,
                              to_string(ours->second.phase), to_string(theirs.phase)));
  if (is_terminal(theirs.phase) && ours->second != theirs)
    broken(kFold, fmt::format("{} is told differently by the record and in memory", theirs.id));
}

void Invariants::taken_away(const std::string& resource) {
  std::erase_if(changes_, [&](const auto& one) { return one.first.second == resource; });
}

void Invariants::changed_by_hand(const std::string& environment, const std::string& what,
                                 const std::string& value) {
  after_step();
  const std::string& owner = owner_of(environment);
  // What follows is another state: the same effect may well be made once more in it.
  const std::string& function = world_.environment(environment).function.name;
  std::erase_if(changes_, [&](const auto& one) {
    const std::string& resource = one.first.second;
    return resource == "function " + function || resource == "alias " + function ||
           resource == what;
  });
  world_.note_change((what == "alias" ? "alias " : "function ") + function, true);
  if (owner.empty()) return;
  world_.seen.count("somebody changed the function during a deployment");
  Watched& watched = watched_[owner];
  watched.is_touched = true;
  const bool is_file = what.rfind("s3 ", 0) == 0;
  if (is_file) {
    // Before its first look at the files, what it finds is what was there.
    const StepState* looked = folds_.at(owner).step("switch_static");
    if (looked == nullptr || looked->attempts == 0) return;
    watched.hands.push_back({what, value, moment_});
    return;
  }
  const StepState* capture = folds_.at(owner).step("capture_live");
  if (capture == nullptr || capture->status != StepStatus::succeeded) return;
  // To put back by hand what was there before looks like our change never having arrived, and to
  // put what the deployment puts there looks like its own.
  const std::string then =
      string_or(capture->outputs, what == "alias" ? "alias.version" : "latest.digest");
  std::erase_if(watched.hands, [&](const Hand& earlier) { return earlier.what == what; });
  const Deployment& deployment = folds_.at(owner);
  const std::string ours = what == "alias" ? version_of(deployment) : digest_of(deployment);
  if (value != then && value != ours) watched.hands.push_back({what, value, moment_});
}

std::string Invariants::version_of(const Deployment& deployment) {
  std::string published = deployment.output("publish_version", "function_version");
  if (!published.empty() || !deployment.plan) return published;
  const std::string restored = deployment.output("restore_function", "function_version");
  const PlanStep* step = deployment.plan->step("restore_function");
  return restored.empty() && step ? string_or(step->params, "function_version") : restored;
}

std::string Invariants::digest_of(const Deployment& deployment) {
  if (!deployment.plan) return "";
  for (const PlanStep& step : deployment.plan->steps) {
    if (step.kind == "copy_image") return string_or(step.params, "digest");
    if (step.kind == "restore_function") {
      const std::string uri = string_or(step.params, "image_uri");
      return uri.substr(std::min(uri.size(), uri.find('@') + 1));
    }
  }
  return "";
}

}  // namespace pawl::sim
