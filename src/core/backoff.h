// How long to wait between two health checks.
#pragma once

#include <chrono>

namespace pawl {

/// The wait after attempt number `attempt` (from 1) failed: min(2^(attempt-1) s, max_wait).
std::chrono::milliseconds health_wait(int attempt, std::chrono::milliseconds max_wait);

}  // namespace pawl
