// A deployment is a fold of its events. apply() is pure and total: an event that does not fit is
// remembered as a contradiction and changes nothing else, so that no journal can crash a reader.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/plan.h"

namespace pawl {

enum class Phase {
  queued,        // accepted, in line
  deploying,     // holds the environment, changing things
  verifying,     // the health check runs
  rolling_back,  // undoing
  // Terminal: no phase event follows.
  succeeded,
  rolled_back,    // failed, and what was live before is live again, seen to answer
  failed,         // failed, and the environment is not as it was (or that is not known)
  cancelled,      // on request; undone, left as it was (rollback_status), or nothing was changed
  refused,        // by policy, nothing was touched
  superseded,     // a newer commit is live or in line
  nothing_to_do,  // decided so: success is said only of what was seen to be live
};
std::string_view to_string(Phase phase);
std::optional<Phase> phase_from(std::string_view name);
bool is_terminal(Phase phase);

/// The rows of the state machine that may be taken; tests walk it.
bool is_allowed_transition(Phase from, Phase to);

enum class StepStatus {
  pending,
  running,
  succeeded,
  failed,
  skipped,
  undoing,
  undone,
  undo_failed
};
std::string_view to_string(StepStatus status);

struct StepState {
  std::string id;
  StepStatus status = StepStatus::pending;
  int attempts = 0;  // times started
  std::optional<WallTime> started_at;
  std::optional<WallTime> ended_at;
  Shared<json::object> outputs;       // of step_succeeded
  Shared<json::object> undo_outputs;  // of undo_succeeded
  bool observed = false;              // found done already
  bool undo_started = false;  // an undo was intended; with status undoing: not known to be done
  std::string error;
  // Failed at its first try, for a reason that leaves no doubt: nothing of it is under way.
  bool was_refused = false;
  std::string reason;  // why skipped
  // The last try within the step (health checks).
  int try_number = 0;
  int try_of = 0;
  std::string try_result;
  int64_t next_wait_ms = 0;
  std::string try_effect;  // of a hook: what its last call did (core/hooks.h)
  bool operator==(const StepState&) const = default;
};

struct Deployment {
  std::string id;
  std::string app;
  std::string environment;
  std::string actor;
  DeploymentKind kind = DeploymentKind::deploy;
  Phase phase = Phase::queued;
  std::string verdict;          // of the decision: "deploy", "nothing_to_do", "refused", ...
  std::string reason;           // of the decision, then of the end
  std::string hint;             // what to do about it; empty: nothing in particular
  std::string rollback_status;  // "", "succeeded", "failed", "nothing_to_undo", "left"
  std::string rollback_reason;
  std::string waiting_for;  // deployment id, while in line
  std::string owner;        // process that runs it
  bool cancel_requested = false;
  std::string cancelled_by;
  std::optional<OnCancel> cancel_choice;  // of who cancelled, where it is not the plan's
  bool interrupted = false;               // stopped on purpose, not yet taken up
  ReleaseName release;
  Shared<Plan> plan;
  std::vector<StepState> steps;          // in the plan's order
  json::array notifications;             // {what, reference} of each
  std::optional<WallTime> committed_at;  // validated.data.committed_at, where known: for lead times
  WallTime accepted_at;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
  uint64_t last_sequence = 0;
  uint64_t fencing_token = 0;
  int contradictions = 0;  // events that did not fit

  const StepState* step(std::string_view id) const;
  StepState* step(std::string_view id);
  /// What a cancel makes of it: as who cancelled chose, else as planned.
  OnCancel on_cancel() const;
  /// Cancelled to be left at a step boundary: no step is begun any more, none is broken off.
  bool is_to_be_left() const { return cancel_requested && on_cancel() == OnCancel::leave; }
  /// Cancelled, and what it did is to be taken back.
  bool is_to_be_undone() const { return cancel_requested && on_cancel() == OnCancel::undo; }
  /// outputs[name] of that step as text, or empty.
  std::string output(std::string_view step, std::string_view name) const;
  bool operator==(const Deployment&) const = default;
};

void apply(Deployment& deployment, const Event& event);
Deployment fold(const std::vector<Event>& events);

/// The outputs of the usual workflow: should_deploy, environment, image_tag, version, tag, digest,
/// deployment_url, deployment_status, rollback_status.
json::object workflow_outputs(const Deployment& deployment);

/// For --json and the page: everything a reader may want, with stable names.
json::object to_json(const Deployment& deployment);

/// What a rollback to this (succeeded) deployment needs, as its steps recorded it; no value when it
/// recorded nothing to go back to.
std::optional<RollbackTarget> rollback_target_of(const Deployment& deployment);

/// 0 succeeded / nothing to do, 1 failed, 3 rolled back, 4 refused or superseded, 5 not finished;
/// a cancelled one is 1 when it was left part-way, else 3 -- see docs/reference/cli.md.
int exit_code(const Deployment& deployment);

}  // namespace pawl
