// The one source of chance of a simulation: everything that is drawn is drawn here, so that a seed
// is the whole of a run.
#pragma once

#include <cstdint>

#include "sim/virtual_clock.h"

namespace pawl::sim {

class Chance {
 public:
  explicit Chance(uint64_t seed) : source_(seed) {}
  uint64_t next() { return source_.next(); }
  /// 0 to count - 1.
  uint64_t below(uint64_t count) { return source_.next() % count; }
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low + 1)));
  }
  /// In [0, 1).
  double part() { return static_cast<double>(source_.next() >> 11) * 0x1.0p-53; }
  bool of(double probability) { return probability > 0 && part() < probability; }

 private:
  SeededEntropy source_;
};

}  // namespace pawl::sim
