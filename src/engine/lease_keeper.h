// Renews the lease of an environment while its holder works, and knows, by the steady clock alone,
// until when it may be relied on.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "engine/ports/store.h"

namespace pawl {

class LeaseKeeper {
 public:
  /// `asked_at`: when the request that was granted was sent. `on_lost` is called once.
  LeaseKeeper(Store& store, Clock& clock, Lease lease, SteadyTime asked_at,
              std::chrono::milliseconds duration, std::function<void()> on_lost);

  /// Renews at a third of the duration until its task is stopped or the lease is lost.
  Task<void> keep();
  /// The last act before a request that changes the world: conflict when the lease has been lost or
  /// its time has run out (this process may have been asleep, with no chance to renew).
  Result<void> check() const;
  const Lease& lease() const { return lease_; }
  bool is_lost() const { return lost_.has_value(); }

 private:
  void lose(std::string why);

  Store& store_;
  Clock& clock_;
  Lease lease_;
  SteadyTime deadline_;
  std::chrono::milliseconds duration_;
  std::function<void()> on_lost_;
  std::optional<Error> lost_;
};

}  // namespace pawl
