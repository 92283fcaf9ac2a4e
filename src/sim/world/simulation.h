// One run: a world, people who ask for things, nodes that die and come back, then silence. A seed
// (or a scenario and the calls to crash at) is the whole of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/world/node.h"

namespace pawl::sim {

/// What the sweep plays, each with a crash at each of its calls.
enum class Scenario {
  good_release,
  failing_health,
  cancel,
  rollback_command,
  changed_by_hand,
  first_deployment,
  hooks,          // a good release, in an environment of its own
  hooks_failing,  // one that does not answer, past the point of no return
  hook_once,      // a hook that may not be called twice
  hook_again,     // one that fails, and the same release again
};
inline constexpr std::array<std::string_view, 10> kScenarioNames = {
    "good-release",     "failing-health", "cancel",        "rollback-command", "changed-by-hand",
    "first-deployment", "hooks",          "hooks-failing", "hook-once",        "hook-again"};

struct RunResult {
  std::vector<Violation> violations;
  size_t deployments = 0;
  size_t calls = 0;   // scenario: those of the process that may crash
  uint64_t hash = 0;  // over the record: the same seed gives the same
  Faults faults;
  Seen seen;
  std::vector<std::string> story;
};

struct SweepOptions {
  Scenario scenario = Scenario::good_release;
  std::string environment = "dev";
  std::vector<size_t> crashes;  // the call of each process at which it dies
  bool is_seen_to_be_gone = true;
  bool tells = false;
};

/// Random deployments under random faults.
RunResult run_seed(uint64_t seed, const Faults& allowed, bool tells);
RunResult run_scenario(const SweepOptions& options);

/// Shared by both: the nodes of a world, and what is to happen in it at which time.
class Stage {
 public:
  explicit Stage(World& world) : world_(world) {}

  void at(std::chrono::milliseconds from_now, std::function<void()> what);
  /// A process on that machine, if it is up.
  Node* node(size_t machine);
  Node& start(size_t machine);
  void kill(size_t machine);
  size_t machines() const { return nodes_.size(); }
  bool is_idle() const;
  /// Moves the clock until `done`, nothing is left to happen, or an invariant is broken.
  void play(const std::function<bool()>& done);
  /// What to do when a process has died or ended; by default it comes back after a while.
  std::function<void(size_t machine)> on_death;

  size_t steps = 0;
  int64_t skew = 5'000;  // ms by which the wall clocks of machines are off, at most

 private:
  void look_after(size_t machine);
  void do_what_is_due();

  World& world_;
  std::vector<std::function<void()>> due_;
  struct Machine {
    std::unique_ptr<Node> node;
    int lives = 0;
    std::chrono::milliseconds skew{0};
  };
  std::vector<Machine> nodes_;
};

}  // namespace pawl::sim
