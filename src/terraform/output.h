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
  bool is_resource_done = false;  // of an apply: made, changed or destroyed, or failed to be
};
TerraformLine read_terraform_line(std::string_view line);

/// Terraform's framed error text for people, as one line.
std::string plain_error(std::string_view text);

/// Whether `init` has to be run (again), after which the same command will go on.
bool needs_init(std::string_view error);

/// The code of the Error that says that another run holds the state's lock.
constexpr std::string_view kStateLocked = "state_locked";
/// Whether `error` says so: not when the lock could not be taken for another reason (no right to).
bool is_state_locked(std::string_view error);

/// An error of `PROGRAM VERB`, with its kind: a lock that another run holds (its holder named) or a
/// stale plan is a conflict, credentials are denied, the rest failed.
Error terraform_error(const std::string& program, const std::string& verb,
                      const std::string& error);

}  // namespace pawl
