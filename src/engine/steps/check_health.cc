// Asks the application, through the door that its users use, until the release answers well; and,
// after a rollback, whether what was live before answers again.
#include <fmt/format.h>

#include "core/plan_steps.h"
#include "engine/steps/captured.h"
#include "engine/steps/function_code.h"
#include "engine/steps/health.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class CheckHealth : public Step {
 public:
  CheckHealth(HealthProbe& probe, Functions* functions) : probe_(probe), functions_(functions) {}

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
    PAWL_CO_TRY(auto outputs, co_await check_until_healthy(context, probe_, std::move(check)));
    PAWL_CO_TRY(outputs["live_digest"], co_await witness(context));
    co_return outputs;
  }

 private:
  // What answered well must be what this deployment put there, and still be what callers get:
  // success is said only of what was seen. The digest that was seen; empty where that cannot be
  // asked.
  Task<Result<std::string>> witness(StepContext& context) {
    const std::string name = string_or(context.step().params, "function");
    const Deployment& deployment = context.deployment();
    std::string ours = deployment.output("update_function", "digest");
    if (ours.empty()) ours = deployment.output("restore_function", "digest");
    if (functions_ == nullptr || name.empty() || ours.empty()) co_return std::string();
    PAWL_CO_TRY(const auto live,
                co_await functions_->get(name, string_or(context.step().params, "alias")));
    const std::string digest = digest_of(live);
    if (digest.empty() || digest == ours) co_return digest;
    co_return Error(
        ErrorKind::conflict,
        fmt::format("{} answers well, but callers get {} and not {}: somebody changed it "
                    "meanwhile",
                    name, digest, ours));
  }

  HealthProbe& probe_;
  Functions* functions_;
};

// The health settings that the capture asked with.
const json::value* health_params(const Deployment& deployment) {
  const PlanStep* capture = deployment.plan ? deployment.plan->step("capture_live") : nullptr;
  return capture == nullptr ? nullptr : find(capture->params, "health");
}

}  // namespace

std::unique_ptr<Step> make_check_health(const StepPorts& ports) {
  return std::make_unique<CheckHealth>(*ports.health, ports.functions);
}

Task<Result<std::optional<std::string>>> verify_rollback(HealthProbe* probe, StepContext& context) {
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
  // With shares on the alias any of its versions may answer.
  const bool is_shared = captured->alias && !captured->alias->additional_weights.empty();
  check.version = is_shared ? "" : before.version;
  check.attempts = check.settings.rollback_attempts;
  PAWL_CO_TRY(const auto outputs, co_await check_until_healthy(context, *probe, std::move(check)));
  std::optional<std::string> answered = is_shared || before.version.empty()
                                            ? std::string("what was live before answers again")
                                            : fmt::format("{} answers again", before.version);
  (void)outputs;
  co_return answered;
}

}  // namespace pawl::steps
