// Terraform, or OpenTofu, through its command line: backend file from the template, init when it is
// needed, a saved plan, the apply of that very plan, outputs.
// https://developer.hashicorp.com/terraform/cli
//
// Each environment has a data folder of its own (TF_DATA_DIR): what `init` remembers of the backend
// is in it, so that one environment's plan is never made against another one's state, two
// environments can be deployed at once, and a person's own .terraform stays as it was. Providers
// are kept once for all of them (plugin_cache.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/ports/infrastructure.h"
#include "process/child.h"

namespace pawl {

struct TerraformOptions {
  std::string directory;                           // settings.dir and plan files are relative to it
  std::string scratch_dir;                         // data folders and backend files; private
  std::map<std::string, std::string> environment;  // endpoints, and credentials that stay
  /// Variables that change while we work (a role's session), asked for before each command.
  std::function<Task<Result<std::map<std::string, std::string>>>()> credentials;
  /// Where providers are kept for all environments; empty: each environment has its own.
  std::string plugin_cache;
  /// Nobody else keeps anything there, so that what a killed `init` left half done may be removed.
  bool owns_plugin_cache = false;
  /// For waiting until another process has finished with the plugin cache. May be null: then this
  /// one goes on without it.
  Clock* clock = nullptr;
};

std::unique_ptr<Infrastructure> make_terraform(Processes& processes, TerraformOptions options);

/// `${AWS_ACCOUNT_ID}` and `${AWS_REGION}` replaced; any other `${NAME}` is a config error.
Result<std::string> fill_backend_template(std::string_view text, const std::string& account_id,
                                          const std::string& region);

}  // namespace pawl
