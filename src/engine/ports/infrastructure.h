// Terraform, as the engine sees it: a plan that is saved, and the apply of that very plan.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/task.h"
#include "core/config.h"
#include "engine/ports/image_builder.h"

namespace pawl {

struct InfrastructureRequest {
  TerraformSettings settings;
  std::string environment;
  std::string region;
  std::string account_id;
  std::string plan_file;  // where the plan is kept: private to the deployment
  // What is Pawl's to change: a plan that would change the image of the function or where the alias
  // points is refused.
  std::string function;
  std::string alias;          // empty: none
  bool is_rehearsal = false;  // a plan that nobody applies: without the lock, which is a change
  // Protected resources that this plan may destroy or replace all the same: addresses or types.
  std::vector<std::string> allow_destroy;
  // How long another run that holds the state's lock is waited for; it is named meanwhile.
  std::chrono::milliseconds lock_wait{0};
  // Of an apply: told how many of the resources are done, of `changes`.
  int changes = 0;
  std::function<void(uint64_t done, uint64_t total)> progress;
};

struct InfrastructurePlan {
  bool has_changes = false;
  int to_add = 0;
  int to_change = 0;
  int to_destroy = 0;
  json::array changes;  // {address, action, attributes?, because?}: names, never values
  std::vector<std::string> allowed;  // protected resources that go, since it was allowed
  std::string plan_sha256;           // of the plan file: apply refuses another
};

class Infrastructure {
 public:
  virtual ~Infrastructure() = default;
  /// "Terraform v1.11.4" of the program that the settings name, or an Error that says what to
  /// install.
  virtual Task<Result<std::string>> available(TerraformSettings settings) = 0;
  /// Writes the backend file from its template, init, plan -out. Refuses a plan that takes Pawl's
  /// own work back, and one that destroys what is protected.
  virtual Task<Result<InfrastructurePlan>> plan(InfrastructureRequest request, LogLine log) = 0;
  virtual Task<Result<void>> apply(InfrastructureRequest request, std::string plan_sha256,
                                   LogLine log) = 0;
  /// Outputs of the state, sensitive ones left out. Reads only.
  virtual Task<Result<json::object>> outputs(InfrastructureRequest request) = 0;
  /// Removes a saved plan that nobody will apply: there are secrets in it.
  virtual void discard(const std::string& plan_file) = 0;
};

}  // namespace pawl
