#include "core/deployment.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pawl {
namespace {

constexpr std::array kPhaseNames = {
    std::pair{Phase::queued, "queued"},
    std::pair{Phase::deploying, "deploying"},
    std::pair{Phase::verifying, "verifying"},
    std::pair{Phase::rolling_back, "rolling_back"},
    std::pair{Phase::succeeded, "succeeded"},
    std::pair{Phase::rolled_back, "rolled_back"},
    std::pair{Phase::failed, "failed"},
    std::pair{Phase::cancelled, "cancelled"},
    std::pair{Phase::refused, "refused"},
    std::pair{Phase::superseded, "superseded"},
    std::pair{Phase::nothing_to_do, "nothing_to_do"},
};

constexpr std::array kStatusNames = {
    std::pair{StepStatus::pending, "pending"},
    std::pair{StepStatus::running, "running"},
    std::pair{StepStatus::succeeded, "succeeded"},
    std::pair{StepStatus::failed, "failed"},
    std::pair{StepStatus::skipped, "skipped"},
    std::pair{StepStatus::undoing, "undoing"},
    std::pair{StepStatus::undone, "undone"},
    std::pair{StepStatus::undo_failed, "undo_failed"},
};

struct Transition {
  Phase from;
  Phase to;
};

// Read it by eye: what is not here does not happen.
constexpr std::array kTransitions = {
    // Decided, or given up, before anything was touched.
    Transition{Phase::queued, Phase::deploying},
    Transition{Phase::queued, Phase::nothing_to_do},
    Transition{Phase::queued, Phase::refused},
    Transition{Phase::queued, Phase::superseded},
    Transition{Phase::queued, Phase::cancelled},
    Transition{Phase::queued, Phase::failed},
    // Holds the environment. What was true in line may not be any more, hence the refusals.
    Transition{Phase::deploying, Phase::verifying},
    Transition{Phase::deploying, Phase::rolling_back},
    Transition{Phase::deploying, Phase::succeeded},
    Transition{Phase::deploying, Phase::failed},
    Transition{Phase::deploying, Phase::cancelled},
    Transition{Phase::deploying, Phase::refused},
    Transition{Phase::deploying, Phase::superseded},
    Transition{Phase::deploying, Phase::nothing_to_do},
    Transition{Phase::verifying, Phase::succeeded},
    Transition{Phase::verifying, Phase::rolling_back},
    Transition{Phase::verifying, Phase::failed},
    Transition{Phase::verifying, Phase::cancelled},  // left as it was
    Transition{Phase::rolling_back, Phase::rolled_back},
    Transition{Phase::rolling_back, Phase::failed},
    Transition{Phase::rolling_back, Phase::cancelled},
};

constexpr std::string_view kHealthCheckKind = "check_health";

bool is_one_of(StepStatus status, std::initializer_list<StepStatus> wanted) {
  return std::find(wanted.begin(), wanted.end(), status) != wanted.end();
}

// Of an error's kind: the request was answered, and changed nothing.
bool leaves_no_doubt(std::string_view kind) {
  return kind == to_string(ErrorKind::denied) || kind == to_string(ErrorKind::not_found) ||
         kind == to_string(ErrorKind::refused);
}

Shared<json::object> object_at(const Shared<json::object>& data, std::string_view name) {
  const json::value* value = data->if_contains(name);
  if (value == nullptr || !value->is_object()) return {};
  return Shared<json::object>(data, value->get_object());
}

// Applies one event; false when it does not fit, and then nothing may have been changed.
class Applier {
 public:
  Applier(Deployment& deployment, const Event& event)
      : d_(deployment), event_(event), data_(event.data) {}

  bool apply() {
    if (is_terminal(d_.phase)) return event_.type == EventType::notified && notified();
    switch (event_.type) {
      case EventType::accepted:
        return accepted();
      case EventType::validated:
        return validated();
      case EventType::planned:
        return planned();
      case EventType::waiting:
        return waiting();
      case EventType::started:
        return started();
      case EventType::resumed:
        return resumed();
      case EventType::step_started:
        return step_started();
      case EventType::step_attempt:
        return step_attempt();
      case EventType::step_succeeded:
        return step_succeeded();
      case EventType::step_failed:
        return step_failed();
      case EventType::step_skipped:
        return step_skipped();
      case EventType::rollback_started:
        return rollback_started();
      case EventType::undo_started:
        return undo_started();
      case EventType::undo_succeeded:
        return undo_succeeded();
      case EventType::undo_failed:
        return undo_failed();
      case EventType::rollback_verified:
        return rollback_verified();
      case EventType::cancel_requested:
        return cancel_requested();
      case EventType::interrupted:
        return interrupted();
      case EventType::notified:
        return notified();
      case EventType::finished:
        return finished();
    }
    return false;
  }

 private:
  std::string text(std::string_view name) const { return string_or(data_, name); }
  bool holds_environment() const {
    return d_.phase == Phase::deploying || d_.phase == Phase::verifying ||
           d_.phase == Phase::rolling_back;
  }
  bool move_to(Phase phase) {
    if (!is_allowed_transition(d_.phase, phase)) return false;
    d_.phase = phase;
    return true;
  }

  bool accepted() {
    if (!d_.id.empty() || event_.sequence != 1) return false;
    d_.id = event_.deployment;
    d_.kind = text("kind") == "rollback" ? DeploymentKind::rollback : DeploymentKind::deploy;
    d_.app = text("app");
    d_.environment = text("environment");
    d_.actor = text("actor");
    d_.accepted_at = event_.at;
    return true;
  }

  bool validated() {
    if (d_.phase != Phase::queued) return false;
    d_.verdict = text("verdict");
    d_.reason = text("reason");
    d_.hint = text("hint");
    d_.release = release_from_json(data_);
    if (auto time = parse_iso8601(text("committed_at")); time.ok()) d_.committed_at = *time;
    return true;
  }

  bool planned() {
    if (d_.plan || d_.phase != Phase::deploying) return false;
    if (event_.plan) {
      d_.plan = event_.plan;
    } else {
      auto plan = plan_from_json(event_.data);
      if (!plan.ok()) return false;
      d_.plan = std::move(*plan);
    }
    d_.steps.reserve(d_.plan->steps.size());
    for (const auto& step : d_.plan->steps) d_.steps.emplace_back().id = step.id;
    return true;
  }

  bool waiting() {
    if (d_.phase != Phase::queued) return false;
    d_.waiting_for = text("for");
    return true;
  }

  bool started() {
    if (!move_to(Phase::deploying)) return false;
    d_.owner = text("owner");
    d_.waiting_for.clear();
    d_.started_at = event_.at;
    d_.interrupted = false;
    return true;
  }

  bool resumed() {
    d_.owner = text("owner");
    d_.interrupted = false;
    return true;
  }

  bool step_started() {
    StepState* step = d_.step(event_.step);
    if (step == nullptr || (d_.phase != Phase::deploying && d_.phase != Phase::verifying))
      return false;
    // Again after a crash, or after an attempt that failed in passing.
    if (!is_one_of(step->status, {StepStatus::pending, StepStatus::running, StepStatus::failed}))
      return false;
    const PlanStep* planned = d_.plan->step(event_.step);
    if (planned->kind == kHealthCheckKind && d_.phase == Phase::deploying)
      d_.phase = Phase::verifying;
    step->status = StepStatus::running;
    ++step->attempts;
    if (!step->started_at) step->started_at = event_.at;
    step->ended_at.reset();
    step->error.clear();
    return true;
  }

  bool step_attempt() {
    if (!holds_environment()) return false;
    StepState* step = d_.step(event_.step);
    // The look at what a rollback restored is no step of the plan.
    if (step == nullptr) return d_.phase == Phase::rolling_back;
    step->try_number = static_cast<int>(int_or(data_, "number"));
    step->try_of = static_cast<int>(int_or(data_, "of"));
    step->try_result = text("result");
    step->next_wait_ms = int_or(data_, "next_wait_ms");
    step->try_effect = text("effect");
    return true;
  }

  bool step_succeeded() {
    StepState* step = d_.step(event_.step);
    const bool observed = bool_or(data_, "observed");
    if (step == nullptr || !holds_environment()) return false;
    if (step->status != StepStatus::running && !(observed && step->status == StepStatus::pending))
      return false;
    step->status = StepStatus::succeeded;
    step->observed = observed;
    step->outputs = object_at(event_.data, "outputs");
    if (!step->started_at) step->started_at = event_.at;
    step->ended_at = event_.at;
    step->next_wait_ms = 0;
    return true;
  }

  bool step_failed() {
    StepState* step = d_.step(event_.step);
    if (step == nullptr || !holds_environment()) return false;
    if (!is_one_of(step->status, {StepStatus::pending, StepStatus::running})) return false;
    step->was_refused =
        step->status == StepStatus::running && step->attempts == 1 && leaves_no_doubt(text("kind"));
    // What failed first is the cause of the end.
    const bool is_first = std::none_of(d_.steps.begin(), d_.steps.end(), [](const StepState& each) {
      return each.status == StepStatus::failed;
    });
    if (is_first && d_.phase != Phase::rolling_back) d_.hint = text("hint");
    step->status = StepStatus::failed;
    step->error = text("error");
    step->ended_at = event_.at;
    step->next_wait_ms = 0;
    return true;
  }

  bool step_skipped() {
    StepState* step = d_.step(event_.step);
    if (step == nullptr || !holds_environment() || step->status != StepStatus::pending)
      return false;
    step->status = StepStatus::skipped;
    step->reason = text("reason");
    return true;
  }

  bool rollback_started() {
    if (!move_to(Phase::rolling_back)) return false;
    d_.rollback_reason = text("reason");
    return true;
  }

  bool undo_started() {
    StepState* step = d_.step(event_.step);
    if (step == nullptr || d_.phase != Phase::rolling_back) return false;
    if (!is_one_of(step->status, {StepStatus::running, StepStatus::succeeded, StepStatus::failed,
                                  StepStatus::undoing, StepStatus::undo_failed}))
      return false;
    step->status = StepStatus::undoing;
    step->undo_started = true;
    return true;
  }

  bool undo_succeeded() {
    StepState* step = d_.step(event_.step);
    if (step == nullptr || d_.phase != Phase::rolling_back || step->status != StepStatus::undoing)
      return false;
    step->status = StepStatus::undone;
    step->undo_outputs = object_at(event_.data, "outputs");
    return true;
  }

  bool undo_failed() {
    StepState* step = d_.step(event_.step);
    if (step == nullptr || d_.phase != Phase::rolling_back || step->status != StepStatus::undoing)
      return false;
    step->status = StepStatus::undo_failed;
    step->error = text("error");
    return true;
  }

  bool rollback_verified() {
    if (d_.phase != Phase::rolling_back) return false;
    d_.rollback_status = bool_or(data_, "ok") ? "succeeded" : "failed";
    if (const auto reason = text("reason"); !reason.empty()) d_.rollback_reason = reason;
    return true;
  }

  bool cancel_requested() {
    d_.cancel_requested = true;
    if (d_.cancelled_by.empty()) d_.cancelled_by = text("by");
    // What is being undone already is not left half undone.
    const auto choice = on_cancel_from(text("on_cancel"));
    if (choice && d_.phase != Phase::rolling_back) d_.cancel_choice = choice;
    return true;
  }

  bool interrupted() {
    d_.interrupted = true;
    return true;
  }

  bool notified() {
    json::object told;
    told["what"] = text("what");
    told["reference"] = text("reference");
    if (const auto problem = text("problem"); !problem.empty()) told["problem"] = problem;
    d_.notifications.push_back(std::move(told));
    return true;
  }

  bool finished() {
    const auto outcome = phase_from(text("outcome"));
    if (!outcome || !is_terminal(*outcome) || !move_to(*outcome)) return false;
    if (const auto reason = text("reason"); !reason.empty()) d_.reason = reason;
    if (const auto hint = text("hint"); !hint.empty()) d_.hint = hint;
    if (*outcome == Phase::succeeded) d_.hint.clear();
    if (const auto status = text("rollback_status"); !status.empty()) d_.rollback_status = status;
    d_.finished_at = event_.at;
    d_.waiting_for.clear();
    d_.interrupted = false;
    return true;
  }

  Deployment& d_;
  const Event& event_;
  const json::object& data_;
};

}  // namespace

std::string_view to_string(Phase phase) {
  for (const auto& [candidate, name] : kPhaseNames)
    if (candidate == phase) return name;
  return "unknown";
}

std::optional<Phase> phase_from(std::string_view name) {
  for (const auto& [candidate, known] : kPhaseNames)
    if (known == name) return candidate;
  return std::nullopt;
}

std::string_view to_string(StepStatus status) {
  for (const auto& [candidate, name] : kStatusNames)
    if (candidate == status) return name;
  return "unknown";
}

bool is_terminal(Phase phase) {
  switch (phase) {
    case Phase::queued:
    case Phase::deploying:
    case Phase::verifying:
    case Phase::rolling_back:
      return false;
    case Phase::succeeded:
    case Phase::rolled_back:
    case Phase::failed:
    case Phase::cancelled:
    case Phase::refused:
    case Phase::superseded:
    case Phase::nothing_to_do:
      return true;
  }
  return false;
}

bool is_allowed_transition(Phase from, Phase to) {
  return std::any_of(kTransitions.begin(), kTransitions.end(),
                     [&](const Transition& row) { return row.from == from && row.to == to; });
}

const StepState* Deployment::step(std::string_view wanted) const {
  for (const auto& candidate : steps)
    if (candidate.id == wanted) return &candidate;
  return nullptr;
}

StepState* Deployment::step(std::string_view wanted) {
  return const_cast<StepState*>(std::as_const(*this).step(wanted));
}

OnCancel Deployment::on_cancel() const {
  if (cancel_choice) return *cancel_choice;
  return plan ? plan->policy.on_cancel : OnCancel::undo;
}

std::string Deployment::output(std::string_view step_id, std::string_view name) const {
  const StepState* state = step(step_id);
  return state == nullptr ? "" : string_or(state->outputs, name);
}

void apply(Deployment& deployment, const Event& event) {
  const bool is_next = event.sequence == deployment.last_sequence + 1;
  const bool is_ours = deployment.id.empty() || event.deployment == deployment.id;
  const bool is_stale = event.fencing_token != 0 && event.fencing_token < deployment.fencing_token;
  // A gap loses what lay in it, but what comes next must still be able to follow.
  if (is_ours && event.sequence > deployment.last_sequence)
    deployment.last_sequence = event.sequence;
  const bool begins_well = !deployment.id.empty() || event.type == EventType::accepted;
  if (!is_next || !is_ours || is_stale || !begins_well || !Applier(deployment, event).apply()) {
    ++deployment.contradictions;
    return;
  }
  deployment.fencing_token = std::max(deployment.fencing_token, event.fencing_token);
}

Deployment fold(const std::vector<Event>& events) {
  Deployment deployment;
  for (const auto& event : events) apply(deployment, event);
  return deployment;
}

}  // namespace pawl
