// What a published version holds fast beside its code: role, memory, timeout, environment variables
// (names, and hashes of their values: those may be secrets). A rollback by alias brings them back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/ports/functions.h"

namespace pawl::steps {

struct Pins {
  std::string role;
  int memory_mb = 0;
  int timeout_seconds = 0;
  std::map<std::string, std::string> environment;  // name -> hash of the value
  bool operator==(const Pins&) const = default;
};

Pins pins_of(const FunctionState& state);
json::object to_json(const Pins& pins);
Pins pins_from_json(const json::object& object);

/// In words, without values: "the role arn:...", "512 MB instead of 256", "another value of STAGE".
std::vector<std::string> differences(const Pins& before, const Pins& after);

}  // namespace pawl::steps
