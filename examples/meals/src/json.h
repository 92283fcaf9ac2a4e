// A JSON value: read from text, looked into without fear of what is missing, written as text.
// Numbers are doubles; an object keeps the order of its members, and the last of two members with
// one name wins.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace meals {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<double>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  // Nothing when `text` is not exactly one JSON value.
  static std::optional<Json> parse(std::string_view text);

  // The value in the form that goes over the wire: no spaces, UTF-8.
  std::string dump() const;

  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }

  // A member of an object; null when there is none or this is no object, so that lookups can be
  // chained.
  const Json& operator[](std::string_view name) const;

  // Each gives the value if it is of that type, and otherwise the empty one.
  std::string string() const;
  double number() const;
  bool boolean() const;
  const Array& array() const;
  const Object& object() const;

 private:
  std::variant<std::nullptr_t, bool, double, std::string, Array, Object> value_ = nullptr;
};

}  // namespace meals
