#include "core/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace pawl {
namespace {

constexpr size_t kMaxSteps = 1000;

Error bad_plan(std::string why) {
  return Error(ErrorKind::corrupt, "the plan cannot be read: " + std::move(why));
}

std::optional<Stage> stage_from(std::string_view name) {
  for (const auto stage : {Stage::validate, Stage::build, Stage::deploy, Stage::notify})
    if (to_string(stage) == name) return stage;
  return std::nullopt;
}

// Takes away what can run until nothing is left; what stays waits for itself.
bool has_cycle(const Plan& plan) {
  std::set<std::string> done;
  bool moved = true;
  while (moved) {
    moved = false;
    for (const auto& step : plan.steps) {
      if (done.count(step.id) > 0) continue;
      const bool ready = std::all_of(step.needs.begin(), step.needs.end(),
                                     [&](const auto& need) { return done.count(need) > 0; });
      if (ready) moved = done.insert(step.id).second;
    }
  }
  return done.size() != plan.steps.size();
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.push_back(json::string(text));
  return array;
}

Result<std::vector<std::string>> texts_of(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return texts;
  if (!value->is_array()) return bad_plan(fmt::format("'{}' is not a list", name));
  for (const auto& item : value->get_array()) {
    if (!item.is_string()) return bad_plan(fmt::format("'{}' holds more than texts", name));
    texts.emplace_back(item.get_string());
  }
  return texts;
}

json::object step_to_json(const PlanStep& step) {
  return {{"id", step.id},
          {"kind", step.kind},
          {"stage", to_string(step.stage)},
          {"title", step.title},
          {"needs", to_array(step.needs)},
          {"params", *step.params},
          {"undo", step.undo},
          {"required", step.required}};
}

Result<PlanStep> step_from_json(const Shared<json::object>& plan, const json::value& value) {
  if (!value.is_object()) return bad_plan("a step is not an object");
  const json::object& object = value.get_object();
  PlanStep step;
  PAWL_TRY(step.id, require_string(object, "id", "a step of the plan"));
  PAWL_TRY(step.kind, require_string(object, "kind", "a step of the plan"));
  const auto stage = stage_from(string_or(object, "stage"));
  if (!stage) return bad_plan(fmt::format("step {} has no known stage", step.id));
  step.stage = *stage;
  step.title = string_or(object, "title", step.id);
  PAWL_TRY(step.needs, texts_of(object, "needs"));
  if (const json::value* params = object.if_contains("params")) {
    if (!params->is_object()) return bad_plan("'params' is not an object");
    step.params = Shared<json::object>(plan, params->get_object());
  }
  step.undo = string_or(object, "undo");
  step.required = bool_or(object, "required", true);
  return step;
}

json::object policy_to_json(const RunPolicy& policy) {
  return {{"step_limit_ms", policy.step_limit.count()},
          {"deployment_limit_ms", policy.deployment_limit.count()},
          {"on_cancel", to_string(policy.on_cancel)}};
}

// Total: what is absent, or makes no sense, is the default.
RunPolicy policy_from_json(const json::object& object) {
  RunPolicy policy;
  const auto limit = [&](std::string_view name, std::chrono::milliseconds& out) {
    if (const int64_t ms = int_or(object, name); ms > 0) out = std::chrono::milliseconds(ms);
  };
  limit("step_limit_ms", policy.step_limit);
  limit("deployment_limit_ms", policy.deployment_limit);
  policy.on_cancel = on_cancel_from(string_or(object, "on_cancel")).value_or(policy.on_cancel);
  return policy;
}

}  // namespace

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::validate:
      return "validate";
    case Stage::build:
      return "build";
    case Stage::deploy:
      return "deploy";
    case Stage::notify:
      return "notify";
  }
  return "unknown";
}

std::string_view to_string(DeploymentKind kind) {
  return kind == DeploymentKind::rollback ? "rollback" : "deploy";
}

const PlanStep* Plan::step(std::string_view id) const {
  for (const auto& candidate : steps)
    if (candidate.id == id) return &candidate;
  return nullptr;
}

std::string check_plan(const Plan& plan) {
  if (plan.steps.size() > kMaxSteps) return fmt::format("more than {} steps", kMaxSteps);
  std::vector<std::pair<std::string_view, size_t>> places;
  places.reserve(plan.steps.size());
  for (const auto& step : plan.steps) {
    if (step.id.empty()) return "a step has no id";
    if (step.kind.empty()) return fmt::format("step {} has no kind", step.id);
    places.emplace_back(step.id, places.size());
  }
  std::sort(places.begin(), places.end());
  const auto twice =
      std::adjacent_find(places.begin(), places.end(),
                         [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != places.end()) return fmt::format("two steps are called {}", twice->first);
  bool in_order = true;
  for (size_t i = 0; i < plan.steps.size(); ++i)
    for (const std::string& need : plan.steps[i].needs) {
      const auto found = std::lower_bound(places.begin(), places.end(),
                                          std::pair(std::string_view(need), size_t{0}));
      if (found == places.end() || found->first != need)
        return fmt::format("step {} needs {}, which is not in the plan", plan.steps[i].id, need);
      in_order = in_order && found->second < i;
    }
  if (in_order) return "";
  return has_cycle(plan) ? "some steps need each other in a circle"
                         : "a step stands before one that it needs";
}

json::object to_json(const ReleaseName& release) {
  return {{"environment", release.environment},
          {"image_tag", release.image_tag},
          {"version", release.version},
          {"tag", release.tag},
          {"sha", release.sha}};
}

ReleaseName release_from_json(const json::object& object) {
  ReleaseName release;
  release.environment = string_or(object, "environment");
  release.image_tag = string_or(object, "image_tag");
  release.version = string_or(object, "version");
  release.tag = string_or(object, "tag");
  release.sha = string_or(object, "sha");
  return release;
}

json::object to_json(const Plan& plan) {
  json::array steps;
  for (const auto& step : plan.steps) steps.push_back(step_to_json(step));
  return {{"kind", to_string(plan.kind)},
          {"release", to_json(plan.release)},
          {"steps", std::move(steps)},
          {"warnings", to_array(plan.warnings)},
          {"policy", policy_to_json(plan.policy)}};
}

Result<Plan> plan_from_json(const Shared<json::object>& shared) {
  const json::object& object = *shared;
  Plan plan;
  const std::string kind = string_or(object, "kind");
  if (kind != "deploy" && kind != "rollback")
    return bad_plan(fmt::format("unknown kind '{}'", kind.substr(0, 100)));
  plan.kind = kind == "rollback" ? DeploymentKind::rollback : DeploymentKind::deploy;
  if (const json::value* release = object.if_contains("release"); release && release->is_object())
    plan.release = release_from_json(release->get_object());
  const json::value* steps = object.if_contains("steps");
  if (steps == nullptr || !steps->is_array()) return bad_plan("it has no list of steps");
  plan.steps.reserve(steps->get_array().size());
  for (const auto& value : steps->get_array()) {
    PAWL_TRY(auto step, step_from_json(shared, value));
    plan.steps.push_back(std::move(step));
  }
  PAWL_TRY(plan.warnings, texts_of(object, "warnings"));
  if (const json::value* policy = object.if_contains("policy"); policy && policy->is_object())
    plan.policy = policy_from_json(policy->get_object());
  if (const auto why = check_plan(plan); !why.empty()) return bad_plan(why);
  return plan;
}

}  // namespace pawl
