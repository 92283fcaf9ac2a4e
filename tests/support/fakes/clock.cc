// What FakeClock does when it is called.
#include "support/fakes/clock.h"

namespace pawl::fakes {

WallTime FakeClock::now() const {
  return {1'790'000'000'000 + elapsed_ms};
}

SteadyTime FakeClock::steady_now() const {
  return {elapsed_ms};
}

Task<Result<void>> FakeClock::sleep_for(std::chrono::milliseconds duration) {
  const auto stop = co_await current_stop();
  if (stop.stop_requested()) co_return Error(ErrorKind::interrupted, "asked to stop");
  elapsed_ms += duration.count();
  sleeps.push_back(duration);
  co_return ok();
}

}  // namespace pawl::fakes
