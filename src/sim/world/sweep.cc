// The sweep: one scenario, and a process that dies at a given call.
#include "sim/world/invariant_names.h"
#include "sim/world/run_common.h"
#include "sim/world/simulation.h"

namespace pawl::sim {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kSweepRestMs = 7'200'000;

bool all_ended(const World& world, size_t count) {
  return world.invariants.deployments().size() >= count && world.invariants.all_ended();
}

// Those of hooks are played where there are some.
std::string place_of(const SweepOptions& options) {
  if (options.scenario == Scenario::hook_once) return "once";
  const bool is_hooked = options.scenario == Scenario::hooks ||
                         options.scenario == Scenario::hooks_failing ||
                         options.scenario == Scenario::hook_again;
  return is_hooked ? "hooked" : options.environment;
}

// Without faults: what is live when the scenario begins.
void deploy_well(World& world, Stage& stage, const std::string& environment) {
  stage.node(0)->accept(DeploymentKind::deploy, environment, world.make_release(true));
  const size_t count = world.invariants.deployments().size() + 1;
  stage.play([&] { return all_ended(world, count) && stage.is_idle(); });
}

}  // namespace

RunResult run_scenario(const SweepOptions& options) {
  WorldOptions world_options;
  world_options.tells = options.tells;
  World world(world_options);
  Stage stage(world);
  const std::string environment = place_of(options);
  world.make_environment(environment);
  stage.start(0);
  world.clock.advance(milliseconds(5'000));
  const bool is_first = options.scenario == Scenario::first_deployment;
  const bool is_rollback = options.scenario == Scenario::rollback_command;
  for (int i = 0; i < (is_first ? 0 : 2); ++i) deploy_well(world, stage, environment);

  const size_t earlier = world.invariants.deployments().size();
  Node& first = *stage.node(0);
  const size_t passes_before = first.gate().passes();
  size_t round = 0;
  size_t calls = 0;
  first.gate().crash_at(options.crashes.empty() ? 0 : options.crashes[0]);
  std::string owner = first.owner();
  const bool is_bad =
      options.scenario == Scenario::failing_health || options.scenario == Scenario::hooks_failing;
  const std::string version = is_rollback ? "" : world.make_release(!is_bad);
  const auto kind = is_rollback ? DeploymentKind::rollback : DeploymentKind::deploy;
  first.accept(kind, environment, version);
  size_t given = earlier + 1;
  size_t wanted = given;

  stage.on_death = [&](size_t) {
    world.seen.count(round == 0 ? "a process died" : "a process died in recovery");
    if (world.invariants.is_running(environment) &&
        world.invariants.deployments().at(world.invariants.owner_of(environment)).phase ==
            Phase::rolling_back)
      world.seen.count("a process died while rolling back");
    if (options.is_seen_to_be_gone) world.gone.insert(owner);
    ++round;
    stage.at(milliseconds(1'000), [&] {
      Node& next = stage.start(0);
      owner = next.owner();
      next.gate().crash_at(round < options.crashes.size() ? options.crashes[round] : 0);
      next.resume_all();
      // A command that was never acknowledged is given again.
      if (world.invariants.deployments().size() < given) next.accept(kind, environment, version);
    });
  };
  bool is_acted = false;
  const auto act = [&] {
    if (is_acted || !world.invariants.is_running(environment)) return;
    const std::string id = world.invariants.owner_of(environment);
    const StepState* copied = world.invariants.deployments().at(id).step("update_function");
    if (copied == nullptr || copied->status != StepStatus::succeeded) return;
    if (options.scenario == Scenario::cancel && stage.node(0)) {
      is_acted = true;
      stage.node(0)->cancel(id, OnCancel::undo);
    }
    if (options.scenario == Scenario::changed_by_hand) {
      is_acted = true;
      change_by_hand(world, environment);
    }
  };
  // Once the first has failed.
  const std::function<void()> give_again = [&] {
    if (!all_ended(world, given) || !stage.node(0) || !stage.is_idle())
      return stage.at(milliseconds(1'000), give_again);
    world.hooks[environment].is_out_of_order = false;
    ++given;
    stage.node(0)->accept(kind, environment, version);
  };
  if (options.scenario == Scenario::hook_again) {
    world.hooks[environment].is_out_of_order = true;
    ++wanted;
    give_again();
  }
  const int64_t begun = world.clock.steady_now().ms;
  stage.play([&] {
    act();
    if (round == 0) calls = stage.node(0) ? stage.node(0)->gate().passes() - passes_before : calls;
    const bool is_late = world.clock.steady_now().ms - begun > kSweepRestMs;
    return is_late || (all_ended(world, wanted) && stage.is_idle());
  });
  if (!world.invariants.is_broken()) world.invariants.at_rest();
  return result_of(world, calls);
}

}  // namespace pawl::sim
