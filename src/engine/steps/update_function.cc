// Gives the function the copied image, by digest; its undo gives it the one that was captured.
#include <fmt/format.h>

#include "engine/steps/captured.h"
#include "engine/steps/function_code.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class UpdateFunction : public Step {
 public:
  explicit UpdateFunction(Functions& functions) : functions_(functions) {}

  Task<Result<Observation>> observe(StepContext& context) override {
    Observation seen;
    const auto target = function_target(context.step().params);
    const std::string image = wanted_image(context.deployment());
    auto state = co_await functions_.get(target.name, "");
    if (!state.ok()) co_return explain_function_error(std::move(state).error(), target.name);
    const bool is_at_rest = state->last_update_status != "InProgress" &&
                            state->last_update_status != "Failed" && state->state != "Pending" &&
                            state->state != "Failed";
    if (is_at_rest && !image.empty() && digest_of(*state) == digest_of_uri(image)) {
      // Another deployment may just have taken it away: looked at again when the reads have
      // settled.
      PAWL_CO_CHECK(co_await context.clock().sleep_for(kReadsSettle));
      PAWL_CO_TRY(const auto again, co_await functions_.get(target.name, ""));
      if (digest_of(again) == digest_of_uri(image)) seen.done = outputs_of(again, image);
    }
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    const std::string image = wanted_image(context.deployment());
    if (image.empty()) co_return Error(ErrorKind::internal, "no image was copied");
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    // What Terraform has just made or changed is not what was captured.
    const bool is_ours_to_expect = context.deployment().step("apply_infrastructure") == nullptr;
    const std::string may_replace = is_ours_to_expect ? captured.latest.digest : "";
    const auto target = function_target(context.step().params);
    PAWL_CO_TRY(const auto state,
                co_await give_image(context, functions_, target, image, may_replace));
    co_return outputs_of(state, image);
  }

  Task<Result<json::object>> undo(StepContext& context) override {
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    const std::string ours = wanted_image(context.deployment());
    const std::string& before = captured.latest.image_uri;
    const StepState* state = context.deployment().step(context.step().id);
    const bool was_changed = state != nullptr && !state->outputs->empty();
    if (!captured.function_exists || ours.empty()) {
      context.log("there is no earlier image to go back to");
      co_return json::object{};
    }
    if (captured.latest.digest == digest_of_uri(ours)) co_return json::object{};
    if (captured.latest.digest.empty()) {
      if (!was_changed) co_return json::object{};
      co_return Error(ErrorKind::failed, "which image the function had before is not known");
    }
    const auto target = function_target(context.step().params);
    if (!was_changed) {
      PAWL_CO_TRY(const bool is_settled, co_await was_left_alone(context, target, before));
      if (is_settled) co_return json::object{};
    }
    PAWL_CO_TRY(const auto restored,
                co_await give_image(context, functions_, target, before, digest_of_uri(ours)));
    json::object outputs;
    outputs["image_uri"] = before;
    outputs["revision_id"] = restored.revision_id;
    co_return outputs;
  }

 private:
  // Whether the function has the image that it had, and nothing of ours can change that any more.
  // An update may still be on its way: it may be seen only after the reads have settled, or come
  // from a process that stands still, and then it is to be refused.
  Task<Result<bool>> was_left_alone(StepContext& context, FunctionTarget target,
                                    std::string before) {
    auto now = co_await functions_.get(target.name, "");
    if (now.ok() && digest_of(*now) == digest_of_uri(before)) {
      PAWL_CO_CHECK(co_await context.clock().sleep_for(kReadsSettle));
      now = co_await functions_.get(target.name, "");
    }
    if (!now.ok()) co_return explain_function_error(std::move(now).error(), target.name);
    if (digest_of(*now) != digest_of_uri(before) || now->last_update_status == "InProgress")
      co_return false;
    const StepState* state = context.deployment().step(context.step().id);
    if (state != nullptr && state->was_refused) co_return true;
    co_return co_await shut_out_late_updates(context, functions_, target, before);
  }

  static std::string wanted_image(const Deployment& deployment) {
    return deployment.output("copy_image", "image_uri");
  }

  static json::object outputs_of(const FunctionState& state, const std::string& image) {
    return {{"image_uri", image},
            {"digest", digest_of_uri(image)},
            {"code_sha256", state.code_sha256},
            {"revision_id", state.revision_id}};
  }

  Functions& functions_;
};

}  // namespace

std::unique_ptr<Step> make_update_function(const StepPorts& ports) {
  return std::make_unique<UpdateFunction>(*ports.functions);
}

}  // namespace pawl::steps
