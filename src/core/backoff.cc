#include "core/backoff.h"

#include <algorithm>

namespace pawl {

std::chrono::milliseconds health_wait(int attempt, std::chrono::milliseconds max_wait) {
  using std::chrono::milliseconds;
  constexpr int kLargestExponent = 20;  // 2^20 s are twelve days: more than any limit
  const int exponent = std::clamp(attempt - 1, 0, kLargestExponent);
  const milliseconds doubled(int64_t{1000} << exponent);
  return std::min(doubled, std::max(max_wait, milliseconds(0)));
}

}  // namespace pawl
