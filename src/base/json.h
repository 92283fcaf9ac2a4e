// Boost.JSON with limits, and readers that say what was missing where. The limits (depth, size) are
// in this one place.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pawl {

namespace json = boost::json;

constexpr size_t kMaxJsonBytes = 32u << 20;
constexpr size_t kMaxJsonDepth = 64;

/// `what` names the document in the error: "the manifest of ghcr.io/x/y".
Result<json::value> parse_json(std::string_view text, std::string_view what);
Result<json::object> parse_json_object(std::string_view text, std::string_view what);

/// nullptr when any key on the way is absent or not an object. Path: "Configuration.State".
const json::value* find(const json::value& value, std::string_view path);
const json::value* find(const json::object& object, std::string_view path);

/// Empty / 0 / false when absent or of another type: for optional fields.
std::string string_or(const json::object& object, std::string_view path,
                      std::string_view otherwise = "");
int64_t int_or(const json::object& object, std::string_view path, int64_t otherwise = 0);
bool bool_or(const json::object& object, std::string_view path, bool otherwise = false);
double number_or(const json::object& object, std::string_view path, double otherwise = 0);

/// Errors name the path and the document.
Result<std::string> require_string(const json::object& object, std::string_view path,
                                   std::string_view what);

/// Two-space indented, keys in the order they were put in, with a newline at the end.
std::string pretty(const json::value& value);

}  // namespace pawl
