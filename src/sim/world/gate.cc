#include "sim/world/gate.h"

namespace pawl::sim {

bool Gate::stops_at(std::string_view call, const char* moment) {
  ++passes_;
  const bool dies = passes_ == crash_at_ || world_.chance.of(world_.faults.rate(Fault::crash) / 20);
  if (dies && !crashed_) {
    crashed_ = true;
    if (open > 0) world_.seen.count("a process died with a request on its way");
    world_.tell(node_, "dies at {}, {}", call, moment);
  }
  if (!crashed_ && world_.chance.of(world_.faults.rate(Fault::pause) / 10))
    stand_still(std::chrono::milliseconds(world_.chance.between(1'000, 300'000)));
  return stands_still();
}

Task<void> Gate::hold() {
  while (!crashed_ && world_.clock.steady_now() < still_until_) {
    auto rest = still_until_ - world_.clock.steady_now();
    auto slept = co_await with_stop({}, world_.clock.sleep_for(rest));
    (void)slept;
  }
  if (!crashed_) co_return;
  OneShot<bool> never;
  co_await never.wait();
}

void Gate::stand_still(std::chrono::milliseconds duration) {
  still_until_ = world_.clock.steady_now() + duration;
  if (world_.tells()) world_.tell(node_, "stands still for {}", format_duration(duration));
}

}  // namespace pawl::sim
