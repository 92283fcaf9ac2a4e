#include "engine/dead_holders.h"

#include <fmt/format.h>

namespace pawl {

bool Stillness::is_still(const std::string& what, const std::string& state) {
  const SteadyTime now = clock_.steady_now();
  Seen& seen = seen_.try_emplace(what, Seen{state, now}).first->second;
  if (seen.state != state) seen = {state, now};
  return now - seen.since >= long_enough_;
}

Task<Result<bool>> DeadHolders::free(Lease lease) {
  bool is_dead = false;
  if (!is_run_here_(lease.deployment)) {
    is_dead =
        processes_.is_gone(lease.owner) ||
        stillness_.is_still(place_of(lease.app, lease.environment),
                            fmt::format("{} until {}", lease.token, lease.expires_at.unix_ms));
    if (!is_dead) {
      // It ended, and went before it gave the environment back.
      uint64_t& read = read_[lease.deployment];
      PAWL_CO_TRY(auto tail, co_await store_.tail(lease.deployment, read));
      read = tail.last_sequence;
      is_dead = !tail.events.empty() && tail.events.back().type == EventType::finished;
    }
  }
  if (!is_dead) co_return false;
  PAWL_CO_CHECK(co_await store_.release_lease(lease));
  co_return true;
}

std::string place_of(const std::string& app, const std::string& environment) {
  return app + "/" + environment;
}

}  // namespace pawl
