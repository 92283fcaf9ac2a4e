#include "base/json.h"

#include <fmt/format.h>

namespace pawl {

Result<json::value> parse_json(std::string_view text, std::string_view what) {
  if (text.size() > kMaxJsonBytes)
    return Error(ErrorKind::corrupt,
                 fmt::format("{} is larger than {} bytes", what, kMaxJsonBytes));
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code failure;
  auto value = json::parse(text, failure, {}, options);
  if (failure)
    return Error(ErrorKind::corrupt,
                 fmt::format("{} is not valid JSON: {}", what, failure.message()));
  return value;
}

Result<json::object> parse_json_object(std::string_view text, std::string_view what) {
  PAWL_TRY(auto value, parse_json(text, what));
  if (!value.is_object())
    return Error(ErrorKind::corrupt, fmt::format("{} is not a JSON object", what));
  return std::move(value.as_object());
}

const json::value* find(const json::object& object, std::string_view path) {
  const auto dot = path.find('.');
  const json::value* member = object.if_contains(path.substr(0, dot));
  if (member == nullptr || dot == std::string_view::npos) return member;
  return find(*member, path.substr(dot + 1));
}

const json::value* find(const json::value& value, std::string_view path) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : find(*object, path);
}

std::string string_or(const json::object& object, std::string_view path,
                      std::string_view otherwise) {
  const json::value* value = find(object, path);
  if (value != nullptr && value->is_string()) return std::string(value->get_string());
  return std::string(otherwise);
}

int64_t int_or(const json::object& object, std::string_view path, int64_t otherwise) {
  const json::value* value = find(object, path);
  if (value == nullptr || !value->is_number()) return otherwise;
  boost::system::error_code failure;
  const auto number = value->to_number<int64_t>(failure);
  return failure ? otherwise : number;
}

double number_or(const json::object& object, std::string_view path, double otherwise) {
  const json::value* value = find(object, path);
  return value != nullptr && value->is_number() ? value->to_number<double>() : otherwise;
}

bool bool_or(const json::object& object, std::string_view path, bool otherwise) {
  const json::value* value = find(object, path);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

Result<std::string> require_string(const json::object& object, std::string_view path,
                                   std::string_view what) {
  const json::value* value = find(object, path);
  if (value == nullptr || !value->is_string())
    return Error(ErrorKind::corrupt, fmt::format("{} has no text '{}'", what, path));
  return std::string(value->get_string());
}

namespace {

void write_pretty(const json::value& value, std::string& out, size_t indent) {
  const std::string pad(indent + 2, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    size_t left = object->size();
    for (const auto& [key, member] : *object) {
      out += pad + json::serialize(json::value(key)) + ": ";
      write_pretty(member, out, indent + 2);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += std::string(indent, ' ') + "}";
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    size_t left = array->size();
    for (const auto& element : *array) {
      out += pad;
      write_pretty(element, out, indent + 2);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += std::string(indent, ' ') + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string pretty(const json::value& value) {
  std::string out;
  write_pretty(value, out, 0);
  return out + "\n";
}

}  // namespace pawl
