#include "engine/lease_keeper.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl {
namespace {

constexpr std::chrono::milliseconds kRetry{1'000};

Error not_ours(const Lease& lease, const std::string& why) {
  return Error(ErrorKind::conflict, fmt::format("{} is not held by deployment {} any more: {}",
                                                lease.environment, lease.deployment, why))
      .with_code(std::string(kCodeFenced))
      .with_hint(
          "nothing more was changed by this process; whoever holds it now takes the "
          "deployment to its end");
}

}  // namespace

LeaseKeeper::LeaseKeeper(Store& store, Clock& clock, Lease lease, SteadyTime asked_at,
                         std::chrono::milliseconds duration, std::function<void()> on_lost)
    : store_(store),
      clock_(clock),
      lease_(std::move(lease)),
      deadline_(asked_at + duration),
      duration_(duration),
      on_lost_(std::move(on_lost)) {}

Task<void> LeaseKeeper::keep() {
  std::chrono::milliseconds wait = duration_ / 3;
  while (!lost_) {
    auto slept = co_await clock_.sleep_for(wait);
    if (!slept.ok()) co_return;
    const SteadyTime asked_at = clock_.steady_now();
    // No answer in this time is a failure: what is left of the lease's is for another try.
    auto bounded =
        with_timeout(clock_, duration_ / 3, store_.renew_lease(lease_, clock_.now(), duration_));
    auto renewed = co_await with_stop({}, std::move(bounded));
    wait = duration_ / 3;
    if (renewed.ok()) {
      deadline_ = asked_at + duration_;
    } else if (renewed.error().kind() == ErrorKind::conflict) {
      lose(renewed.error().what());
    } else {
      wait = std::min(kRetry, wait);
      if (clock_.steady_now() >= deadline_) lose(renewed.error().message());
    }
  }
}

void LeaseKeeper::lose(std::string why) {
  if (lost_) return;
  lost_ = not_ours(lease_, why);
  on_lost_();
}

Result<void> LeaseKeeper::check() const {
  if (lost_) return *lost_;
  if (clock_.steady_now() >= deadline_)
    return not_ours(lease_,
                    fmt::format("it could not be renewed for {}", format_duration(duration_)));
  return ok();
}

}  // namespace pawl
