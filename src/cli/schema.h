// The JSON Schema of pawl.yaml, compiled in from docs/schema/pawl.schema.json.
#pragma once

#include <string_view>

namespace pawl {
std::string_view config_schema();
}  // namespace pawl
