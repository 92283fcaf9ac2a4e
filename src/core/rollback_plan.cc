// The plan that puts an earlier, verified release back.
#include <fmt/format.h>

#include "core/plan.h"
#include "core/plan_steps.h"

namespace pawl {
namespace {

PlanStep restore_function_step(const EnvironmentConfig& environment, const RollbackTarget& target) {
  const FunctionSettings& function = environment.function;
  PlanStep step;
  step.id = step.kind = "restore_function";
  step.title = function.alias.empty()
                   ? fmt::format("give {} the image of {}", function.name, target.release.version)
                   : fmt::format("move the alias {} of {} back to {}", function.alias,
                                 function.name, target.release.version);
  step.needs = {"capture_live"};
  step.params = json::object{{"function", function.name},
                             {"alias", function.alias},
                             {"function_version", target.function_version},
                             {"image_uri", target.image_uri},
                             {"version", target.release.version},
                             {"sha", target.release.sha},
                             {"update_timeout_ms", function.update_timeout.count()}};
  step.undo = "puts what was live before the rollback back";
  return step;
}

}  // namespace

Plan make_rollback_plan(const Config& config, const EnvironmentConfig& environment,
                        const RollbackTarget& target) {
  Plan plan;
  plan.kind = DeploymentKind::rollback;
  plan.release = target.release;
  plan.policy = environment.policy;
  plan.warnings = common_warnings(config, environment);
  if (!config.repository.empty())
    plan.steps.push_back(notify_started_step(config, environment, target.live_sha));
  // Nothing in this plan makes the function.
  plan.steps.push_back(capture_live_step(environment, false));
  plan.steps.push_back(restore_function_step(environment, target));

  std::vector<std::string> last = {"find_url", "restore_function"};
  const std::string manifest = string_or(target.static_manifest, "digest");
  if (environment.static_files && !manifest.empty()) {
    plan.steps.push_back(
        switch_static_step(*environment.static_files, {"restore_function"}, manifest));
    last.emplace_back("switch_static");
  } else if (environment.static_files) {
    plan.warnings.emplace_back("static files stay as they are: that release recorded none");
  }
  if (environment.terraform)
    plan.warnings.emplace_back("what Terraform changed since is not taken back");

  plan.steps.push_back(find_url_step(environment, {"capture_live"}));
  if (environment.health)
    plan.steps.push_back(check_health_step(environment, target.release,
                                           environment.health->rollback_attempts, std::move(last)));
  PAWL_ASSERT(check_plan(plan).empty());
  return plan;
}

}  // namespace pawl
