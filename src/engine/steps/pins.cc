#include "engine/steps/pins.h"

#include <fmt/format.h>

namespace pawl::steps {

Pins pins_of(const FunctionState& state) {
  return {state.role, state.memory_mb, state.timeout_seconds, state.environment};
}

json::object to_json(const Pins& pins) {
  json::object environment;
  for (const auto& [name, hash] : pins.environment) environment[name] = hash;
  return {{"role", pins.role},
          {"memory_mb", pins.memory_mb},
          {"timeout_seconds", pins.timeout_seconds},
          {"environment", std::move(environment)}};
}

Pins pins_from_json(const json::object& object) {
  Pins pins;
  pins.role = string_or(object, "role");
  pins.memory_mb = static_cast<int>(int_or(object, "memory_mb"));
  pins.timeout_seconds = static_cast<int>(int_or(object, "timeout_seconds"));
  if (const json::value* variables = object.if_contains("environment");
      variables != nullptr && variables->is_object())
    for (const auto& [name, hash] : variables->get_object())
      if (hash.is_string()) pins.environment[std::string(name)] = std::string(hash.get_string());
  return pins;
}

std::vector<std::string> differences(const Pins& before, const Pins& after) {
  std::vector<std::string> found;
  if (before.role != after.role)
    found.push_back(fmt::format("the role {} instead of {}", after.role, before.role));
  if (before.memory_mb != after.memory_mb)
    found.push_back(fmt::format("{} MB instead of {}", after.memory_mb, before.memory_mb));
  if (before.timeout_seconds != after.timeout_seconds)
    found.push_back(fmt::format("a timeout of {} s instead of {} s", after.timeout_seconds,
                                before.timeout_seconds));
  for (const auto& [name, hash] : after.environment) {
    const auto was = before.environment.find(name);
    if (was == before.environment.end())
      found.push_back(fmt::format("the new variable {}", name));
    else if (was->second != hash)
      found.push_back(fmt::format("another value of {}", name));
  }
  for (const auto& [name, hash] : before.environment)
    if (after.environment.count(name) == 0) found.push_back(fmt::format("no variable {}", name));
  return found;
}

}  // namespace pawl::steps
