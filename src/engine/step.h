// A step is three verbs. observe: is it done already, what is there? perform: do it. undo: take it
// back. Each is idempotent, so that after a crash whoever comes next can ask and go on.
//
// A step decides from its parameters (in the plan), from the outputs of earlier steps (in the
// journal) and from what it observes in the world; it keeps no state of its own between calls,
// since the process may die between any two of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/task.h"
#include "core/deployment.h"

namespace pawl {

/// What a running step is given. Valid during the call.
class StepContext {
 public:
  virtual ~StepContext() = default;
  /// The deployment as its events have it so far.
  virtual const Deployment& deployment() const = 0;
  virtual const PlanStep& step() const = 0;
  /// The idempotency key of the effect: hash(deployment, step, purpose), the same over all
  /// attempts.
  virtual std::string key() const = 0;
  virtual Clock& clock() = 0;
  /// A line for this step's log; redacted by the sink.
  virtual void log(std::string_view line) = 0;
  /// Shown, not stored: how far the step is.
  virtual void progress(uint64_t done, uint64_t total, std::string_view unit) = 0;
  /// Journals a try within the step (a health check).
  virtual Task<Result<void>> record_attempt(json::object data) = 0;
  /// To be called as the last act before each request that changes the world: refuses (conflict)
  /// when the lease is not ours any more, (interrupted) when the process was asked to stop.
  virtual Task<Result<void>> before_change() = 0;
};

/// What observe found. `done` with the outputs that perform would have given; else absent.
struct Observation {
  std::optional<json::object> done;
};

class Step {
 public:
  virtual ~Step() = default;
  /// Reads only. Asked before each perform, also of a step that a crash left unfinished. An Error
  /// means that it could not be told, and nothing is done.
  virtual Task<Result<Observation>> observe(StepContext& context) = 0;
  /// Gives the outputs that later steps and the undo need.
  virtual Task<Result<json::object>> perform(StepContext& context) = 0;
  /// Restores what was. Also asked of a step whose perform failed or whose outcome is not known:
  /// must first see whether anything is to be undone. Outputs say what was restored.
  virtual Task<Result<json::object>> undo(StepContext& context) {
    (void)context;
    co_return json::object{};
  }
};

/// Which Step runs a plan's kind.
class StepLibrary {
 public:
  virtual ~StepLibrary() = default;
  /// nullptr: this build does not know the kind.
  virtual Step* find(std::string_view kind) = 0;
  /// After the undo of all: asks whether what was live before answers again (5 attempts). No value:
  /// nothing was live before, or nothing checks it.
  virtual Task<Result<std::optional<std::string>>> verify_rollback(StepContext& context) = 0;
  /// The deployment ends: what was kept for its steps alone is taken away (a saved plan, in which
  /// there are secrets). May be called again after a crash.
  virtual void end(const Deployment& deployment) { (void)deployment; }
};

}  // namespace pawl
