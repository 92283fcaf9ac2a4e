// Small readers and writers of the model's state file: what is absent or of another type is empty.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace pawl::cloud {

json::object write_map(const std::map<std::string, std::string>& map);
json::array write_list(const std::vector<std::string>& list);
std::map<std::string, std::string> read_map(const json::object& object, std::string_view key);
std::vector<std::string> read_list(const json::object& object, std::string_view key);
const json::object& object_or_empty(const json::object& object, std::string_view key);
/// The objects of an array; other values in it are passed over.
std::vector<const json::object*> objects_in(const json::object& object, std::string_view key);

}  // namespace pawl::cloud
