#include "sim/world/call.h"

namespace pawl::sim {

Fate draw_fate(World& world, const Request& request) {
  Fate fate;
  Chance& chance = world.chance;
  const Faults& faults = world.faults;
  fate.takes = std::chrono::milliseconds(chance.between(5, 60));
  if (chance.of(faults.rate(Fault::throttle))) {
    fate.arrives = false;
    fate.refused = Error(ErrorKind::throttled, "Rate exceeded").with_code("ThrottlingException");
  } else if (chance.of(faults.rate(Fault::server_error))) {
    fate.arrives = false;
    fate.refused = Error(ErrorKind::unavailable, "HTTP 503");
    if (request.is_change) fate.refused = std::move(*fate.refused).with_outcome_unknown();
  } else if (chance.of(faults.rate(Fault::request_lost))) {
    fate.arrives = false;
  } else if (chance.of(faults.rate(Fault::answer_lost))) {
    fate.is_answered = false;
  } else if (chance.of(faults.rate(Fault::delay))) {
    // Within the caller's patience: later than that, and it may arrive after whoever asked what had
    // become of it, which no caller can rule out (docs/guarantees.md says so).
    fate.takes = std::chrono::milliseconds(chance.between(1'000, 25'000));
  }
  return fate;
}

Error no_answer(const Request& request) {
  Error error(ErrorKind::timeout, request.action + ": no answer came");
  return request.is_change ? std::move(error).with_outcome_unknown() : error;
}

}  // namespace pawl::sim
