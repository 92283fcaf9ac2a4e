// Asks the application, through the door that its users use, until the release answers well; and,
// after a rollback, whether what was live before answers again.
#include <fmt/format.h>

#include "core/plan_steps.h"
#include "engine/steps/captured.h"
#include "engine/steps/health.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class CheckHealth : public Step {
 public:
  explicit CheckHealth(HealthProbe& probe) : probe_(probe) {}

  // What was healthy before a crash is asked again: only what is seen now counts.
  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    const json::object& params = context.step().params;
    HealthCheck check;
    if (const json::value* health = find(params, "health"); health && health->is_object())
      check.settings = health_from_json(health->get_object());
    check.base_url = context.deployment().output("find_url", "url");
    if (check.base_url.empty())
      co_return Error(ErrorKind::failed, "there is no address to ask")
          .with_hint("set url in pawl.yaml");
    check.version = string_or(params, "version");
    check.attempts = static_cast<int>(int_or(params, "attempts", check.settings.attempts));
    co_return co_await check_until_healthy(context, probe_, std::move(check));
  }

 private:
  HealthProbe& probe_;
};

// The health settings that the capture asked with.
const json::value* health_params(const Deployment& deployment) {
  const PlanStep* capture = deployment.plan ? deployment.plan->step("capture_live") : nullptr;
  return capture == nullptr ? nullptr : find(capture->params, "health");
}

}  // namespace

std::unique_ptr<Step> make_check_health(const StepPorts& ports) {
  return std::make_unique<CheckHealth>(*ports.health);
}

Task<Result<std::optional<std::string>>> verify_rollback(HealthProbe* probe,
                                                         StepContext& context) {
  std::optional<std::string> nothing_to_ask;
  const json::value* health = health_params(context.deployment());
  auto captured = captured_of(context.deployment());
  if (!captured.ok() || captured->nothing_live || health == nullptr || !health->is_object() ||
      probe == nullptr)
    co_return nothing_to_ask;
  const HealthBefore& before = captured->health_before;
  if (before.asked && !before.ok) {
    // It must be no worse than it was; that it did not answer then is no failure of the rollback.
    context.log("not asked: it did not answer well before either (" + before.result + ")");
    co_return nothing_to_ask;
  }
  HealthCheck check;
  check.settings = health_from_json(health->get_object());
  check.base_url = captured->url;
  if (check.base_url.empty()) check.base_url = context.deployment().output("find_url", "url");
  if (check.base_url.empty()) co_return nothing_to_ask;
  check.version = before.version;
  check.attempts = check.settings.rollback_attempts;
  PAWL_CO_TRY(const auto outputs, co_await check_until_healthy(context, *probe, std::move(check)));
  std::optional<std::string> answered =
      before.version.empty() ? std::string("what was live before answers again")
                             : fmt::format("{} answers again", before.version);
  (void)outputs;
  co_return answered;
}

}  // namespace pawl::steps
