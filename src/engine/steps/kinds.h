// The kinds of steps, one file each, and what they hold in common. Each is made over the ports that
// it needs and keeps nothing else.
#pragma once

#include <memory>

#include "engine/step.h"
#include "engine/steps.h"

namespace pawl::steps {

std::unique_ptr<Step> make_build_image(const StepPorts& ports);
std::unique_ptr<Step> make_notify_started(const StepPorts& ports);
std::unique_ptr<Step> make_capture_live(const StepPorts& ports);
std::unique_ptr<Step> make_plan_infrastructure(const StepPorts& ports);
std::unique_ptr<Step> make_apply_infrastructure(const StepPorts& ports);
std::unique_ptr<Step> make_copy_image(const StepPorts& ports);
std::unique_ptr<Step> make_update_function(const StepPorts& ports);
std::unique_ptr<Step> make_publish_version(const StepPorts& ports);
std::unique_ptr<Step> make_upload_static(const StepPorts& ports);
std::unique_ptr<Step> make_confirm_static(const StepPorts& ports);
std::unique_ptr<Step> make_switch_static(const StepPorts& ports);
std::unique_ptr<Step> make_move_alias(const StepPorts& ports);
std::unique_ptr<Step> make_restore_function(const StepPorts& ports);
std::unique_ptr<Step> make_provision_version(const StepPorts& ports);
std::unique_ptr<Step> make_await_provisioned(const StepPorts& ports);
std::unique_ptr<Step> make_release_provisioned(const StepPorts& ports);
std::unique_ptr<Step> make_prune_versions(const StepPorts& ports);
std::unique_ptr<Step> make_run_hook(const StepPorts& ports);
std::unique_ptr<Step> make_find_url(const StepPorts& ports);
std::unique_ptr<Step> make_check_health(const StepPorts& ports);

/// Whether what was live before answers again, as the capture has it; see StepLibrary.
Task<Result<std::optional<std::string>>> verify_rollback(HealthProbe* probe, StepContext& context);

}  // namespace pawl::steps
