// Reads a saved plan (`terraform show -json`) and refuses one that would take Pawl's own work back:
// a tree that pins the image moves the function to it at every apply, behind the deployer's back.
// https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
#pragma once

#include <string>

#include "base/json.h"

namespace pawl {

/// `function` and `alias` are the ones that Pawl deploys to; an empty alias means none. The error
/// (refused) names each change, and the hint the lines that mend the tree.
Result<void> review_plan(const json::object& plan, const std::string& function,
                         const std::string& alias);

}  // namespace pawl
