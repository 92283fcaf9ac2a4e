#include "engine/news.h"

namespace pawl {

Task<void> wait_for_news(Store& store, Clock& clock, std::chrono::milliseconds at_most,
                         std::stop_token stop) {
  auto changed = co_await with_stop(stop, store.wait_for_change(clock, at_most));
  if (changed.ok() || stop.stop_requested()) co_return;
  auto slept = co_await with_stop(stop, clock.sleep_for(at_most));
  (void)slept;  // a stop is seen by the caller
}

}  // namespace pawl
