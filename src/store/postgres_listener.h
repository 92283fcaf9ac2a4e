// Hears of what other nodes do (LISTEN), on a connection of its own, and wakes those who wait.
#pragma once

#include <memory>
#include <vector>

#include "store/postgres.h"

namespace pawl::postgres {

constexpr const char* kChannel = "pawl";

class Listener {
 public:
  /// Notifications whose payload is `ours` are our own. `address` must outlive it.
  Listener(Loop& loop, const Address& address, std::string ours);

  /// Comes back when something was heard since the last call, or may have been while nobody
  /// listened; at the latest after `at_most`. The first call connects. Interrupted by the task's
  /// stop token.
  Task<Result<void>> wait(Clock& clock, std::chrono::milliseconds at_most);

 private:
  Task<void> listen();
  Task<Result<void>> listen_once();
  void heard();
  bool take_news();

  Loop& loop_;
  const Address& address_;
  std::string ours_;
  bool is_started_ = false;
  uint64_t heard_ = 0;
  uint64_t taken_ = 0;
  std::vector<OneShot<bool>> waiters_;
  Scope background_;  // last: what it runs uses all of the above
};

}  // namespace pawl::postgres
