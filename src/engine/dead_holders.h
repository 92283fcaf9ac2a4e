// Who holds an environment and is dead. A holder is known to be gone when its process is (on this
// machine), or when its lease did not move for its whole duration by our own steady clock: the wall
// clock, which may jump, decides nothing.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/clock.h"
#include "engine/ports/process_table.h"
#include "engine/ports/store.h"

namespace pawl {

/// Remembers since when something looks the same, by the steady clock.
class Stillness {
 public:
  Stillness(Clock& clock, std::chrono::milliseconds long_enough)
      : clock_(clock), long_enough_(long_enough) {}
  /// True when `state` was all that was seen of `what` for long enough.
  bool is_still(const std::string& what, const std::string& state);

 private:
  struct Seen {
    std::string state;
    SteadyTime since;
  };
  Clock& clock_;
  std::chrono::milliseconds long_enough_;
  std::map<std::string, Seen> seen_;
};

class DeadHolders {
 public:
  /// True when a task of this process runs that deployment.
  using IsRunHere = std::function<bool(const std::string& deployment)>;

  DeadHolders(Store& store, const ProcessTable& processes, Stillness& stillness,
              IsRunHere is_run_here)
      : store_(store),
        processes_(processes),
        stillness_(stillness),
        is_run_here_(std::move(is_run_here)) {}

  /// True when the holder is gone, and what it held was given back.
  Task<Result<bool>> free(Lease lease);

 private:
  Store& store_;
  const ProcessTable& processes_;
  Stillness& stillness_;
  IsRunHere is_run_here_;
  std::map<std::string, uint64_t> read_;  // how much of each holder's journal was seen
};

/// The name of an environment for Stillness.
std::string place_of(const std::string& app, const std::string& environment);

}  // namespace pawl
