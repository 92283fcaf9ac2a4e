// The swarm: random deployments, on random nodes, under random faults, then silence.
#include <algorithm>

#include "sim/world/invariant_names.h"
#include "sim/world/run_common.h"

namespace pawl::sim {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kMostPlayMs = 30 * 60'000;
// Once faults have stopped: time-outs run out, leases die, lines are worked off.
constexpr int64_t kRestWithinMs = 12 * 3'600'000;

class Swarm {
 public:
  Swarm(uint64_t seed, const Faults& allowed, bool tells)
      : world_(options_for(seed, allowed, tells)), stage_(world_) {}

  RunResult run() {
    world_.tell("", "faults: {}", world_.faults.str());
    Chance& chance = world_.chance;
    environments_ = {"dev"};
    if (chance.of(0.5)) environments_.push_back("plain");
    for (const auto& name : environments_) world_.make_environment(name);
    world_.clock.advance(milliseconds(5'000));
    machines_ = 1 + chance.below(3);
    machine_is_known_ = chance.of(0.6);
    for (size_t i = 0; i < machines_; ++i) stage_.start(i);
    stage_.on_death = [this](size_t machine) { died(machine); };
    plan_people();
    plan_accidents();
    const SteadyTime end = world_.clock.steady_now() + milliseconds(kMostPlayMs);
    stage_.play([&] { return world_.clock.steady_now() >= end; });
    if (!world_.invariants.is_broken()) rest();
    return result_of(world_, 0);
  }

 private:
  static WorldOptions options_for(uint64_t seed, const Faults& allowed, bool tells) {
    Chance chance(seed ^ 0x5eedu);
    return {seed, Faults::swarm(allowed, chance), tells};
  }

  milliseconds some_time() { return milliseconds(world_.chance.between(0, kMostPlayMs * 2 / 3)); }
  Node* some_node() { return stage_.node(world_.chance.below(machines_)); }
  const std::string& some_environment() {
    return environments_[world_.chance.below(environments_.size())];
  }

  void plan_people() {
    Chance& chance = world_.chance;
    const uint64_t count = 4 + chance.below(7);
    for (uint64_t i = 0; i < count; ++i)
      stage_.at(some_time(), [this] {
        Chance& at = world_.chance;
        const bool is_rollback = at.of(0.15);
        const std::string& environment = some_environment();
        const std::string version = is_rollback ? "" : world_.make_release(at.of(0.7));
        if (Node* node = some_node())
          node->accept(is_rollback ? DeploymentKind::rollback : DeploymentKind::deploy, environment,
                       version);
      });
    // Now and then somebody looks for what is left unfinished, also for what another still runs.
    for (uint64_t i = chance.below(8); i > 0; --i)
      stage_.at(some_time(), [this] {
        if (Node* node = some_node()) node->resume_all();
      });
    for (uint64_t i = chance.below(4); i > 0; --i)
      stage_.at(some_time(), [this] { cancel_something(); });
  }

  void cancel_something() {
    std::vector<std::string> open;
    for (const auto& [id, deployment] : world_.invariants.deployments())
      if (!is_terminal(deployment.phase)) open.push_back(id);
    Node* node = some_node();
    if (!open.empty() && node) node->cancel(open[world_.chance.below(open.size())]);
  }

  void several(Fault fault, std::function<void()> what) {
    if (!world_.faults.is_on(fault)) return;
    for (uint64_t i = 1 + world_.chance.below(4); i > 0; --i) stage_.at(some_time(), what);
  }

  void plan_accidents() {
    several(Fault::stop, [this] {
      if (Node* node = some_node()) node->stop();
    });
    several(Fault::clock, [this] {
      constexpr int64_t kDayMs = 86'400'000;
      if (Node* node = some_node()) {
        const milliseconds by(world_.chance.between(-kDayMs, kDayMs));
        node->clock().jump(by);
        world_.tell(node->owner(), "its wall clock jumps by {}", format_duration(by));
        for (const auto& name : environments_)
          if (world_.invariants.is_running(name))
            world_.seen.count("the wall clock jumped during a lease");
      }
    });
    several(Fault::lease, [this] {
      const std::string& environment = some_environment();
      auto lease = world_.clock.run(world_.store.lease(World::kApp, environment));
      if (!lease.ok() || !*lease) return;
      world_.tell("store", "takes {} from {}", environment, (*lease)->deployment);
      (void)world_.clock.run(world_.store.release_lease(**lease)).ok();
    });
    several(Fault::by_hand, [this] { change_by_hand(world_, some_environment()); });
    several(Fault::image_gone, [this] {
      const std::string& environment = some_environment();
      const std::string digest = world_.look(environment).live;
      const auto& repository = world_.environment(environment).function.repository;
      if (world_.cloud.ecr.remove_image(repository, {digest, ""}, world_.clock.now()).ok())
        world_.tell("cloud", "the image that is live in {} is deleted", environment);
    });
  }

  void died(size_t machine) {
    const std::string owner = fmt::format("n{}/{}", machine, ++deaths_[machine]);
    for (const auto& name : environments_) {
      const std::string& id = world_.invariants.owner_of(name);
      if (id.empty()) continue;
      const Deployment& deployment = world_.invariants.deployments().at(id);
      if (deployment.owner != owner) continue;
      if (deployment.phase == Phase::rolling_back)
        world_.seen.count("a process died while rolling back");
      if (taken_up_.count(id) > 0) world_.seen.count("a process died in recovery");
      taken_up_.insert(id);
    }
    // On this machine others see that it is gone; elsewhere its lease must run out.
    if (machine_is_known_) world_.gone.insert(owner);
    if (world_.chance.of(0.2)) return;  // never again: another takes over
    stage_.at(milliseconds(world_.chance.between(500, 90'000)), [this, machine] {
      if (stage_.node(machine)) return;
      Node& node = stage_.start(machine);
      if (world_.chance.of(0.7)) node.resume_all();
    });
  }

  bool all_ended() const {
    const auto& known = world_.invariants.deployments();
    return std::all_of(known.begin(), known.end(),
                       [](const auto& one) { return is_terminal(one.second.phase); });
  }

  // No more faults; whoever is up finishes what there is.
  void rest() {
    world_.tell("", "silence");
    world_.be_silent();
    for (size_t i = 0; i < machines_; ++i)
      if (!stage_.node(i)) stage_.start(i);
    for (size_t i = 0; i < machines_; ++i) stage_.node(i)->resume_all();
    const SteadyTime end = world_.clock.steady_now() + milliseconds(kRestWithinMs);
    stage_.play(
        [&] { return world_.clock.steady_now() >= end || (all_ended() && stage_.is_idle()); });
    if (!world_.invariants.is_broken()) world_.invariants.at_rest();
  }

  World world_;
  Stage stage_;
  std::vector<std::string> environments_;
  size_t machines_ = 1;
  bool machine_is_known_ = true;
  std::map<size_t, int> deaths_;
  std::set<std::string> taken_up_;
};

uint64_t add_to_hash(uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace

bool change_by_hand(World& world, const std::string& environment) {
  const auto& settings = world.environment(environment).function;
  const WallTime now = world.clock.now();
  auto versions = world.cloud.lambda.list_versions(settings.name, "", 50, now);
  auto alias = world.cloud.lambda.get_alias(settings.name, World::kAlias, now);
  if (!settings.alias.empty() && alias.ok() && versions.ok()) {
    for (const auto& version : versions->items) {
      if (version.version == "$LATEST" || version.version == alias->version) continue;
      cloud::UpdateAlias update;
      update.function = settings.name;
      update.name = World::kAlias;
      update.version = version.version;
      update.description = "by hand";
      if (!world.cloud.lambda.update_alias(std::move(update), now).ok()) return false;
      world.tell("carol", "moves the alias in {} to version {}", environment, version.version);
      world.invariants.changed_by_hand(environment, "alias", version.version);
      return true;
    }
  }
  auto images = world.cloud.ecr.images(settings.repository);
  const std::string latest = world.look(environment).latest;
  if (!images.ok()) return false;
  for (const auto& image : *images) {
    if (image.digest == latest) continue;
    cloud::UpdateCode update;
    update.image_uri = world.cloud.ecr.repository_uri(settings.repository) + "@" + image.digest;
    if (!world.cloud.lambda.update_code(settings.name, std::move(update), now).ok()) return false;
    world.tell("carol", "gives the function in {} {}", environment, image.digest);
    world.invariants.changed_by_hand(environment, "image", image.digest);
    return true;
  }
  return false;
}

RunResult result_of(World& world, size_t calls) {
  RunResult result;
  result.violations = world.invariants.violations();
  result.deployments = world.invariants.deployments().size();
  result.calls = calls;
  result.faults = world.faults;
  result.seen = world.seen;
  result.story = world.story;
  result.hash = 0xcbf29ce484222325u;
  for (const Event& event : world.store.history())
    result.hash =
        add_to_hash(result.hash, fmt::format("{} {} {} {} {} {}", event.deployment, event.sequence,
                                             event.at.unix_ms, event.fencing_token,
                                             to_string(event.type), event.step));
  return result;
}

RunResult run_seed(uint64_t seed, const Faults& allowed, bool tells) {
  return Swarm(seed, allowed, tells).run();
}

}  // namespace pawl::sim
