// What every command is given: the options that all share, and the process's environment. getenv is
// called here and nowhere else, so that a command's inputs can be read off its options.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/config.h"

namespace pawl {

/// A copy of the environment variables, taken once.
class ProcessEnvironment {
 public:
  /// Takes PAWL_STORE and PAWL_GITHUB_APP_KEY out of the process's own: they may hold a password
  /// or a key, and are nothing to the programs that are started.
  static ProcessEnvironment of_this_process();
  explicit ProcessEnvironment(std::map<std::string, std::string> variables)
      : variables_(std::move(variables)) {}
  std::string get(const std::string& name) const;  // empty when unset
  bool has(const std::string& name) const { return variables_.count(name) > 0; }
  void set(const std::string& name, std::string value) { variables_[name] = std::move(value); }
  const std::map<std::string, std::string>& all() const { return variables_; }

 private:
  std::map<std::string, std::string> variables_;
};

struct Globals {
  std::string config_path;  // --config; empty: searched upward from the working directory
  std::string state_dir;    // --state; empty: ".pawl" beside pawl.yaml
  std::string store;        // --store; empty: PAWL_STORE, else a file in the state folder
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool sandbox = false;  // --sandbox: endpoints and credentials of the running sandbox
  ProcessEnvironment environment{std::map<std::string, std::string>{}};
};

/// A config file that was found, read and checked.
struct LoadedConfig {
  Config config;
  std::string path;       // as given or found
  std::string directory;  // that holds it: paths in the file are relative to it
  std::string state_dir;  // exists
};

/// The path of pawl.yaml: as given, else searched upward. Kind config, with how to make one.
Result<std::string> find_config(const Globals& globals);
Result<LoadedConfig> load_config(const Globals& globals);

/// Reads a whole file of at most `max_bytes`.
Result<std::string> read_file(const std::string& path, size_t max_bytes);

}  // namespace pawl
