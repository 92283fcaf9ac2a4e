// Where the meals are kept. The catalogue is read-only and comes with the release (meals.json in
// the data folder); which migrations have been run is written to a state folder. A real application
// would have a database here: what the rest of this one relies on would stay the same.
#pragma once

#include <optional>
#include <string>

#include "json.h"

namespace meals {

class Storage {
 public:
  Storage(std::string data_dir, std::string state_dir);

  // The folders that the environment names: MEALS_DATA (else ./data) and MEALS_STATE (else
  // /tmp/meals).
  static Storage from_environment();

  // The catalogue, or nothing when it cannot be read.
  std::optional<Json> meals() const;

  // Runs the migrations that have not been run and gives the report on it. A call that repeats the
  // key of an earlier one does nothing and is given that call's report again. Nothing when the
  // state cannot be kept.
  std::optional<Json> migrate(const std::string& idempotency_key);

 private:
  std::string data_dir_;
  std::string state_dir_;
};

// The file's text, or nothing when it cannot be read whole.
std::optional<std::string> read_file(const std::string& path);

// A variable of the environment; `otherwise` when it is unset or empty.
std::string environment(const char* name, const char* otherwise);

}  // namespace meals
