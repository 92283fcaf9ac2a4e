// One request to the cloud, with what may become of it on the way. It is the world that carries it:
// a request whose sender died, or gave up, may still arrive.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sim/world/gate.h"

namespace pawl::sim {

struct Request {
  std::string action;
  std::string resource;
  bool is_change = false;
  /// How the resource is, in words: to tell a change from a repetition. Changes only.
  std::function<std::string()> look = {};
};

/// What becomes of a request.
struct Fate {
  std::optional<Error> refused;  // not carried out, and the answer says so
  bool arrives = true;
  bool is_answered = true;
  std::chrono::milliseconds takes{0};
};
Fate draw_fate(World& world, const Request& request);
/// The caller's own limit on a request.
inline constexpr std::chrono::milliseconds kPatience{30'000};
Error no_answer(const Request& request);

template <class T>
Task<void> carry(World& world, Request request, std::function<Result<T>()> work,
                 std::chrono::milliseconds takes, std::optional<size_t> effect,
                 OneShot<Result<T>> answer) {
  auto slept = co_await world.clock.sleep_for(takes);
  (void)slept;
  const std::string before = request.look ? request.look() : "";
  Result<T> done = work();
  if (effect) {
    const bool changed = request.look && request.look() != before;
    world.invariants.carried_out(*effect, changed);
    world.tell("cloud", "{} {}: {}", request.action, request.resource,
               !done.ok() ? done.error().message()
               : changed  ? "changed"
                          : "as it was");
  }
  answer.set(std::move(done));
}

template <class T>
Task<Result<T>> call(Gate& gate, Request request, std::function<Result<T>()> work) {
  World& world = gate.world();
  std::optional<size_t> effect;
  if (request.is_change)
    effect = world.invariants.issued(gate.node(), request.action, request.resource);
  co_await gate.pass(request.action + ", before it is sent");
  const Fate fate = draw_fate(world, request);
  ++gate.open;
  OneShot<Result<T>> answer;
  if (fate.arrives)
    world.carry(carry<T>(world, request, std::move(work), fate.takes, effect, answer));
  Result<T> result = no_answer(request);
  if (fate.refused) {
    result = *fate.refused;
  } else if (fate.arrives && fate.is_answered) {
    result = co_await answer.wait();
  } else {
    auto waited = co_await world.clock.sleep_for(kPatience);
    (void)waited;
  }
  co_await gate.pass(request.action + ", before its answer is read");
  --gate.open;
  const bool is_known = result.ok() || !result.error().outcome_unknown();
  if (effect) world.invariants.answered(*effect, is_known);
  const bool was_read = result.ok() || !is_transient(result.error().kind());
  if (!request.is_change && was_read) world.invariants.read(request.resource);
  if (!result.ok() && request.is_change)
    world.tell(gate.node(), "{} {}: {}", request.action, request.resource,
               result.error().message());
  co_return result;
}

}  // namespace pawl::sim
