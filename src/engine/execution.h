// What the parts of one run of one deployment share, and the life of a single step in it.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "engine/journal.h"
#include "engine/lease_keeper.h"
#include "engine/runner.h"
#include "engine/step_log.h"

namespace pawl {

struct Execution {
  RunnerPorts ports;
  const RunnerOptions& options;
  RunObserver& observer;
  Journal& journal;
  StepLog& log;
  std::stop_token process_stop;  // the person, or the system, wants this process to end
  LeaseKeeper* lease = nullptr;
  std::stop_source forward_stop{};  // steps: process_stop, a cancel, no time left, or `broken`
  std::stop_source undo_stop{};     // undos: process_stop or `broken`
  std::optional<Error> broken{};    // the machinery: store or lease; nothing more is done
  bool is_out_of_time = false;      // the deployment is over its limit

  const Deployment& deployment() const { return journal.deployment(); }
  /// The first one stays; everything is stopped.
  void break_off(Error error);
  bool is_interrupted() const { return process_stop.stop_requested(); }
  /// Stops the steps when the deployment was cancelled (unless it is to be left at a boundary), or
  /// has no time left. Neither stops a rollback.
  void heed_cancel_and_limit();
  /// Of the plan; before there is one, of the options.
  RunPolicy policy() const;
};

/// Intent, look, effect, outcome. Ends without an outcome when it was interrupted by a stopping
/// process, or when the machinery broke (Execution::broken says why).
Task<void> run_step(Execution& execution, PlanStep step);

/// Intent, undo (a few tries), outcome. The same two exceptions.
Task<void> undo_step(Execution& execution, PlanStep step);

/// After all undos: the steps' own look at what is live again. An Error: it does not answer.
Task<Result<std::optional<std::string>>> verify_undone(Execution& execution);

/// A sentence that names the limit, and its key in pawl.yaml.
std::string took_too_long(const RunPolicy& policy);

/// hash(deployment, step, purpose): the same over all attempts.
std::string effect_key(std::string_view deployment, std::string_view step,
                       std::string_view purpose);

}  // namespace pawl
