#include "sim/cloud/state_json.h"

namespace pawl::cloud {

// Keys are looked up as they are, not as paths: names of tags and variables may hold dots.

json::object write_map(const std::map<std::string, std::string>& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

json::array write_list(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& item : list) array.emplace_back(item);
  return array;
}

std::map<std::string, std::string> read_map(const json::object& object, std::string_view key) {
  std::map<std::string, std::string> map;
  for (const auto& entry : object_or_empty(object, key))
    if (entry.value().is_string()) map[entry.key()] = std::string(entry.value().get_string());
  return map;
}

std::vector<std::string> read_list(const json::object& object, std::string_view key) {
  std::vector<std::string> list;
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return list;
  for (const json::value& item : value->get_array())
    if (item.is_string()) list.emplace_back(item.get_string());
  return list;
}

const json::object& object_or_empty(const json::object& object, std::string_view key) {
  static const json::object kEmpty;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : kEmpty;
}

std::vector<const json::object*> objects_in(const json::object& object, std::string_view key) {
  std::vector<const json::object*> objects;
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return objects;
  for (const json::value& item : value->get_array())
    if (item.is_object()) objects.push_back(&item.get_object());
  return objects;
}

}  // namespace pawl::cloud
