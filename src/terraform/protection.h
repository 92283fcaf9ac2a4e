// Stops a plan that destroys what cannot be made again: databases, buckets, tables. A person may
// allow it for one deployment, by name, and that is recorded with the deployment.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "terraform/plan_summary.h"

namespace pawl {

/// Types whose objects hold data (or are what data is read with): what "default" stands for in
/// infrastructure.terraform.protect.
const std::vector<std::string>& types_that_hold_data();

/// Whether `type` is one of `protect`: "default", a type, or a beginning with * after it.
bool is_protected(const std::string& type, const std::vector<std::string>& protect);

struct Protection {
  std::vector<std::string> protect;  // as configured
  std::vector<std::string> allowed;  // addresses, or types
  std::string environment;           // for the command in the hint
};

/// The addresses of protected resources that go because it was allowed. refused: the plan destroys
/// or replaces some that nobody allowed; they are named, and so is the option.
Result<std::vector<std::string>> check_protection(const PlanSummary& summary,
                                                  const Protection& protection);

}  // namespace pawl
