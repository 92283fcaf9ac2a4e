// Terraform through its command line: backend file from the template, init when it is needed, a
// saved plan, the apply of that very plan, outputs. https://developer.hashicorp.com/terraform/cli
//
// Each environment has a data folder of its own (TF_DATA_DIR): what `init` remembers of the backend
// is in it, so that one environment's plan is never made against another one's state, two
// environments can be deployed at once, and a person's own .terraform stays as it was.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "engine/ports/infrastructure.h"
#include "process/child.h"

namespace pawl {

struct TerraformOptions {
  std::string directory;    // settings.dir and plan files are relative to it
  std::string scratch_dir;  // data folders and backend files; private
  std::string program = "terraform";
  std::map<std::string, std::string> environment;  // credentials and endpoints
  /// How long Terraform itself waits for another run to give the state lock back.
  std::chrono::seconds lock_timeout{300};
};

std::unique_ptr<Infrastructure> make_terraform(Processes& processes, TerraformOptions options);

/// `${AWS_ACCOUNT_ID}` and `${AWS_REGION}` replaced; any other `${NAME}` is a config error.
Result<std::string> fill_backend_template(std::string_view text, const std::string& account_id,
                                          const std::string& region);

}  // namespace pawl
