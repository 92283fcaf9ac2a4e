#include "terraform/sensitive.h"

#include <algorithm>

namespace pawl {
namespace {

// Shorter ones ("true", "dev") stand in innocent text, too.
constexpr size_t kShortestBytes = 6;
constexpr size_t kMaxValues = 5'000;
constexpr int kMaxModuleDepth = 32;
constexpr std::string_view kInstead = "(sensitive)";

const json::object* object_at(const json::object& object, std::string_view path) {
  const auto* found = find(object, path);
  return found != nullptr && found->is_object() ? &found->get_object() : nullptr;
}

const json::array* array_at(const json::object& object, std::string_view path) {
  const auto* found = find(object, path);
  return found != nullptr && found->is_array() ? &found->get_array() : nullptr;
}

}  // namespace

SensitiveValues::SensitiveValues(const json::object& plan) {
  const auto* declared = object_at(plan, "configuration.root_module.variables");
  const auto* given = object_at(plan, "variables");
  if (declared != nullptr && given != nullptr)
    for (const auto& [name, variable] : *declared) {
      if (!variable.is_object() || !bool_or(variable.get_object(), "sensitive")) continue;
      const auto* value = given->if_contains(name);
      if (value != nullptr && value->is_object())
        if (const auto* text = value->get_object().if_contains("value")) add_all(*text);
    }
  for (const char* list : {"resource_changes", "resource_drift"})
    if (const auto* changes = array_at(plan, list))
      for (const auto& each : *changes)
        if (each.is_object())
          if (const auto* change = object_at(each.get_object(), "change")) add_change(*change);
  if (const auto* outputs = object_at(plan, "output_changes"))
    for (const auto& [name, change] : *outputs)
      if (change.is_object()) add_change(change.get_object());
  if (const auto* root = object_at(plan, "prior_state.values.root_module")) add_module(*root, 0);
}

void SensitiveValues::add(std::string_view text) {
  // A log has one line at a time: of a key in several lines each is secret.
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.size() >= kShortestBytes && values_.size() < kMaxValues) values_.emplace(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void SensitiveValues::add_all(const json::value& value) {
  if (value.is_string()) add(value.get_string());
  if (value.is_array())
    for (const auto& each : value.get_array()) add_all(each);
  if (value.is_object())
    for (const auto& member : value.get_object()) add_all(member.value());
}

// The mask has the shape of the value, with `true` where it is sensitive.
void SensitiveValues::add_marked(const json::value& value, const json::value& mask) {
  if (mask.is_bool()) {
    if (mask.get_bool()) add_all(value);
    return;
  }
  if (mask.is_array() && value.is_array()) {
    const size_t count = std::min(mask.get_array().size(), value.get_array().size());
    for (size_t i = 0; i < count; ++i) add_marked(value.get_array()[i], mask.get_array()[i]);
  }
  if (mask.is_object() && value.is_object())
    for (const auto& [name, inner] : mask.get_object())
      if (const auto* member = value.get_object().if_contains(name)) add_marked(*member, inner);
}

void SensitiveValues::add_change(const json::object& change) {
  for (const auto& [values, marks] :
       {std::pair("before", "before_sensitive"), std::pair("after", "after_sensitive")}) {
    const auto* value = change.if_contains(values);
    const auto* mask = change.if_contains(marks);
    if (value != nullptr && mask != nullptr) add_marked(*value, *mask);
  }
}

void SensitiveValues::add_module(const json::object& module, int depth) {
  if (depth > kMaxModuleDepth) return;
  if (const auto* resources = array_at(module, "resources"))
    for (const auto& each : *resources) {
      if (!each.is_object()) continue;
      const auto* value = each.get_object().if_contains("values");
      const auto* mask = each.get_object().if_contains("sensitive_values");
      if (value != nullptr && mask != nullptr) add_marked(*value, *mask);
    }
  if (const auto* children = array_at(module, "child_modules"))
    for (const auto& each : *children)
      if (each.is_object()) add_module(each.get_object(), depth + 1);
}

std::string SensitiveValues::clean(std::string_view text) const {
  std::string cleaned(text);
  for (const auto& value : values_)
    for (size_t at = cleaned.find(value); at != std::string::npos;
         at = cleaned.find(value, at + kInstead.size()))
      cleaned.replace(at, value.size(), kInstead);
  return cleaned;
}

}  // namespace pawl
