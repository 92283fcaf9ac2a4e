// Moves the alias that callers use to the published version: this is when the release goes live.
#include "engine/steps/alias.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class MoveAlias : public Step {
 public:
  explicit MoveAlias(Functions& functions) : functions_(functions) {}

  Task<Result<Observation>> observe(StepContext& context) override {
    Observation seen;
    const AliasMove move = move_of(context);
    PAWL_CO_TRY(const auto now, co_await functions_.get_alias(move.function.name, move.alias));
    const bool is_done = now && now->version == move.to_version &&
                         now->additional_weights.empty() &&
                         is_described_by(*now, context.deployment().id);
    if (is_done) seen.done = outputs_of(*now);
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    const AliasMove move = move_of(context);
    if (move.to_version.empty()) co_return Error(ErrorKind::internal, "no version was published");
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    PAWL_CO_TRY(const auto moved, co_await move_alias(context, functions_, move, captured));
    co_return outputs_of(moved);
  }

  Task<Result<json::object>> undo(StepContext& context) override {
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    co_return co_await restore_alias(context, functions_, move_of(context), captured);
  }

 private:
  static AliasMove move_of(StepContext& context) {
    const json::object& params = context.step().params;
    AliasMove move;
    move.function = function_target(params);
    move.alias = string_or(params, "alias");
    move.to_version = context.deployment().output("publish_version", "function_version");
    move.description = alias_description(context.deployment(), params);
    return move;
  }

  static json::object outputs_of(const AliasState& alias) {
    return {{"alias", alias.name},
            {"function_version", alias.version},
            {"revision_id", alias.revision_id}};
  }

  Functions& functions_;
};

}  // namespace

std::unique_ptr<Step> make_move_alias(const StepPorts& ports) {
  return std::make_unique<MoveAlias>(*ports.functions);
}

}  // namespace pawl::steps
