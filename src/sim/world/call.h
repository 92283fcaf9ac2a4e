// One request to the cloud, with what may become of it on the way. It is the world that carries it:
// a request whose sender died, or gave up, may still arrive, and one may arrive twice.
#pragma once

#include <functional>
#include <memory>
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
  /// It can be refused by a precondition, or should be: somebody may well be faster.
  bool is_guarded = false;
  /// Nothing on the way repeats it (a POST on one connection): its doing the work twice would be
  /// the sender's fault.
  bool arrives_once = false;
};

/// What becomes of a request.
struct Fate {
  bool arrives = true;
  bool is_answered = true;
  bool arrives_twice = false;
  bool second_answers = false;  // of two, the sender hears the second
  std::chrono::milliseconds takes{0};
};
/// `refused`: not carried out, and the answer says so.
Fate draw_fate(World& world, const Request& request, std::optional<Error>& refused);
/// The caller's own limit on a request.
inline constexpr std::chrono::milliseconds kPatience{30'000};
Error no_answer(const Request& request);
/// On its way: somebody else may be faster.
void disturb(World& world, const Request& request, Fate& fate);
/// What was carried out, for the invariants and the story.
void after_arrival(World& world, const Request& request, size_t effect, bool changed,
                   const std::string& problem);

/// A request on its way: shared by its sender and the world.
template <class T>
struct Sent {
  Request request;
  std::function<Result<T>()> work;
  std::optional<size_t> effect;
  OneShot<Result<T>> answer;
  std::optional<Result<T>> first;  // of two answers, while the second is awaited

  /// Of a request that arrives twice the sender hears one answer, when both have been carried out:
  /// what sends it again had no answer to the first.
  void arrive(World& world, const Fate& fate, bool is_second) {
    Result<T> done = carry_out(world);
    if (fate.arrives_twice && !is_second) {
      first.emplace(std::move(done));
      return;
    }
    answer.set(is_second && !fate.second_answers ? *std::move(first) : std::move(done));
  }

  Result<T> carry_out(World& world) {
    const std::string before = request.look ? request.look() : "";
    Result<T> done = work();
    if (effect) {
      const bool changed = request.look && request.look() != before;
      const std::string problem = done.ok() ? "" : done.error().message();
      after_arrival(world, request, *effect, changed, problem);
    }
    return done;
  }
};

template <class T>
void send(World& world, std::shared_ptr<Sent<T>> sent, const Fate& fate) {
  world.clock.call_in(fate.takes, [&world, sent, fate] { sent->arrive(world, fate, false); });
  if (!fate.arrives_twice) return;
  const std::chrono::milliseconds later(world.chance.between(1, 1'000));
  world.clock.call_in(fate.takes + later, [&world, sent, fate] {
    world.seen.count("a request arrived twice");
    sent->arrive(world, fate, true);
  });
}

template <class T>
Task<Result<T>> call(Gate& gate, Request request, std::function<Result<T>()> work) {
  World& world = gate.world();
  auto sent = std::make_shared<Sent<T>>();
  sent->request = std::move(request);
  sent->work = std::move(work);
  const Request& asked = sent->request;
  if (asked.is_change)
    sent->effect = world.invariants.issued(gate.node(), asked.action, asked.resource);
  const uint64_t moment = world.invariants.moment();
  if (gate.stops_at(asked.action, "before it is sent")) co_await gate.hold();
  std::optional<Error> refused;
  Fate fate = draw_fate(world, asked, refused);
  if (fate.arrives && asked.is_guarded) disturb(world, asked, fate);
  ++gate.open;
  std::optional<Result<T>> result;
  if (fate.arrives) send(world, sent, fate);
  if (refused) {
    result.emplace(*std::move(refused));
  } else if (fate.arrives && fate.is_answered) {
    result.emplace(co_await sent->answer.wait());
  } else {
    auto waited = co_await world.clock.sleep_for(kPatience);
    (void)waited;
    result.emplace(no_answer(asked));
  }
  if (gate.stops_at(asked.action, "before its answer is read")) co_await gate.hold();
  --gate.open;
  const bool is_known = result->ok() || !result->error().outcome_unknown();
  if (sent->effect) world.invariants.answered(*sent->effect, is_known);
  const bool was_read = result->ok() || !is_transient(result->error().kind());
  if (!asked.is_change && was_read) world.invariants.read(asked.resource, moment);
  if (!result->ok() && asked.is_change && world.tells())
    world.tell(gate.node(), "{} {}: {}", asked.action, asked.resource, result->error().message());
  co_return *std::move(result);
}

}  // namespace pawl::sim
