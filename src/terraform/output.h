// Reads what Terraform says: its -json lines, its plain errors, and which of them mean that
// something is to be done about it.
// https://developer.hashicorp.com/terraform/internals/machine-readable-ui
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pawl {

/// What one line of -json output means to us. `message` is empty for lines that are no JSON.
struct TerraformLine {
  std::string message;
  bool is_error = false;
  std::string error_detail;  // of a diagnostic: "summary: detail (file:line)"
  bool is_summary = false;
  int to_add = 0;
  int to_change = 0;
  int to_destroy = 0;
};
TerraformLine read_terraform_line(std::string_view line);

/// Terraform's framed error text for people, as one line.
std::string plain_error(std::string_view text);

/// Whether `init` has to be run (again), after which the same command will go on.
bool needs_init(std::string_view error);

/// An error of `terraform WHAT`, with its kind: a lock that another run holds (its holder named) or
/// a stale plan is a conflict, credentials are denied, the rest failed.
Error terraform_error(const std::string& what, const std::string& error);

}  // namespace pawl
