// Tells the forge that a deployment has begun. The plan does not require it: a forge that is down
// stops no deployment.
#include <fmt/format.h>

#include "engine/notify.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class NotifyStarted : public Step {
 public:
  explicit NotifyStarted(Forge* forge) : forge_(forge) {}

  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    if (forge_ == nullptr) {
      context.log("nobody is told: no access to GitHub was given");
      co_return json::object{};
    }
    const Deployment& deployment = context.deployment();
    Outcome outcome{"in_progress", deployment.reason, ""};
    auto report = make_report(deployment, outcome, string_or(context.step().params, "repository"));
    report.say = [&context](std::string_view line) { context.log(line); };
    PAWL_CO_CHECK(co_await context.before_change());
    PAWL_CO_TRY(const auto told, co_await forge_->report_started(std::move(report)));
    for (const auto& problem : told.problems) context.log("not told: " + problem);
    // Whoever stopped it knows why, and says so.
    if (!told.cut_off.empty())
      co_return Error(ErrorKind::interrupted,
                      fmt::format("GitHub gave no answer about {}", fmt::join(told.cut_off, ", ")));
    json::object outputs;
    outputs["check_run"] = told.check_run;
    outputs["deployment"] = told.deployment;
    co_return outputs;
  }

 private:
  Forge* forge_;
};

}  // namespace

std::unique_ptr<Step> make_notify_started(const StepPorts& ports) {
  return std::make_unique<NotifyStarted>(ports.forge);
}

}  // namespace pawl::steps
