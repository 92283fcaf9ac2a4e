// The swarm: random deployments, on random nodes, under random faults, then silence.
#include <algorithm>

#include "sim/world/invariant_names.h"
#include "sim/world/run_common.h"

namespace pawl::sim {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kMostPlayMs = 1'800'000;
constexpr int64_t kDayMs = 86'400'000;
// Once faults have stopped: time-outs run out, leases die, lines are worked off.
constexpr int64_t kRestWithinMs = 43'200'000;

class Swarm {
 public:
  Swarm(uint64_t seed, const Faults& allowed, bool tells)
      : world_(options_for(seed, allowed, tells)), stage_(world_) {}

  RunResult run() {
    world_.tell("", "faults: {}", world_.faults.str());
    Chance& chance = world_.chance;
    constexpr const char* kEnvironments[] = {"dev", "plain", "stage", "bare"};
    const uint64_t count = 1 + chance.below(4);
    environments_.assign(kEnvironments, kEnvironments + count);
    if (chance.of(0.3)) environments_.emplace_back("hooked");
    if (chance.of(0.2)) environments_.emplace_back("once");
    for (const auto& name : environments_) world_.make_environment(name);
    world_.clock.advance(milliseconds(5'000));
    machines_ = 1 + chance.below(3);
    machine_is_known_ = chance.of(0.6);
    if (world_.faults.is_on(Fault::clock)) stage_.skew = kDayMs;
    world_.poll = milliseconds(2'000 << chance.below(4));
    const bool has_trunk = chance.of(0.4);
    if (has_trunk) world_.make_environment(World::kTrunk);
    for (size_t i = 0; i < machines_; ++i) stage_.start(i);
    stage_.on_death = [this](size_t machine) { died(machine); };
    if (world_.faults.is_on(Fault::by_hand))
      world_.on_arrival = [this](const std::string& resource) { be_faster(world_, resource); };
    plan_people();
    if (has_trunk) plan_commits();
    plan_accidents();
    const SteadyTime end = world_.clock.steady_now() + milliseconds(kMostPlayMs);
    const auto is_over = [&] {
      return world_.clock.steady_now() >= end || (to_come_ == 0 && is_at_rest());
    };
    stage_.play(is_over);
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

  /// Something that is still to happen; until then the run is not over.
  void sometime(std::function<void()> what) {
    ++to_come_;
    stage_.at(some_time(), [this, what = std::move(what)] {
      --to_come_;
      what();
    });
  }

  // Most runs are short, some are long.
  uint64_t how_many() {
    Chance& chance = world_.chance;
    return chance.of(0.1) ? 12 + chance.below(39) : 5 + chance.below(8);
  }

  void plan_people() {
    Chance& chance = world_.chance;
    for (uint64_t i = how_many(); i > 0; --i) sometime([this] { ask_for_something(); });
    // Now and then somebody looks for what is left unfinished, also for what another still runs.
    for (uint64_t i = chance.below(8); i > 0; --i)
      sometime([this] {
        if (Node* node = some_node()) node->resume_all();
      });
    for (uint64_t i = chance.below(4); i > 0; --i) sometime([this] { cancel_something(); });
    for (uint64_t i = chance.below(2); i > 0; --i)
      sometime([this] { put_shares_on_the_alias(some_environment()); });
  }

  // CI passes for one commit after the other; what is heard of it may be another matter.
  void plan_commits() {
    Chance& chance = world_.chance;
    const uint64_t count = 2 + chance.below(5);
    const bool is_in_order = !world_.faults.is_on(Fault::deliveries);
    milliseconds when(0);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string commit = world_.make_commit(chance.of(0.8));
      if (is_in_order) {
        when += milliseconds(chance.between(1'000, 120'000));
        deliver_at(when, commit);
        continue;
      }
      const uint64_t times = 1 + chance.below(3);
      if (times > 1) world_.seen.count("CI said the same twice");
      for (uint64_t n = 0; n < times; ++n) deliver_at(some_time(), commit);
    }
  }

  void deliver_at(milliseconds when, std::string commit) {
    ++to_come_;
    stage_.at(when, [this, commit = std::move(commit)] {
      --to_come_;
      if (Node* node = some_node()) node->deliver(commit);
    });
  }

  // A run of CI whose word was lost is run again.
  void deliver_what_was_lost() {
    std::set<std::string, std::less<>> heard;
    for (const auto& [id, deployment] : world_.invariants.deployments())
      heard.insert(deployment.release.sha);
    for (const std::string& commit : world_.commits)
      if (heard.count(commit) == 0) some_node()->deliver(commit);
  }

  void ask_for_something() {
    Chance& chance = world_.chance;
    using Verdict = Decision::Verdict;
    const std::string& environment = some_environment();
    const bool is_rollback = chance.of(0.15);
    const bool is_again = chance.of(0.08) && !versions_.empty();
    std::string version;
    if (is_again) version = versions_[chance.below(versions_.size())];
    if (!is_rollback && !is_again) {
      version = world_.make_release(chance.of(0.7));
      versions_.push_back(version);
    }
    Verdict verdict = Verdict::deploy;
    if (!is_rollback && chance.of(0.04)) {
      constexpr Verdict kNo[] = {Verdict::refused, Verdict::superseded, Verdict::nothing_to_do};
      verdict = kNo[chance.below(3)];
      world_.seen.count("a decision was no");
    }
    if (Node* node = some_node())
      node->accept(is_rollback ? DeploymentKind::rollback : DeploymentKind::deploy, environment,
                   is_rollback ? "" : version, verdict);
  }

  // A canary that somebody left on it, while nothing runs there.
  void put_shares_on_the_alias(const std::string& environment) {
    if (world_.invariants.is_running(environment)) return;
    const auto& settings = world_.environment(environment).function;
    const WallTime now = world_.clock.now();
    const auto versions = world_.cloud.lambda.versions(settings.name, now);
    const auto alias = world_.cloud.lambda.get_alias(settings.name, World::kAlias, now);
    if (settings.alias.empty() || !alias.ok() || !versions.ok()) return;
    for (const auto& [number, version] : **versions) {
      if (version.version == alias->version) continue;
      cloud::UpdateAlias update;
      update.function = settings.name;
      update.name = World::kAlias;
      update.weights = {{version.version, 0.25}};
      if (!world_.cloud.lambda.update_alias(std::move(update), now).ok()) return;
      world_.tell("carol", "gives version {} a share in {}", version.version, environment);
      world_.seen.count("shares were on the alias before a deployment");
      world_.invariants.changed_by_hand(environment, "shares", version.version);
      return;
    }
  }

  void cancel_something() {
    std::vector<std::string> open;
    for (const auto& [id, deployment] : world_.invariants.deployments())
      if (!is_terminal(deployment.phase)) open.push_back(id);
    Node* node = some_node();
    const OnCancel choice = world_.chance.of(0.3) ? OnCancel::leave : OnCancel::undo;
    if (!open.empty() && node) node->cancel(open[world_.chance.below(open.size())], choice);
  }

  void several(Fault fault, std::function<void()> what) {
    if (!world_.faults.is_on(fault)) return;
    for (uint64_t i = 1 + world_.chance.below(4); i > 0; --i) sometime(what);
  }

  void plan_accidents() {
    several(Fault::stop, [this] {
      if (Node* node = some_node()) node->stop();
    });
    several(Fault::clock, [this] {
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
      world_.invariants.lease_was_taken(environment, (*lease)->token);
      (void)world_.clock.run(world_.store.release_lease(**lease)).ok();
    });
    several(Fault::by_hand, [this] { change_by_hand(world_, some_environment()); });
    several(Fault::tag_moved, [this] {
      if (!versions_.empty()) world_.move_tag(versions_[world_.chance.below(versions_.size())]);
    });
    several(Fault::image_gone, [this] {
      const std::string& environment = some_environment();
      const std::string digest = world_.look(environment).live;
      const auto& repository = world_.environment(environment).function.repository;
      if (!world_.cloud.ecr.remove_image(repository, {digest, ""}, world_.clock.now()).ok()) return;
      world_.invariants.taken_away("image " + world_.cloud.ecr.repository_uri(repository));
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
    if (!is_silent_ && world_.chance.of(0.2)) return;  // never again: another takes over
    stage_.at(milliseconds(world_.chance.between(500, 90'000)), [this, machine] {
      if (stage_.node(machine)) return;
      Node& node = stage_.start(machine);
      if (is_silent_ || world_.chance.of(0.7)) node.resume_all();
    });
  }

  bool is_at_rest() const { return stage_.is_idle() && world_.invariants.all_ended(); }

  // No more faults; whoever is up finishes what there is.
  void rest() {
    world_.tell("", "silence");
    world_.be_silent();
    is_silent_ = true;  // whoever died just now is to come back
    for (size_t i = 0; i < machines_; ++i)
      if (!stage_.node(i)) stage_.start(i);
    for (size_t i = 0; i < machines_; ++i) stage_.node(i)->resume_all();
    deliver_what_was_lost();
    const SteadyTime end = world_.clock.steady_now() + milliseconds(kRestWithinMs);
    stage_.play([&] { return world_.clock.steady_now() >= end || is_at_rest(); });
    if (!world_.invariants.is_broken()) world_.invariants.at_rest();
  }

  World world_;
  Stage stage_;
  std::vector<std::string> environments_;
  std::vector<std::string> versions_;  // of all releases that somebody asked for
  int to_come_ = 0;
  bool is_silent_ = false;
  size_t machines_ = 1;
  bool machine_is_known_ = true;
  std::map<size_t, int> deaths_;
  std::set<std::string> taken_up_;
};

constexpr uint64_t kPrime = 0x100000001b3u;

uint64_t add_to_hash(uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return hash;
}

uint64_t add_to_hash(uint64_t hash, uint64_t number) {
  return (hash ^ (number ^ (number >> 32))) * kPrime;
}

uint64_t hash_of(uint64_t hash, const Event& event) {
  hash = add_to_hash(hash, event.deployment);
  hash = add_to_hash(hash, event.sequence);
  hash = add_to_hash(hash, static_cast<uint64_t>(event.at.unix_ms));
  hash = add_to_hash(hash, event.fencing_token);
  hash = add_to_hash(hash, static_cast<uint64_t>(event.type));
  return add_to_hash(hash, event.step);
}

}  // namespace

RunResult result_of(World& world, size_t calls) {
  RunResult result;
  result.violations = world.invariants.violations();
  result.deployments = world.invariants.deployments().size();
  result.calls = calls;
  result.faults = world.faults;
  result.seen = world.seen;
  result.story = world.story;
  result.hash = 0xcbf29ce484222325u;
  for (const Event& event : world.store.history()) result.hash = hash_of(result.hash, event);
  return result;
}

RunResult run_seed(uint64_t seed, const Faults& allowed, bool tells) {
  return Swarm(seed, allowed, tells).run();
}

}  // namespace pawl::sim
