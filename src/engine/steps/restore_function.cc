// Makes an earlier release live again: the alias goes to its version, if that still exists with
// that image; else its image is put back and published. Without an alias the function gets the
// image.
#include <fmt/format.h>

#include "engine/execution.h"
#include "engine/steps/alias.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class RestoreFunction : public Step {
 public:
  explicit RestoreFunction(Functions& functions) : functions_(functions) {}

  // Each part looks for itself whether it is done.
  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    const json::object& params = context.step().params;
    const std::string image = string_or(params, "image_uri");
    const auto target = function_target(params);
    if (string_or(params, "alias").empty()) {
      PAWL_CO_TRY(const auto state,
                  co_await give_image(context, functions_, target, image, captured.latest.digest));
      json::object outputs = outputs_of(image, "");
      outputs["revision_id"] = state.revision_id;
      co_return outputs;
    }
    AliasMove move = move_of(context);
    PAWL_CO_TRY(move.to_version, co_await find_or_publish(context, target, captured));
    PAWL_CO_TRY(const auto moved, co_await move_alias(context, functions_, move, captured));
    json::object outputs = outputs_of(image, move.to_version);
    outputs["revision_id"] = moved.revision_id;
    co_return outputs;
  }

  Task<Result<json::object>> undo(StepContext& context) override {
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    json::object outputs;
    AliasMove move = move_of(context);
    if (!move.alias.empty()) {
      PAWL_CO_TRY(move.to_version, co_await version_moved_to(context, move.function));
      PAWL_CO_TRY(outputs, co_await restore_alias(context, functions_, move, captured));
    }
    PAWL_CO_TRY(const bool gave_back, co_await give_captured_back(context, captured));
    if (gave_back) outputs["image_uri"] = captured.latest.image_uri;
    co_return outputs;
  }

 private:
  static AliasMove move_of(StepContext& context) {
    const json::object& params = context.step().params;
    AliasMove move;
    move.function = function_target(params);
    move.alias = string_or(params, "alias");
    move.description = alias_description(context.deployment(), params);
    return move;
  }

  Task<Result<std::string>> find_or_publish(StepContext& context, FunctionTarget target,
                                            Captured captured) {
    const json::object& params = context.step().params;
    const std::string version = string_or(params, "function_version");
    const std::string image = string_or(params, "image_uri");
    auto versions = co_await functions_.list_versions(target.name);
    if (!versions.ok()) co_return explain_function_error(std::move(versions).error(), target.name);
    for (const auto& candidate : *versions) {
      if (candidate.version != version) continue;
      PAWL_CO_TRY(const auto state, co_await functions_.get(target.name, version));
      const bool is_that_image = image.empty() || digest_of(state) == digest_of_uri(image);
      if (is_that_image) co_return version;
      context.log(fmt::format("version {} holds another image than recorded", version));
    }
    if (image.empty())
      co_return Error(ErrorKind::not_found,
                      fmt::format("version {} of {} is gone, and its image is not recorded",
                                  version, target.name))
          .with_hint("deploy that release again: pawl deploy ENVIRONMENT --tag VERSION");
    context.log(fmt::format("version {} is gone; its image is put back", version));
    PAWL_CO_CHECK(co_await give_image(context, functions_, target, image, captured.latest.digest));
    std::string described = fmt::format("{} ({}), {}", string_or(params, "version"),
                                        short_sha(string_or(params, "sha")), mark_of(context));
    PAWL_CO_TRY(const auto published,
                co_await publish(context, functions_, target, image, std::move(described)));
    co_return published.version;
  }

  // In the description of a version that this step published.
  static std::string mark_of(StepContext& context) {
    const std::string key = effect_key(context.deployment().id, context.step().id, "perform");
    return "restored by pawl " + key.substr(0, 16);
  }

  // Also when its process died before it could say so.
  Task<Result<std::string>> version_moved_to(StepContext& context, FunctionTarget target) {
    std::string recorded = context.deployment().output(context.step().id, "function_version");
    if (!recorded.empty()) co_return recorded;
    const std::string mark = mark_of(context);
    PAWL_CO_TRY(const auto versions, co_await functions_.list_versions(target.name));
    for (const auto& version : versions)
      if (version.description.find(mark) != std::string::npos) co_return version.version;
    co_return string_or(context.step().params, "function_version");
  }

  // The function's own code, where this step has changed it.
  Task<Result<bool>> give_captured_back(StepContext& context, Captured captured) {
    const auto target = function_target(context.step().params);
    const std::string ours = digest_of_uri(string_or(context.step().params, "image_uri"));
    if (captured.latest.digest.empty() || ours.empty() || captured.latest.digest == ours)
      co_return false;
    PAWL_CO_TRY(auto now, co_await wait_until_updated(context, functions_, target));
    if (digest_of(now) != ours) {
      PAWL_CO_CHECK(co_await context.clock().sleep_for(kReadsSettle));
      PAWL_CO_TRY(now, co_await wait_until_updated(context, functions_, target));
    }
    if (digest_of(now) != ours) co_return false;
    const std::string& image = captured.latest.image_uri;
    PAWL_CO_CHECK(co_await give_image(context, functions_, target, image, ours));
    co_return true;
  }

  static json::object outputs_of(const std::string& image, const std::string& version) {
    return {{"image_uri", image}, {"digest", digest_of_uri(image)}, {"function_version", version}};
  }

  Functions& functions_;
};

}  // namespace

std::unique_ptr<Step> make_restore_function(const StepPorts& ports) {
  return std::make_unique<RestoreFunction>(*ports.functions);
}

}  // namespace pawl::steps
