// AWS's query protocol: forms with numbered members in, XML out; and readers that take a value as
// any of the protocols has it (text, number, timestamp).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace pawl::sandbox {

/// "A.member.1.B=x" for all fields as nested objects and arrays. Bounded in depth and index.
json::object nest_form(const std::vector<std::pair<std::string, std::string>>& fields);
/// The inside of a <...Result>: arrays become <member>, timestamps ISO 8601.
std::string query_xml(const json::value& value);
/// Timestamps as seconds since 1970, as JSON 1.0 has them.
json::value json_times(const json::value& value);

double number_in(const json::object& o, std::string_view key, double otherwise);
/// The same, kept within what an int holds.
int int_in(const json::object& o, std::string_view key, int otherwise);
bool bool_in(const json::object& o, std::string_view key, bool otherwise);
WallTime time_in(const json::object& o, std::string_view key, WallTime otherwise);

}  // namespace pawl::sandbox
