// Waiting in line. One deployment holds an environment at a time; the others follow in the order in
// which they were accepted, and none is lost. Nobody tells anybody that it is their turn: each
// looks when the store says that something changed, and at the latest every half second, and the
// lease in the store decides.
//
// Whoever stands before us may be dead (dead_holders.h). Then its environment is freed, and it is
// the first in line: whoever sees that nobody runs it takes it to its end before anything of its
// own.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "engine/dead_holders.h"
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
  /// Runs one to its end.
  using TakeUp = std::function<Task<Result<void>>(std::string deployment, std::string why)>;

  Line(RunnerPorts ports, const RunnerOptions& options, Journal& journal,
       DeadHolders::IsRunHere is_run_here, TakeUp take_up);

  /// Waits until the environment is held for the journal's deployment. No value when the deployment
  /// ended meanwhile (cancelled in line, or taken to its end by another). interrupted when `stop`.
  /// A store that does not answer costs nobody the place in line, unless it is silent for
  /// RunnerOptions::store_patience.
  Task<Result<std::optional<Turn>>> wait_for_turn(std::stop_token stop);

 private:
  Task<Result<std::optional<Turn>>> look();
  Task<Result<std::optional<Turn>>> look_again(std::stop_token stop);
  Task<Result<std::optional<Turn>>> take_turn();
  bool is_silent_for_too_long(const Error& error);
  Task<Result<void>> say_whom_we_wait_for(const std::optional<Lease>& lease,
                                          const std::vector<std::string>& line);
  RunnerPorts ports_;
  const RunnerOptions& options_;
  Journal& journal_;
  DeadHolders::IsRunHere is_run_here_;
  TakeUp take_up_;
  Stillness stillness_;
  DeadHolders dead_;
  std::optional<SteadyTime> silent_since_;  // the store
  std::string told_;                        // whom we last said that we wait for
};

}  // namespace pawl
