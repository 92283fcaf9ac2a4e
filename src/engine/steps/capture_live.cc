// Records what is live before anything is changed: what a rollback will restore. A read that fails
// fails the step, since "could not be read" must never pass for "nothing is live".
#include <fmt/format.h>

#include <algorithm>

#include "core/architecture.h"
#include "core/plan_steps.h"
#include "engine/steps/captured.h"
#include "engine/steps/function_code.h"
#include "engine/steps/health.h"
#include "engine/steps/kinds.h"
#include "engine/steps/pins.h"

namespace pawl::steps {
namespace {

class CaptureLive : public Step {
 public:
  explicit CaptureLive(const StepPorts& ports) : ports_(ports) {}

  // Nothing is changed before this has succeeded, so that a second look is as good as the first.
  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    const json::object& params = context.step().params;
    Captured captured;
    PAWL_CO_CHECK(co_await capture_function(context, captured));
    PAWL_CO_CHECK(co_await check_image(context, captured));
    const std::string alias = string_or(params, "alias");
    if (captured.function_exists && alias.empty())
      PAWL_CO_CHECK(co_await capture_unqualified(context, captured));
    if (captured.function_exists && !alias.empty())
      PAWL_CO_CHECK(co_await capture_alias(context, captured, alias));
    PAWL_CO_TRY(captured.url, co_await find_url(context));
    co_await ask_health(context, captured);
    if (captured.nothing_live)
      context.log("nothing is live yet: this is the first deployment");
    else
      context.log(fmt::format("live: {}{}", captured.live.image_uri,
                              captured.live.function_version.empty()
                                  ? ""
                                  : ", version " + captured.live.function_version));
    co_return to_json(captured);
  }

 private:
  Task<Result<void>> capture_function(StepContext& context, Captured& captured) {
    const std::string name = string_or(context.step().params, "function");
    if (name.empty()) co_return ok();  // Terraform names it, and has not run yet
    auto latest = co_await ports_.functions->get(name, "");
    if (!latest.ok()) {
      const bool comes_later = bool_or(context.step().params, "may_be_absent");
      if (latest.error().kind() == ErrorKind::not_found && comes_later) co_return ok();
      co_return explain_function_error(std::move(latest).error(), name);
    }
    captured.function_exists = true;
    captured.latest = {image_uri_of(*latest), digest_of(*latest), latest->code_sha256,
                       latest->revision_id, latest->architecture};
    captured.pins = pins_of(*latest);
    co_return ok();
  }

  // An image that the function could not run is refused here, before the first change.
  Task<Result<void>> check_image(StepContext& context, Captured captured) {
    const json::object& params = context.step().params;
    const std::string name = string_or(params, "function");
    std::string built_for = string_or(params, "image.platform");
    const std::string digest = string_or(params, "image.digest");
    if (built_for.empty() && !digest.empty() && ports_.images != nullptr &&
        captured.function_exists) {
      PAWL_CO_TRY(const auto source, ImageReference::parse(string_or(params, "image.source")));
      PAWL_CO_TRY(const auto parsed, Digest::parse(digest));
      PAWL_CO_TRY(const auto image,
                  co_await ports_.images->resolve(source.with_digest(parsed), platform(captured)));
      built_for = image.architecture;
    }
    co_return pawl::check_architecture(built_for, captured.latest.architecture, name);
  }

  // Callers get $LATEST: to go back, its image must still be there.
  Task<Result<void>> capture_unqualified(StepContext& context, Captured& captured) {
    captured.live = {captured.latest.image_uri, captured.latest.digest, ""};
    captured.nothing_live = captured.live.image_uri.empty();
    if (captured.live.digest.empty() || ports_.images == nullptr) co_return ok();
    PAWL_CO_TRY(const auto image, ImageReference::parse(captured.live.image_uri));
    auto found = co_await ports_.images->resolve(image, platform(captured));
    if (found.ok()) co_return ok();
    if (found.error().kind() != ErrorKind::not_found) co_return std::move(found).error();
    (void)context;
    co_return Error(ErrorKind::refused,
                    fmt::format("the image that is live ({}) is not in its repository any more: a "
                                "rollback could not restore it",
                                captured.live.image_uri))
        .with_hint("push that image again, or give the function one that exists, then deploy");
  }

  Task<Result<void>> capture_alias(StepContext& context, Captured& captured,
                                   const std::string& alias) {
    const std::string name = string_or(context.step().params, "function");
    PAWL_CO_TRY(captured.alias, co_await ports_.functions->get_alias(name, alias));
    if (!captured.alias) {
      // An earlier deployment may have made it a moment ago: "nothing is live" is looked at twice.
      PAWL_CO_CHECK(co_await context.clock().sleep_for(kReadsSettle));
      PAWL_CO_TRY(captured.alias, co_await ports_.functions->get_alias(name, alias));
    }
    if (!captured.alias) co_return ok();  // the first deployment makes it
    captured.nothing_live = false;
    const std::string version = captured.alias->version;
    PAWL_CO_TRY(const auto versions, co_await ports_.functions->list_versions(name));
    const bool is_there = version == "$LATEST" ||
                          std::any_of(versions.begin(), versions.end(),
                                      [&](const auto& one) { return one.version == version; });
    if (!is_there)
      co_return Error(
          ErrorKind::refused,
          fmt::format("the alias {} of {} points to version {}, which does not exist: a "
                      "rollback could not go back to it",
                      alias, name, version))
          .with_hint("move the alias to a version that exists, then deploy");
    PAWL_CO_TRY(const auto live, co_await ports_.functions->get(name, version));
    captured.live = {image_uri_of(live), digest_of(live), version};
    // The new version pins what $LATEST has now: what Terraform changed since goes live with it.
    for (const auto& change : differences(pins_of(live), captured.pins))
      context.log("the new version will have: " + change);
    captured.pins = pins_of(live);
    co_return co_await capture_concurrency(captured, name, alias);
  }

  // Kept as it is, and shown; what stands ready for the live version moves with the release.
  Task<Result<void>> capture_concurrency(Captured& captured, std::string function,
                                         std::string alias) {
    if (ports_.concurrency == nullptr) co_return ok();
    PAWL_CO_TRY(captured.reserved, co_await ports_.concurrency->reserved(function));
    const std::vector<std::string> qualifiers = {alias, captured.live.function_version};
    for (const std::string& qualifier : qualifiers) {
      PAWL_CO_TRY(const auto found, co_await ports_.concurrency->provisioned(function, qualifier));
      if (!found) continue;
      captured.provisioned = found->requested;
      captured.provisioned_for = qualifier;
      break;
    }
    co_return ok();
  }

  // The address by which its users reach it. It may be made later in this plan.
  Task<Result<std::string>> find_url(StepContext& context) {
    const json::object& params = context.step().params;
    if (auto fixed = string_or(params, "url.fixed"); !fixed.empty()) co_return fixed;
    const std::string api = string_or(params, "url.api");
    if (api.empty() || ports_.endpoints == nullptr) co_return std::string();
    auto url = co_await ports_.endpoints->find_url(api);
    if (url.ok()) co_return url;
    const bool is_needed = params.contains("health") && !bool_or(params, "may_be_absent");
    if (url.error().kind() == ErrorKind::not_found && !is_needed) co_return std::string();
    co_return explain_url_error(std::move(url).error(), api);
  }

  // Which version answers now: a rollback must see that one again. What is red before does not stop
  // the deployment, which may well be what mends it.
  Task<void> ask_health(StepContext& context, Captured& captured) {
    const json::value* health = find(context.step().params, "health");
    if (health == nullptr || !health->is_object() || ports_.health == nullptr) co_return;
    if (captured.nothing_live || captured.url.empty()) co_return;
    const HealthSettings settings = health_from_json(health->get_object());
    const HealthAnswer answer = co_await ask_once(*ports_.health, settings, captured.url, "");
    captured.health_before = {true, answer.ok, answer.version, answer.result};
    context.log("before: " + answer.result);
  }

  static std::string platform(const Captured& captured) {
    return image_platform_of(captured.latest.architecture);
  }

  StepPorts ports_;
};

}  // namespace

std::unique_ptr<Step> make_capture_live(const StepPorts& ports) {
  return std::make_unique<CaptureLive>(ports);
}

}  // namespace pawl::steps
