// What the steps of a plan are told: the parameters of each kind, made from the configuration in
// one place, so that a deploy plan and a rollback plan speak alike. Read by engine/steps/.
#pragma once

#include "core/plan.h"

namespace pawl {

/// {path, attempts, rollback_attempts, max_wait_ms, timeout_ms, passes, status, version_header,
/// json}
json::object to_json(const HealthSettings& health);
HealthSettings health_from_json(const json::object& object);

/// {dir, bucket, prefix, immutable}
json::object to_json(const StaticSettings& settings);

/// Steps that both kinds of plan have. `needs` are the ids that must have succeeded first.
/// `live_sha`: the commit that is live, where known.
PlanStep notify_started_step(const Config& config, const EnvironmentConfig& environment,
                             const std::string& live_sha = "");
PlanStep capture_live_step(const EnvironmentConfig& environment);
PlanStep find_url_step(const EnvironmentConfig& environment, std::vector<std::string> needs);
PlanStep check_health_step(const EnvironmentConfig& environment, const ReleaseName& release,
                           int attempts, std::vector<std::string> needs);
PlanStep switch_static_step(const StaticSettings& settings, std::vector<std::string> needs);

/// What is not told, not checked, or cannot be restored.
std::vector<std::string> common_warnings(const Config& config,
                                         const EnvironmentConfig& environment);

}  // namespace pawl
