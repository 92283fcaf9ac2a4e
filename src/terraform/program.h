// Runs terraform (or tofu): with which environment, what of its lines is told, and how the state's
// lock is waited for.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "terraform/output.h"
#include "terraform/sensitive.h"
#include "terraform/terraform.h"

namespace pawl {

/// The absolute paths of one request: Terraform runs in its tree, not where we do.
struct TerraformPlace {
  std::string tree;
  std::string data;  // TF_DATA_DIR
  std::string backend_file;
  std::string init_mark;
  std::string plan_file;
};

/// What a run with -json is told, and tells. Valid during the run.
struct JsonRun {
  std::vector<std::string> arguments;  // without -json and -lock-timeout, which are added
  std::chrono::milliseconds limit{0};
  std::chrono::milliseconds lock_wait{0};
  LogLine log;
  std::function<void(const TerraformLine&)> on_line;
  bool takes_lock = true;        // the lock is a change; who only looks does without
  bool changes_are_two = false;  // -detailed-exitcode: 2 says that there are changes
};

class TerraformProgram {
 public:
  /// `settings.binary` with a slash in it is relative to options.directory.
  TerraformProgram(Processes& processes, const TerraformOptions& options,
                   const TerraformSettings& settings, TerraformPlace place);

  /// "terraform" or "tofu".
  const std::string& name() const { return name_; }
  const std::string& binary() const { return binary_; }
  const TerraformPlace& place() const { return place_; }

  /// Without a line of it told: what comes back may hold secrets.
  Task<Result<Exited>> read(std::vector<std::string> arguments);
  /// With each line told. `plugin_cache` may be empty.
  Task<Result<Exited>> run(std::vector<std::string> arguments, std::chrono::milliseconds limit,
                           std::string plugin_cache, LogLine log);
  /// The exit code, which is 0, or 2 where that means changes. While another run holds the state's
  /// lock it is named and waited for; after run.lock_wait that is the Error (conflict, code
  /// "locked").
  Task<Result<int>> run_json(const JsonRun& run);

  /// Taken out of everything that is told from now on.
  void hide(SensitiveValues values) { sensitive_ = std::move(values); }
  std::string clean(std::string_view text) const { return sensitive_.clean(text); }

 private:
  Task<Result<int>> run_once(const JsonRun& run, std::chrono::seconds lock_timeout);
  Task<Result<Command>> command_of(std::vector<std::string> arguments,
                                   std::chrono::milliseconds limit);

  Processes& processes_;
  const TerraformOptions& options_;
  TerraformPlace place_;
  std::string binary_;
  std::string name_;
  SensitiveValues sensitive_;
};

}  // namespace pawl
