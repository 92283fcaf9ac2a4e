// Instances that stand ready (provisioned concurrency), moved along with a release. Set aside for a
// version, they are set aside for the new one before the alias moves, and given up of the old one
// when the new one is verified. Set aside for the alias, Lambda moves them when the alias moves;
// Pawl waits until they stand ready again.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
#include <fmt/format.h>

#include <algorithm>

#include "engine/steps/captured.h"
#include "engine/steps/function_code.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstLook{500};
constexpr milliseconds kSlowestLook{5'000};
// They take minutes to start, longer than an update of code.
constexpr milliseconds kAtLeast{10 * 60'000};

struct Place {
  std::string function;
  std::string qualifier;
};

std::string new_version(const Deployment& deployment) {
  return deployment.output("publish_version", "function_version");
}

Error did_not_start(const Place& place, const std::string& reason) {
  return Error(ErrorKind::failed,
               fmt::format("no instances of {}:{} stand ready: {}", place.function, place.qualifier,
                           reason.empty() ? "no reason was given" : reason))
      .with_hint("see that the version starts, and that the account's concurrency suffices");
}

Task<Result<ProvisionedConcurrency>> wait_until_ready(StepContext& context,
                                                      Concurrency& concurrency, Place place) {
  const auto limit = std::max(function_target(context.step().params).update_timeout, kAtLeast);
  const SteadyTime end = context.clock().steady_now() + limit;
  milliseconds pause = kFirstLook;
  for (;;) {
    auto seen = co_await concurrency.provisioned(place.function, place.qualifier);
    if (!seen.ok() && !is_transient(seen.error().kind())) co_return std::move(seen).error();
    const bool is_there = seen.ok() && seen->has_value();
    if (is_there && (*seen)->status == "READY") co_return **seen;
    if (is_there && (*seen)->status == "FAILED")
      co_return did_not_start(place, (*seen)->status_reason);
    if (context.clock().steady_now() >= end)
      co_return Error(ErrorKind::timeout,
                      fmt::format("the instances of {}:{} did not stand ready within {}",
                                  place.function, place.qualifier, format_duration(limit)));
    if (is_there)
      context.progress(static_cast<uint64_t>((*seen)->available),
                       static_cast<uint64_t>((*seen)->requested), "instances");
    PAWL_CO_CHECK(co_await context.clock().sleep_for(pause));
    pause = std::min(pause * 2, kSlowestLook);
  }
}

json::object outputs_of(const Place& place, const ProvisionedConcurrency& seen) {
  return {{"qualifier", place.qualifier}, {"provisioned", seen.requested}};
}

class ProvisionVersion : public Step {
 public:
  explicit ProvisionVersion(Concurrency& concurrency) : concurrency_(concurrency) {}

  Task<Result<Observation>> observe(StepContext& context) override {
    Observation seen;
    const Place place = place_of(context);
    PAWL_CO_TRY(const auto now, co_await concurrency_.provisioned(place.function, place.qualifier));
    const int wanted = static_cast<int>(int_or(context.step().params, "provisioned"));
    if (now && now->status == "READY" && now->requested == wanted)
      seen.done = outputs_of(place, *now);
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    const Place place = place_of(context);
    if (place.qualifier.empty()) co_return Error(ErrorKind::internal, "no version was published");
    const int wanted = static_cast<int>(int_or(context.step().params, "provisioned"));
    PAWL_CO_CHECK(co_await context.before_change());
    auto asked = co_await concurrency_.provision(place.function, place.qualifier, wanted);
    // Declarative: of a lost answer, what is there tells.
    if (!asked.ok() && !asked.error().outcome_unknown()) co_return std::move(asked).error();
    context.log(fmt::format("{}:{}: {} instances are to stand ready", place.function,
                            place.qualifier, wanted));
    PAWL_CO_TRY(const auto ready, co_await wait_until_ready(context, concurrency_, place));
    co_return outputs_of(place, ready);
  }

  Task<Result<json::object>> undo(StepContext& context) override {
    const Place place = place_of(context);
    if (place.qualifier.empty()) co_return json::object{};
    PAWL_CO_TRY(const auto now, co_await concurrency_.provisioned(place.function, place.qualifier));
    if (!now) co_return json::object{};
    PAWL_CO_CHECK(co_await context.before_change());
    PAWL_CO_CHECK(co_await concurrency_.unprovision(place.function, place.qualifier));
    co_return json::object{{"qualifier", place.qualifier}, {"given_up", true}};
  }

 private:
  static Place place_of(StepContext& context) {
    return {string_or(context.step().params, "function"), new_version(context.deployment())};
  }

  Concurrency& concurrency_;
};

class AwaitProvisioned : public Step {
 public:
  explicit AwaitProvisioned(Concurrency& concurrency) : concurrency_(concurrency) {}

  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    const json::object& params = context.step().params;
    const Place place{string_or(params, "function"), string_or(params, "provisioned_for")};
    PAWL_CO_TRY(const auto ready, co_await wait_until_ready(context, concurrency_, place));
    co_return outputs_of(place, ready);
  }

 private:
  Concurrency& concurrency_;
};

class ReleaseProvisioned : public Step {
 public:
  explicit ReleaseProvisioned(Concurrency& concurrency) : concurrency_(concurrency) {}

  Task<Result<Observation>> observe(StepContext& context) override {
    Observation seen;
    const Place place = place_of(context);
    PAWL_CO_TRY(const auto now, co_await concurrency_.provisioned(place.function, place.qualifier));
    if (!now) seen.done = json::object{{"qualifier", place.qualifier}};
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    const Place place = place_of(context);
    // The release that is live is the one that was live: published anew, it is the same version.
    if (place.qualifier == new_version(context.deployment())) co_return json::object{};
    PAWL_CO_CHECK(co_await context.before_change());
    PAWL_CO_CHECK(co_await concurrency_.unprovision(place.function, place.qualifier));
    co_return json::object{{"qualifier", place.qualifier}, {"given_up", true}};
  }

 private:
  static Place place_of(StepContext& context) {
    const json::object& params = context.step().params;
    return {string_or(params, "function"), string_or(params, "provisioned_for")};
  }

  Concurrency& concurrency_;
};

}  // namespace

std::unique_ptr<Step> make_provision_version(const StepPorts& ports) {
  return std::make_unique<ProvisionVersion>(*ports.concurrency);
}

std::unique_ptr<Step> make_await_provisioned(const StepPorts& ports) {
  return std::make_unique<AwaitProvisioned>(*ports.concurrency);
}

std::unique_ptr<Step> make_release_provisioned(const StepPorts& ports) {
  return std::make_unique<ReleaseProvisioned>(*ports.concurrency);
}

}  // namespace pawl::steps
