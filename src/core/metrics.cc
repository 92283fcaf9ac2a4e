#include "core/metrics.h"

#include <algorithm>
#include <map>

namespace pawl {
namespace {

using std::chrono::milliseconds;

std::optional<milliseconds> median(std::vector<milliseconds> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

double ratio(int part, int whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / whole;
}

bool has_failed(const Deployment& deployment) {
  return deployment.phase == Phase::failed || deployment.phase == Phase::rolled_back;
}

// A cancelled one tells nothing of the release, like one that never began.
bool counts(const Deployment& deployment) {
  return deployment.finished_at && (deployment.phase == Phase::succeeded || has_failed(deployment));
}

int retries_of(const Deployment& deployment) {
  const StepState* check = deployment.step("check_health");
  return check == nullptr ? 0 : std::max(check->try_number - 1, 0);
}

std::vector<const Deployment*> in_order_of_end(const std::vector<Deployment>& deployments,
                                               WallTime from, WallTime to) {
  std::vector<const Deployment*> chosen;
  for (const auto& deployment : deployments)
    if (counts(deployment) && *deployment.finished_at >= from && *deployment.finished_at < to)
      chosen.push_back(&deployment);
  std::stable_sort(chosen.begin(), chosen.end(), [](const Deployment* a, const Deployment* b) {
    return *a->finished_at < *b->finished_at;
  });
  return chosen;
}

// From the first failure of an environment to its next success.
std::vector<milliseconds> restore_times(const std::vector<const Deployment*>& deployments) {
  std::vector<milliseconds> times;
  std::map<std::pair<std::string, std::string>, WallTime> broken_since;
  for (const Deployment* deployment : deployments) {
    const std::pair key(deployment->app, deployment->environment);
    if (has_failed(*deployment)) {
      broken_since.emplace(key, *deployment->finished_at);
    } else if (const auto found = broken_since.find(key); found != broken_since.end()) {
      times.push_back(*deployment->finished_at - found->second);
      broken_since.erase(found);
    }
  }
  return times;
}

json::value ms_or_null(const std::optional<milliseconds>& value) {
  return value ? json::value(value->count()) : json::value(nullptr);
}

}  // namespace

Metrics measure(const std::vector<Deployment>& deployments, WallTime from, WallTime to) {
  Metrics metrics;
  std::vector<milliseconds> durations;
  std::vector<milliseconds> lead_times;
  int releases = 0;
  int good_releases = 0;
  const auto chosen = in_order_of_end(deployments, from, to);
  for (const Deployment* deployment : chosen) {
    ++metrics.deployments;
    metrics.succeeded += deployment->phase == Phase::succeeded ? 1 : 0;
    metrics.rolled_back += deployment->phase == Phase::rolled_back ? 1 : 0;
    metrics.failed += deployment->phase == Phase::failed ? 1 : 0;
    metrics.health_check_retries += retries_of(*deployment);
    if (deployment->started_at)
      durations.push_back(*deployment->finished_at - *deployment->started_at);
    if (deployment->kind != DeploymentKind::deploy) continue;
    ++releases;
    if (deployment->phase != Phase::succeeded) continue;
    ++good_releases;
    if (deployment->committed_at)
      lead_times.push_back(*deployment->finished_at - *deployment->committed_at);
  }
  metrics.success_rate = ratio(metrics.succeeded, metrics.deployments);
  metrics.rollback_rate = ratio(metrics.rolled_back, metrics.deployments);
  metrics.median_duration = median(durations).value_or(milliseconds(0));
  metrics.change_failure_rate = ratio(releases - good_releases, releases);
  constexpr double kMsPerDay = 24.0 * 60 * 60 * 1000;
  if (to > from)
    metrics.deployments_per_day =
        good_releases / (static_cast<double>((to - from).count()) / kMsPerDay);
  metrics.median_time_to_restore = median(restore_times(chosen));
  metrics.median_lead_time = median(lead_times);
  return metrics;
}

json::object to_json(const Metrics& metrics) {
  return {{"deployments", metrics.deployments},
          {"succeeded", metrics.succeeded},
          {"rolled_back", metrics.rolled_back},
          {"failed", metrics.failed},
          {"success_rate", metrics.success_rate},
          {"rollback_rate", metrics.rollback_rate},
          {"health_check_retries", metrics.health_check_retries},
          {"median_duration_ms", metrics.median_duration.count()},
          {"deployments_per_day", metrics.deployments_per_day},
          {"change_failure_rate", metrics.change_failure_rate},
          {"median_time_to_restore_ms", ms_or_null(metrics.median_time_to_restore)},
          {"median_lead_time_ms", ms_or_null(metrics.median_lead_time)}};
}

}  // namespace pawl
