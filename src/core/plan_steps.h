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
/// `may_be_absent`: the function and the bucket may be made later, in this very plan.
PlanStep capture_live_step(const EnvironmentConfig& environment, bool may_be_absent);
PlanStep find_url_step(const EnvironmentConfig& environment, std::vector<std::string> needs);
PlanStep check_health_step(const EnvironmentConfig& environment, const ReleaseName& release,
                           int attempts, std::vector<std::string> needs);
PlanStep run_hook_step(const EnvironmentConfig& environment, const HookSettings& hook,
                       const ReleaseName& release, std::vector<std::string> needs);
/// Of what is provisioned: `id` is provision_version, await_provisioned or release_provisioned.
PlanStep provisioned_step(const EnvironmentConfig& environment, const std::string& id,
                          const PlanFacts& facts, std::vector<std::string> needs);
PlanStep prune_versions_step(const EnvironmentConfig& environment, const PlanFacts& facts,
                             std::vector<std::string> needs);
/// `manifest_digest` is empty when the plan's own upload says which files they are.
PlanStep switch_static_step(const StaticSettings& settings, std::vector<std::string> needs,
                            const std::string& manifest_digest);

/// What is not told, not checked, or cannot be restored.
std::vector<std::string> common_warnings(const Config& config,
                                         const EnvironmentConfig& environment);

}  // namespace pawl
