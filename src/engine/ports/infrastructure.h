// Terraform, as the engine sees it: a plan that is saved, and the apply of that very plan.
#pragma once

#include <map>
#include <string>

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
};

struct InfrastructurePlan {
  bool has_changes = false;
  int to_add = 0;
  int to_change = 0;
  int to_destroy = 0;
  std::string plan_sha256;  // of the plan file: apply refuses another
};

class Infrastructure {
 public:
  virtual ~Infrastructure() = default;
  /// "Terraform v1.11.4", or an Error that says what to install.
  virtual Task<Result<std::string>> available() = 0;
  /// Writes the backend file from its template, init, plan -out.
  virtual Task<Result<InfrastructurePlan>> plan(InfrastructureRequest request, LogLine log) = 0;
  virtual Task<Result<void>> apply(InfrastructureRequest request, std::string plan_sha256,
                                   LogLine log) = 0;
  /// Outputs of the state, sensitive ones left out.
  virtual Task<Result<json::object>> outputs(InfrastructureRequest request) = 0;
};

}  // namespace pawl
