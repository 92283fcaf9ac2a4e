// Which variables of our environment hold secrets that most programs have no business with.
#pragma once

#include <string>
#include <vector>

namespace pawl {

/// Those that are set, of: GitHub's and AWS's tokens and keys as their tools name them, the
/// passwords of PostgreSQL, what Terraform is given (TF_VAR_*), and what was added. For
/// `Command::unset` of a program that asks nobody on our behalf.
std::vector<std::string> secret_variables();

/// One more, by its name: what `image.build.secrets` lends to a build is handed on in a file.
void add_secret_variable(std::string name);

}  // namespace pawl
