#include "engine/schedule.h"

#include <algorithm>

namespace pawl {
namespace {

StepStatus status_of(const Deployment& deployment, const std::string& id) {
  const StepState* state = deployment.step(id);
  return state == nullptr ? StepStatus::pending : state->status;
}

bool has_no_outcome(StepStatus status) {
  return status == StepStatus::pending || status == StepStatus::running;
}

// A step that may fail holds nobody up: having ended is enough.
bool is_met(const Plan& plan, const Deployment& deployment, const std::string& need) {
  const StepStatus status = status_of(deployment, need);
  if (status == StepStatus::succeeded || status == StepStatus::skipped) return true;
  const PlanStep* step = plan.step(need);
  return status == StepStatus::failed && step != nullptr && !step->required;
}

// Found done already by the first look, so that nothing was ever performed.
bool changed_nothing(const StepState& state) {
  return state.observed && state.attempts <= 1;
}

}  // namespace

std::vector<const PlanStep*> ready_steps(const Plan& plan, const Deployment& deployment,
                                         const std::set<std::string>& in_progress) {
  std::vector<const PlanStep*> ready;
  for (const PlanStep& step : plan.steps) {
    if (!has_no_outcome(status_of(deployment, step.id)) || in_progress.count(step.id) > 0) continue;
    const bool is_free = std::all_of(step.needs.begin(), step.needs.end(), [&](const auto& need) {
      return is_met(plan, deployment, need);
    });
    if (is_free) ready.push_back(&step);
  }
  return ready;
}

const PlanStep* failed_step(const Plan& plan, const Deployment& deployment) {
  for (const PlanStep& step : plan.steps)
    if (step.required && status_of(deployment, step.id) == StepStatus::failed) return &step;
  return nullptr;
}

bool is_complete(const Plan& plan, const Deployment& deployment) {
  return std::all_of(plan.steps.begin(), plan.steps.end(),
                     [&](const PlanStep& step) { return is_met(plan, deployment, step.id); });
}

std::vector<const PlanStep*> steps_to_undo(const Plan& plan, const Deployment& deployment,
                                           const std::map<std::string, uint64_t>& started,
                                           bool all) {
  std::vector<std::pair<uint64_t, const PlanStep*>> found;
  for (const PlanStep& step : plan.steps) {
    const auto start = started.find(step.id);
    const StepState* state = deployment.step(step.id);
    if (step.undo.empty() || start == started.end() || state == nullptr) continue;
    if (changed_nothing(*state)) continue;
    const bool has_ended =
        state->status == StepStatus::undone || state->status == StepStatus::undo_failed;
    if (has_ended && !all) continue;
    found.emplace_back(start->second, &step);
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<const PlanStep*> steps;
  for (const auto& [sequence, step] : found) steps.push_back(step);
  return steps;
}

}  // namespace pawl
