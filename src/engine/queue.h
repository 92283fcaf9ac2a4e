// Waiting in line. One deployment holds an environment at a time; the others follow in the order in
// which they were accepted, and none is lost. Nobody tells anybody that it is their turn: each
// looks every half second, and the lease in the store decides.
//
// Whoever stands before us may be dead. A holder is known to be gone when its process is (on this
// machine), or when its lease was not renewed for its whole duration by our own steady clock: the
// wall clock, which may jump, decides nothing. Then its environment is freed, and it is the first
// in line: whoever sees that nobody runs it takes it to its end before anything of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "engine/journal.h"
#include "engine/runner.h"

namespace pawl {

/// Granted, with the steady time at which it was asked for.
struct Turn {
  Lease lease;
  SteadyTime asked_at;
};

class Line {
 public:
  /// `is_run_here`: a task of this process runs that deployment. `take_up` runs one to its end.
  using IsRunHere = std::function<bool(const std::string& deployment)>;
  using TakeUp = std::function<Task<Result<void>>(std::string deployment, std::string why)>;

  Line(RunnerPorts ports, const RunnerOptions& options, Journal& journal, IsRunHere is_run_here,
       TakeUp take_up);

  /// Waits until the environment is held for the journal's deployment. No value when the deployment
  /// ended meanwhile (cancelled in line, or taken to its end by another). interrupted when `stop`.
  Task<Result<std::optional<Turn>>> wait_for_turn(std::stop_token stop);

 private:
  Task<Result<std::optional<Turn>>> look();
  Task<Result<bool>> free_from_the_dead(const Lease& lease);
  Task<Result<void>> say_whom_we_wait_for(const std::optional<Lease>& lease,
                                          const std::vector<std::string>& line);
  bool is_still(const std::string& what);
  Task<Result<bool>> has_ended(std::string other);
  Task<Result<Journal*>> read(std::string other);

  RunnerPorts ports_;
  const RunnerOptions& options_;
  Journal& journal_;
  IsRunHere is_run_here_;
  TakeUp take_up_;
  std::string seen_;                // what has not moved ...
  SteadyTime seen_since_;           // ... since then
  std::string told_;                // whom we last said that we wait for
  std::unique_ptr<Journal> other_;  // of the one we last looked at: only what is new is read
};

/// Why nobody runs it any more ("its process is gone"); empty when somebody may.
std::string why_nobody_runs(const Deployment& deployment, const JournalFacts& facts,
                            const ProcessTable& processes);

}  // namespace pawl
