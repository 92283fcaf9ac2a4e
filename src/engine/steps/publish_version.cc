// Publishes the function's code as a version that never changes again. Its description holds the
// step's key, by which a version whose answer was lost is found.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
#include <fmt/format.h>

#include "engine/steps/function_code.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

constexpr size_t kKeyLength = 16;

class PublishVersion : public Step {
 public:
  explicit PublishVersion(Functions& functions) : functions_(functions) {}

  Task<Result<Observation>> observe(StepContext& context) override {
    Observation seen;
    const auto target = function_target(context.step().params);
    PAWL_CO_TRY(const auto version, co_await find_ours(context, target));
    if (version.empty()) co_return seen;
    PAWL_CO_TRY(const auto state, co_await wait_until_active(context, functions_, target, version));
    seen.done = outputs_of(state);
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    const auto target = function_target(context.step().params);
    const std::string image = context.deployment().output("update_function", "image_uri");
    auto published = co_await publish(context, functions_, target, image, description(context));
    if (published.ok()) co_return outputs_of(*published);
    if (!published.error().outcome_unknown()) co_return std::move(published).error();
    PAWL_CO_TRY(const auto version, co_await find_ours(context, target));
    if (version.empty()) co_return std::move(published).error();
    PAWL_CO_TRY(const auto state, co_await wait_until_active(context, functions_, target, version));
    co_return outputs_of(state);
  }

 private:
  static std::string key_of(StepContext& context) { return context.key().substr(0, kKeyLength); }

  static std::string description(StepContext& context) {
    const json::object& params = context.step().params;
    return fmt::format("{} ({}), pawl {}", string_or(params, "version"),
                       short_sha(string_or(params, "sha")), key_of(context));
  }

  Task<Result<std::string>> find_ours(StepContext& context, FunctionTarget target) {
    const std::string mark = "pawl " + key_of(context);
    auto versions = co_await functions_.list_versions(target.name);
    if (!versions.ok()) co_return explain_function_error(std::move(versions).error(), target.name);
    for (const auto& version : *versions)
      if (version.description.find(mark) != std::string::npos) co_return version.version;
    co_return std::string();
  }

  static json::object outputs_of(const FunctionState& state) {
    return {{"function_version", state.version},
            {"code_sha256", state.code_sha256},
            {"image_uri", image_uri_of(state)}};
  }

  Functions& functions_;
};

}  // namespace

std::unique_ptr<Step> make_publish_version(const StepPorts& ports) {
  return std::make_unique<PublishVersion>(*ports.functions);
}

}  // namespace pawl::steps
