// Which code runs a plan's kinds, over the ports that were given.
#include <fmt/format.h>

#include <map>

#include "engine/steps.h"
#include "engine/steps/kinds.h"

namespace pawl {
namespace {

// Stands in for a kind whose port was not given, so that the plan says so when it comes to it.
class WithoutPort : public Step {
 public:
  explicit WithoutPort(std::string kind) : kind_(std::move(kind)) {}
  Task<Result<Observation>> observe(StepContext&) override {
    co_return Error(ErrorKind::internal,
                    fmt::format("{} cannot be run here: what it needs was not set up", kind_));
  }
  Task<Result<json::object>> perform(StepContext&) override { co_return json::object{}; }

 private:
  std::string kind_;
};

class Library : public StepLibrary {
 public:
  explicit Library(const StepPorts& ports)
      : health_(ports.health), infrastructure_(ports.infrastructure) {
    const bool images = ports.images != nullptr;
    const bool functions = ports.functions != nullptr;
    const bool objects = ports.objects != nullptr;
    const bool terraform = ports.infrastructure != nullptr;
    add("build_image", images && ports.builder, steps::make_build_image, ports);
    add("notify_started", true, steps::make_notify_started, ports);
    add("capture_live", functions, steps::make_capture_live, ports);
    add("plan_infrastructure", terraform && ports.identity, steps::make_plan_infrastructure, ports);
    add("apply_infrastructure", terraform, steps::make_apply_infrastructure, ports);
    add("copy_image", images, steps::make_copy_image, ports);
    add("update_function", functions, steps::make_update_function, ports);
    add("publish_version", functions, steps::make_publish_version, ports);
    add("upload_static", objects && ports.static_files, steps::make_upload_static, ports);
    add("confirm_static", objects && ports.static_files, steps::make_confirm_static, ports);
    add("move_alias", functions, steps::make_move_alias, ports);
    add("switch_static", objects, steps::make_switch_static, ports);
    add("restore_function", functions, steps::make_restore_function, ports);
    const bool concurrency = ports.concurrency != nullptr;
    add("provision_version", concurrency, steps::make_provision_version, ports);
    add("await_provisioned", concurrency, steps::make_await_provisioned, ports);
    add("release_provisioned", concurrency, steps::make_release_provisioned, ports);
    add("prune_versions", functions && ports.function_versions, steps::make_prune_versions, ports);
    add("run_hook", functions && ports.function_calls, steps::make_run_hook, ports);
    add("find_url", true, steps::make_find_url, ports);
    add("check_health", ports.health != nullptr, steps::make_check_health, ports);
  }

  Step* find(std::string_view kind) override {
    const auto found = steps_.find(kind);
    return found == steps_.end() ? nullptr : found->second.get();
  }

  Task<Result<std::optional<std::string>>> verify_rollback(StepContext& context) override {
    return steps::verify_rollback(health_, context);
  }

  void end(const Deployment& deployment) override {
    const std::string plan = deployment.output("plan_infrastructure", "plan_file");
    if (infrastructure_ != nullptr && !plan.empty()) infrastructure_->discard(plan);
  }

 private:
  using Make = std::unique_ptr<Step> (*)(const StepPorts&);
  void add(const char* kind, bool has_ports, Make make, const StepPorts& ports) {
    steps_[kind] = has_ports ? make(ports) : std::make_unique<WithoutPort>(kind);
  }

  HealthProbe* health_;
  Infrastructure* infrastructure_;
  std::map<std::string, std::unique_ptr<Step>, std::less<>> steps_;
};

}  // namespace

std::unique_ptr<StepLibrary> make_step_library(StepPorts ports) {
  return std::make_unique<Library>(ports);
}

}  // namespace pawl
