// Reads pawl.yaml. Every error carries file:line:column, the key, what was expected, and for a
// misspelt key the nearest valid one. All errors of a file are found in one pass.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace pawl {

struct ConfigProblem {
  int line = 0;         // from 1
  int column = 0;       // from 1
  std::string key;      // "environments.dev.health.attempts"
  std::string message;  // "expected a whole number from 1 to 100, found 'many'"
};

struct ParsedConfig {
  Config config;  // meaningful only when there are no problems
  std::vector<ConfigProblem> problems;
};
ParsedConfig parse_config_with_problems(std::string_view yaml);

/// One Error (kind config) whose message has a line for each problem: "pawl.yaml:3:5: ...".
Result<Config> parse_config(std::string_view yaml, std::string_view file_name);

}  // namespace pawl
