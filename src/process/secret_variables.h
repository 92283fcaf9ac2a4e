// Which variables of our environment hold secrets that most programs have no business with.
#pragma once

#include <string>
#include <vector>

namespace pawl {

/// Those that are set, of: GitHub's and AWS's tokens and keys as their tools name them, the
/// passwords of PostgreSQL, and what Terraform is given (TF_VAR_*). For `Command::unset` of a
/// program that asks nobody on our behalf.
std::vector<std::string> secret_variables();

}  // namespace pawl
