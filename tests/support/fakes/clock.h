// Virtual time: a sleep moves the clock and returns at once.
#pragma once

#include <vector>

#include "base/clock.h"

namespace pawl::fakes {

class FakeClock : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady_now() const override;
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override;
  int64_t elapsed_ms = 0;
  std::vector<std::chrono::milliseconds> sleeps;
};

}  // namespace pawl::fakes
