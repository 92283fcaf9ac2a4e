// Terraform's two steps: a plan that is saved, and the apply of that very plan.
#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

std::vector<std::string> texts_at(const json::object& params, std::string_view name) {
  std::vector<std::string> texts;
  if (const json::value* list = find(params, name); list != nullptr && list->is_array())
    for (const auto& text : list->get_array())
      if (text.is_string()) texts.emplace_back(text.get_string());
  return texts;
}

// A plan of an older Pawl says nothing of what came later: then the defaults hold.
InfrastructureRequest request_of(StepContext& context) {
  const json::object& params = context.step().params;
  InfrastructureRequest request;
  TerraformSettings& settings = request.settings;
  settings.dir = string_or(params, "dir");
  settings.backend = string_or(params, "backend");
  settings.var_files = texts_at(params, "var_files");
  settings.binary = string_or(params, "binary", settings.binary);
  settings.workspace = string_or(params, "workspace");
  if (params.contains("protect")) settings.protect = texts_at(params, "protect");
  request.allow_destroy = texts_at(params, "allow_destroy");
  // The rest of the step's time is for the work itself.
  const auto& plan = context.deployment().plan;
  const auto limit = plan ? plan->policy.step_limit : RunPolicy{}.step_limit;
  request.lock_wait = limit * 9 / 10;
  request.environment = string_or(params, "environment");
  request.region = string_or(params, "region");
  request.function = string_or(params, "function");
  request.alias = string_or(params, "alias");
  request.is_rehearsal = bool_or(params, "rehearsal");
  return request;
}

std::string plan_file_of(const Deployment& deployment) {
  return fmt::format(".pawl/terraform/{}/{}.tfplan", deployment.environment, deployment.id);
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.push_back(json::string(text));
  return array;
}

LogLine log_of(StepContext& context) {
  return [&context](std::string_view line) { context.log(line); };
}

class PlanInfrastructure : public Step {
 public:
  PlanInfrastructure(Infrastructure& infrastructure, Identity& identity)
      : infrastructure_(infrastructure), identity_(identity) {}

  // A plan changes nothing: after a crash it is simply made again.
  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    InfrastructureRequest request = request_of(context);
    PAWL_CO_CHECK(co_await infrastructure_.available(request.settings));
    PAWL_CO_TRY(const auto caller, co_await identity_.caller());
    request.account_id = caller.account;
    request.plan_file = plan_file_of(context.deployment());
    const std::string plan_file = request.plan_file;
    LogLine log = log_of(context);
    PAWL_CO_TRY(const auto plan, co_await infrastructure_.plan(std::move(request), std::move(log)));
    json::object outputs{{"has_changes", plan.has_changes}, {"to_add", plan.to_add},
                         {"to_change", plan.to_change},     {"to_destroy", plan.to_destroy},
                         {"plan_sha256", plan.plan_sha256}, {"plan_file", plan_file},
                         {"account_id", caller.account},    {"changes", plan.changes}};
    // Who allowed it is in the journal: the trigger names the person and the option.
    if (!plan.allowed.empty()) outputs["allowed"] = array_of(plan.allowed);
    co_return outputs;
  }

 private:
  Infrastructure& infrastructure_;
  Identity& identity_;
};

class ApplyInfrastructure : public Step {
 public:
  explicit ApplyInfrastructure(Infrastructure& infrastructure) : infrastructure_(infrastructure) {}

  // Whether an apply that a crash cut off was done is asked in perform: Terraform itself refuses a
  // saved plan once the state has moved on.
  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    const StepState* planned = context.deployment().step("plan_infrastructure");
    if (planned == nullptr || !bool_or(planned->outputs, "has_changes")) {
      context.log("nothing to change");
      co_return co_await read_outputs(context);
    }
    InfrastructureRequest request = request_with_plan(context);
    request.changes = static_cast<int>(int_or(planned->outputs, "to_add") +
                                       int_or(planned->outputs, "to_change") +
                                       int_or(planned->outputs, "to_destroy"));
    request.progress = [&context](uint64_t done, uint64_t total) {
      context.progress(done, total, "resources");
    };
    const std::string sha256 = string_or(planned->outputs, "plan_sha256");
    PAWL_CO_CHECK(co_await context.before_change());
    LogLine log = log_of(context);
    auto applied = co_await infrastructure_.apply(std::move(request), sha256, std::move(log));
    if (!applied.ok()) {
      PAWL_CO_TRY(const bool was_done, co_await was_done_before_a_crash(context));
      if (!was_done) co_return std::move(applied).error();
      context.log("it was applied before the crash");
    }
    co_return co_await read_outputs(context);
  }

 private:
  static InfrastructureRequest request_with_plan(StepContext& context) {
    InfrastructureRequest request = request_of(context);
    request.account_id = context.deployment().output("plan_infrastructure", "account_id");
    request.plan_file = context.deployment().output("plan_infrastructure", "plan_file");
    return request;
  }

  // A fresh plan that finds nothing left to do says that the one before was carried out.
  Task<Result<bool>> was_done_before_a_crash(StepContext& context) {
    const StepState* state = context.deployment().step(context.step().id);
    if (state == nullptr || state->attempts < 2) co_return false;
    InfrastructureRequest request = request_with_plan(context);
    LogLine log = log_of(context);
    PAWL_CO_TRY(const auto left, co_await infrastructure_.plan(std::move(request), std::move(log)));
    co_return !left.has_changes;
  }

  Task<Result<json::object>> read_outputs(StepContext& context) {
    auto request = request_with_plan(context);
    PAWL_CO_TRY(auto values, co_await infrastructure_.outputs(std::move(request)));
    json::object outputs;
    outputs["outputs"] = std::move(values);
    co_return outputs;
  }

  Infrastructure& infrastructure_;
};

}  // namespace

std::unique_ptr<Step> make_plan_infrastructure(const StepPorts& ports) {
  return std::make_unique<PlanInfrastructure>(*ports.infrastructure, *ports.identity);
}

std::unique_ptr<Step> make_apply_infrastructure(const StepPorts& ports) {
  return std::make_unique<ApplyInfrastructure>(*ports.infrastructure);
}

}  // namespace pawl::steps
