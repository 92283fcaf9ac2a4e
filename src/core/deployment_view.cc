// What readers are shown of a deployment: outputs of the usual workflow, JSON, exit code.
#include <algorithm>

#include "core/deployment.h"

namespace pawl {
namespace {

json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(to_iso8601(*time)) : json::value(nullptr);
}

// The digest that went live, from whichever step knew it.
std::string digest_of(const Deployment& deployment) {
  for (const auto* step : {"copy_image", "build_image", "restore_function"})
    if (auto digest = deployment.output(step, "digest"); !digest.empty()) return digest;
  return "";
}

bool should_deploy(const Deployment& deployment) {
  return deployment.verdict.empty() ? bool(deployment.plan) : deployment.verdict == "deploy";
}

json::object step_to_json(const Deployment& deployment, const StepState& state) {
  const PlanStep* planned = deployment.plan ? deployment.plan->step(state.id) : nullptr;
  json::object object{{"id", state.id}};
  if (planned != nullptr) {
    object["stage"] = to_string(planned->stage);
    object["title"] = planned->title;
    object["required"] = planned->required;
  }
  object["status"] = to_string(state.status);
  object["observed"] = state.observed;
  object["started_at"] = time_or_null(state.started_at);
  object["ended_at"] = time_or_null(state.ended_at);
  object["attempts"] = state.attempts;
  if (state.try_number > 0)
    object["last_try"] = json::object{{"number", state.try_number},
                                      {"of", state.try_of},
                                      {"result", state.try_result},
                                      {"next_wait_ms", state.next_wait_ms}};
  if (!state.error.empty()) object["error"] = state.error;
  if (!state.reason.empty()) object["reason"] = state.reason;
  object["outputs"] = *state.outputs;
  if (state.undo_started) object["undo_outputs"] = *state.undo_outputs;
  return object;
}

}  // namespace

json::object workflow_outputs(const Deployment& deployment) {
  const ReleaseName& release = deployment.release;
  return {{"should_deploy", should_deploy(deployment)},
          {"environment", deployment.environment},
          {"image_tag", release.image_tag},
          {"version", release.version},
          {"tag", release.tag},
          {"digest", digest_of(deployment)},
          {"deployment_url", deployment.output("find_url", "url")},
          {"deployment_status", to_string(deployment.phase)},
          {"rollback_status", deployment.rollback_status}};
}

json::object to_json(const Deployment& deployment) {
  json::array steps;
  for (const auto& state : deployment.steps) steps.push_back(step_to_json(deployment, state));
  json::array warnings;
  if (deployment.plan)
    for (const auto& warning : deployment.plan->warnings) warnings.push_back(json::string(warning));
  return {{"id", deployment.id},
          {"app", deployment.app},
          {"environment", deployment.environment},
          {"kind", to_string(deployment.kind)},
          {"actor", deployment.actor},
          {"phase", to_string(deployment.phase)},
          {"finished", is_terminal(deployment.phase)},
          {"verdict", deployment.verdict},
          {"reason", deployment.reason},
          {"hint", deployment.hint},
          {"rollback_status", deployment.rollback_status},
          {"rollback_reason", deployment.rollback_reason},
          {"waiting_for", deployment.waiting_for},
          {"owner", deployment.owner},
          {"interrupted", deployment.interrupted},
          {"cancel_requested", deployment.cancel_requested},
          {"cancelled_by", deployment.cancelled_by},
          {"on_cancel", to_string(deployment.on_cancel())},
          {"release", to_json(deployment.release)},
          {"accepted_at", to_iso8601(deployment.accepted_at)},
          {"started_at", time_or_null(deployment.started_at)},
          {"finished_at", time_or_null(deployment.finished_at)},
          {"outputs", workflow_outputs(deployment)},
          {"warnings", std::move(warnings)},
          {"steps", std::move(steps)},
          {"notifications", deployment.notifications}};
}

int exit_code(const Deployment& deployment) {
  switch (deployment.phase) {
    case Phase::succeeded:
    case Phase::nothing_to_do:
      return 0;
    case Phase::failed:
      return 1;
    case Phase::rolled_back:
      return 3;
    case Phase::refused:
    case Phase::superseded:
      return 4;
    case Phase::cancelled:
      return deployment.rollback_status == "left" ? 1 : 3;
    case Phase::queued:
    case Phase::deploying:
    case Phase::verifying:
    case Phase::rolling_back:
      return 5;
  }
  return 1;
}

std::optional<RollbackTarget> rollback_target_of(const Deployment& deployment) {
  if (deployment.phase != Phase::succeeded) return std::nullopt;
  RollbackTarget target;
  target.deployment_id = deployment.id;
  target.release = deployment.release;
  const auto first_of = [&](std::initializer_list<const char*> steps, std::string_view name) {
    for (const auto* step : steps)
      if (auto text = deployment.output(step, name); !text.empty()) return text;
    return std::string();
  };
  target.function_version = first_of({"publish_version", "restore_function"}, "function_version");
  target.image_uri = first_of({"update_function", "restore_function"}, "image_uri");
  if (const auto digest = first_of({"switch_static"}, "manifest_digest"); !digest.empty())
    target.static_manifest["digest"] = digest;
  if (target.image_uri.empty() && target.function_version.empty()) return std::nullopt;
  return target;
}

}  // namespace pawl
