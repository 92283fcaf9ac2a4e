// Terraform through its command line: backend file from the template, init when it is needed, a saved
// plan, the apply of that very plan, outputs. https://developer.hashicorp.com/terraform/cli
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/ports/infrastructure.h"
#include "process/child.h"

namespace pawl {

struct TerraformOptions {
  std::string directory;    // settings.dir is relative to it
  std::string scratch_dir;  // backend files and init marks; private
  std::string program = "terraform";
  std::map<std::string, std::string> environment;  // credentials and endpoints
};

std::unique_ptr<Infrastructure> make_terraform(Processes& processes, TerraformOptions options);

/// `${AWS_ACCOUNT_ID}` and `${AWS_REGION}` replaced; any other `${NAME}` is a config error.
Result<std::string> fill_backend_template(std::string_view text, const std::string& account_id,
                                          const std::string& region);

/// What one line of Terraform's -json output means to us. `message` is empty for lines that are no
/// JSON or that say nothing. https://developer.hashicorp.com/terraform/internals/machine-readable-ui
struct TerraformLine {
  std::string message;
  bool is_error = false;
  std::string error_detail;  // of a diagnostic
  bool is_summary = false;
  int to_add = 0;
  int to_change = 0;
  int to_destroy = 0;
};
TerraformLine read_terraform_line(std::string_view line);

}  // namespace pawl
