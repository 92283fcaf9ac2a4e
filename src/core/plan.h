// A plan is data: a DAG of steps with what each will do, made by a pure function, printable, the
// same for the command line, a server and the simulator. Which code runs a step is the engine's
// affair, chosen by `kind`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/shared.h"
#include "core/config.h"
#include "core/validate.h"

namespace pawl {

/// Stage names are those of the usual workflow.
enum class Stage { validate, build, deploy, notify };
std::string_view to_string(Stage stage);

struct PlanStep {
  std::string id;    // unique in the plan: "copy_image"
  std::string kind;  // which Step runs it; the same as id while a plan has one of each
  Stage stage = Stage::deploy;
  std::string title;               // for people: "copy the image to 0000.dkr.ecr..."
  std::vector<std::string> needs;  // ids that must have succeeded first
  Shared<json::object> params;     // all it must know, resolved: the config is not read again
  std::string undo;                // for people: what a rollback does; empty: nothing to undo
  bool required = true;  // false: its failure is recorded, and fails nothing (notifications)
  bool operator==(const PlanStep&) const = default;
};

enum class DeploymentKind { deploy, rollback };
std::string_view to_string(DeploymentKind kind);

struct Plan {
  DeploymentKind kind = DeploymentKind::deploy;
  ReleaseName release;
  std::vector<PlanStep> steps;        // in an order that respects `needs`
  std::vector<std::string> warnings;  // what cannot be restored, what is not checked
  RunPolicy policy;                   // the defaults, in the plan of a Pawl that knew none

  const PlanStep* step(std::string_view id) const;
  bool operator==(const Plan&) const = default;
};

/// Empty when sound, else why not: unknown need, cycle, repeated id, order.
std::string check_plan(const Plan& plan);

json::object to_json(const Plan& plan);
/// The steps' params stay parts of `object`.
Result<Plan> plan_from_json(const Shared<json::object>& object);

/// An earlier call of a hook for the same release in the same environment.
struct HookRun {
  std::string deployment;
  bool is_known = true;  // false: whether it did anything was never heard
  bool operator==(const HookRun&) const = default;
};

/// What was found out before planning that shapes the plan.
struct PlanFacts {
  bool repository_exists = true;  // ECR: the copy need not wait for Terraform
  bool bucket_exists = true;      // S3: nor need the upload of static files
  std::string
      repository_uri;  // "123.dkr.ecr.us-east-1.amazonaws.com/meals-dev-lambda"; may be empty
  std::string source_digest;       // of the image when it exists already; empty when to be built
  std::string git_remote_url;      // label org.opencontainers.image.source
  bool on_main_branch = false;     // the tag `latest` goes along
  std::string live_sha;            // the commit that is live, where known
  json::object terraform_outputs;  // as they are before this deployment
  std::vector<std::string> allow_destroy;  // Trigger.allow_destroy
  /// Instances that stand ready for what is live now; 0: none are set aside.
  int provisioned = 0;
  std::string provisioned_for;  // the alias, or the version that it points to
  /// Versions that nobody may clear away beside the live one: that of the last verified release,
  /// and those that deployments in line go back to.
  std::vector<std::string> versions_in_use;
  /// By the hook's name: those that are called once for each release, and were (core/hooks.h).
  std::map<std::string, HookRun> hook_runs;
};

/// Steps, in the order of the design's table:
///   build_image                                        (stage build; left out when the image
///   exists) notify_started                                     (stage deploy, not required)
///   capture_live                                       before the first change
///   plan_infrastructure, apply_infrastructure          (terraform configured)
///   copy_image, upload_static, confirm_static, update_function, publish_version,
///   hook_NAME (before_traffic), move_alias, switch_static, find_url, check_health,
///   hook_NAME (after_traffic), check_health_again (when there is one of these),
///   release_provisioned, prune_versions
/// What is provisioned for the live version is put on the new one before the alias moves
/// (provision_version) and taken from the old one at the end; what is provisioned for the alias
/// moves with it, and is waited for (await_provisioned).
/// A hook is called when every step has succeeded that could still refuse the deployment: one
/// before the traffic moves has all of them before it but those that need the traffic, one after it
/// has the check before it, and is followed by another look.
/// confirm_static is there when the upload runs beside Terraform, which may replace the bucket and
/// what is in it: before the traffic moves it looks once more.
/// Notifications of the end are the engine's (they must tell the outcome).
/// With alias none, update_function is what moves the traffic: it comes after the upload, and there
/// is no move_alias.
Plan make_deploy_plan(const Config& config, const EnvironmentConfig& environment,
                      const Decision& decision, const PlanFacts& facts);

/// The release to go back to, as an earlier verified deployment recorded it.
struct RollbackTarget {
  std::string deployment_id;
  ReleaseName release;
  std::string function_version;  // published version; may be empty (alias none)
  std::string image_uri;         // by digest
  json::object static_manifest;  // as the static steps recorded it; may be empty
  /// Why its code must not come back: a hook of a later release made what it cannot read. Empty: it
  /// may.
  std::string blocked_by;
  std::string live_sha;  // the commit that it takes the place of, where known
};
/// Steps: notify_started, capture_live, restore_function (alias to the version, else the image by
/// digest), switch_static, find_url, check_health (rollback_attempts).
Plan make_rollback_plan(const Config& config, const EnvironmentConfig& environment,
                        const RollbackTarget& target);

}  // namespace pawl
