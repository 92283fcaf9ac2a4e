// The door through which everything leaves a node: calls to the store and to the cloud, and waking
// from a sleep. Here a node dies, or stands still.
#pragma once

#include <string>
#include <string_view>

#include "base/task.h"
#include "sim/world/world.h"

namespace pawl::sim {

class Gate {
 public:
  Gate(World& world, std::string node) : world_(world), node_(std::move(node)) {}

  /// A point at which the process may die, or be put to sleep: "put", "before it is sent". True
  /// when it does not go on now: then co_await hold().
  bool stops_at(std::string_view call, const char* moment);
  /// Until the process goes on; never returns when it died.
  Task<void> hold();
  bool stands_still() const { return crashed_ || world_.clock.steady_now() < still_until_; }

  /// The process dies at its `number`th pass from now; 0: it does not.
  void crash_at(size_t number) { crash_at_ = number == 0 ? 0 : passes_ + number; }
  void stand_still(std::chrono::milliseconds duration);
  bool has_crashed() const { return crashed_; }
  size_t passes() const { return passes_; }
  World& world() { return world_; }
  const std::string& node() const { return node_; }
  /// Calls on their way.
  int open = 0;

 private:
  World& world_;
  std::string node_;
  size_t passes_ = 0;
  size_t crash_at_ = 0;
  bool crashed_ = false;
  SteadyTime still_until_{0};
};

}  // namespace pawl::sim
