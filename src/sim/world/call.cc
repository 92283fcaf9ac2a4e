#include "sim/world/call.h"

namespace pawl::sim {
namespace {

// Servers, proxies and libraries put what they were given into what they say.
std::string said(World& world, std::string text) {
  if (!world.chance.of(world.faults.rate(Fault::blab) * 10)) return text;
  world.seen.count("an error held a secret");
  switch (world.chance.below(3)) {
    case 0:
      return fmt::format("{} (Authorization: Bearer {})", text, World::kSecret);
    case 1:
      return fmt::format("{} (token {} is refused)", text, world.secret_in_base64);
    default:
      return fmt::format("{} (POST /?token={})", text, world.secret_in_url);
  }
}

}  // namespace

Fate draw_fate(World& world, const Request& request, std::optional<Error>& refused) {
  Fate fate;
  Chance& chance = world.chance;
  const Faults& faults = world.faults;
  fate.takes = std::chrono::milliseconds(chance.between(5, 60));
  if (chance.of(faults.rate(Fault::throttle))) {
    fate.arrives = false;
    refused =
        Error(ErrorKind::throttled, said(world, "Rate exceeded")).with_code("ThrottlingException");
  } else if (chance.of(faults.rate(Fault::server_error))) {
    fate.arrives = false;
    refused = Error(ErrorKind::unavailable, said(world, "HTTP 503"));
    if (request.is_change) refused = std::move(*refused).with_outcome_unknown();
  } else if (chance.of(faults.rate(Fault::request_lost))) {
    fate.arrives = false;
  } else if (chance.of(faults.rate(Fault::answer_lost))) {
    fate.is_answered = false;
  } else if (request.is_change && chance.of(faults.rate(Fault::twice))) {
    fate.arrives_twice = !request.arrives_once;
    fate.second_answers = chance.of(0.5);
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

void disturb(World& world, const Request& request, Fate& fate) {
  if (!request.is_guarded || !world.on_arrival) return;
  const bool is_file = request.resource.rfind("s3 ", 0) == 0;
  if (!world.chance.of(world.faults.rate(Fault::by_hand) * (is_file ? 1 : 4))) return;
  // An update of code takes a while, during which the function refuses another.
  const bool is_code = request.resource.rfind("function ", 0) == 0;
  if (is_code) fate.takes = std::chrono::milliseconds(world.chance.between(3'000, 25'000));
  world.clock.call_in(is_code ? std::chrono::milliseconds(1) : fate.takes,
                      [&world, resource = request.resource] { world.on_arrival(resource); });
}

void after_arrival(World& world, const Request& request, size_t effect, bool changed,
                   const std::string& problem) {
  world.invariants.carried_out(effect, changed);
  world.note_change(request.resource, changed);
  world.tell("cloud", "{} {}: {}", request.action, request.resource,
             !problem.empty() ? problem.c_str()
             : changed        ? "changed"
                              : "as it was");
}

}  // namespace pawl::sim
