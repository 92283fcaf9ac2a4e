// Figures read off the journal: success rate, duration, rollbacks, retries, and the four DORA
// figures (https://dora.dev/guides/dora-metrics-four-keys/).
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "core/deployment.h"

namespace pawl {

struct Metrics {
  int deployments = 0;  // finished, refused and superseded ones left out
  int succeeded = 0;
  int rolled_back = 0;
  int failed = 0;
  double success_rate = 0;       // 0..1
  double rollback_rate = 0;      // 0..1
  int health_check_retries = 0;  // attempts after the first
  std::chrono::milliseconds median_duration{0};
  double deployments_per_day = 0;  // DORA: deployment frequency, successful ones
  double change_failure_rate = 0;  // DORA
  std::optional<std::chrono::milliseconds> median_time_to_restore;  // DORA: failure to next success
  std::optional<std::chrono::milliseconds> median_lead_time;  // DORA: commit to live, where known
};

/// Of the deployments that ended in [from, to).
Metrics measure(const std::vector<Deployment>& deployments, WallTime from, WallTime to);
json::object to_json(const Metrics& metrics);

}  // namespace pawl
