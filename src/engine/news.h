// Waiting for something to happen in the store.
#pragma once

#include <chrono>
#include <stop_token>

#include "engine/ports/store.h"

namespace pawl {

/// Until somebody may have changed something, at the latest after `at_most`, or when asked to stop.
/// A store that does not answer is left alone for as long.
Task<void> wait_for_news(Store& store, Clock& clock, std::chrono::milliseconds at_most,
                         std::stop_token stop);

}  // namespace pawl
