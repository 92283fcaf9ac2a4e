// For how long a deployment has been worked on. Neither clock of a machine says it: the wall clock
// may be set, and either may go on while the machine sleeps. So time is counted from look to look,
// and a look that comes long after the one before counts for little: nobody was awake in between.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace pawl {

class WorkingTime {
 public:
  WorkingTime(const Clock& clock, std::chrono::milliseconds before)
      : clock_(clock), used_(before), last_look_(clock.steady_now()) {}

  /// The time until now. To be looked at each second or so (watch() of carry_out.h does).
  std::chrono::milliseconds look() {
    const SteadyTime now = clock_.steady_now();
    used_ += std::min(now - last_look_, kLongestGap);
    last_look_ = now;
    return used_;
  }

 private:
  // Longer than hashing a large file, or a store that syncs slowly, keeps anybody from looking.
  static constexpr std::chrono::milliseconds kLongestGap{60'000};

  const Clock& clock_;
  std::chrono::milliseconds used_;
  SteadyTime last_look_;
};

}  // namespace pawl
