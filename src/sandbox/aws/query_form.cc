#include "sandbox/aws/query_form.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "aws/xml.h"
#include "sandbox/aws/call.h"
#include "sandbox/aws/cbor.h"

namespace pawl::sandbox {

namespace {

constexpr size_t kMaxDepth = 16;

/// A node is text, or has children by name; "member" children by number are an array.
struct Node {
  std::string text;
  std::map<std::string, Node> children;
};

json::value to_json(const Node& node) {
  if (node.children.empty()) return json::value(json::string(node.text));
  auto members = node.children.find("member");
  if (members != node.children.end() && node.children.size() == 1) {
    std::vector<std::pair<size_t, const Node*>> ordered;
    for (const auto& [number, child] : members->second.children)
      ordered.emplace_back(count_or(number, 0), &child);
    std::sort(ordered.begin(), ordered.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    json::array items;
    for (const auto& [number, child] : ordered) items.push_back(to_json(*child));
    return json::value(std::move(items));
  }
  json::object object;
  for (const auto& [name, child] : node.children) object[name] = to_json(child);
  return json::value(std::move(object));
}

}  // namespace

json::object nest_form(const std::vector<std::pair<std::string, std::string>>& fields) {
  Node root;
  for (const auto& [path, value] : fields) {
    Node* node = &root;
    std::string_view rest = path;
    for (size_t depth = 0; depth < kMaxDepth; ++depth) {
      const size_t dot = rest.find('.');
      node = &node->children[std::string(rest.substr(0, dot))];
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    node->text = value;
  }
  const json::value nested = to_json(root);
  return nested.is_object() ? nested.get_object() : json::object{};
}

std::string query_xml(const json::value& value) {
  if (const auto time = timestamp_in(value)) return iso_seconds(*time);
  if (value.is_string()) return aws::xml_escape(std::string_view(value.get_string()));
  if (value.is_double()) return fmt::format("{}", value.get_double());
  if (value.is_array()) {
    std::string xml;
    for (const json::value& item : value.get_array())
      xml += "<member>" + query_xml(item) + "</member>";
    return xml;
  }
  if (!value.is_object()) return json::serialize(value);
  std::string xml;
  for (const auto& entry : value.get_object()) {
    const std::string key(entry.key());
    std::string inside = query_xml(entry.value());
    // The one map among the answers that are given here.
    if (key == "ExtendedStatistics" && entry.value().is_object()) {
      inside.clear();
      for (const auto& item : entry.value().get_object())
        inside += fmt::format("<entry><key>{}</key><value>{}</value></entry>",
                              std::string(item.key()), query_xml(item.value()));
    }
    xml += fmt::format("<{0}>{1}</{0}>", key, inside);
  }
  return xml;
}

json::value json_times(const json::value& value) {
  constexpr double kMsPerSecond = 1000.0;
  if (const auto time = timestamp_in(value))
    return json::value(static_cast<double>(time->unix_ms) / kMsPerSecond);
  if (value.is_array()) {
    json::array items;
    for (const json::value& item : value.get_array()) items.push_back(json_times(item));
    return json::value(std::move(items));
  }
  if (!value.is_object()) return value;
  json::object object;
  for (const auto& entry : value.get_object()) object[entry.key()] = json_times(entry.value());
  return json::value(std::move(object));
}

double number_in(const json::object& o, std::string_view key, double otherwise) {
  const json::value* value = o.if_contains(key);
  if (value == nullptr) return otherwise;
  if (value->is_number()) return value->to_number<double>();
  if (!value->is_string()) return otherwise;
  const std::string text(value->get_string());
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return text.empty() || *end != '\0' || !std::isfinite(number) ? otherwise : number;
}

int int_in(const json::object& o, std::string_view key, int otherwise) {
  constexpr double kMost = 2e9;
  const double number = number_in(o, key, otherwise);
  if (std::isnan(number)) return otherwise;
  return static_cast<int>(std::clamp(number, -kMost, kMost));
}

bool bool_in(const json::object& o, std::string_view key, bool otherwise) {
  const json::value* value = o.if_contains(key);
  if (value == nullptr) return otherwise;
  if (value->is_bool()) return value->get_bool();
  return value->is_string() ? value->get_string() == "true" : otherwise;
}

WallTime time_in(const json::object& o, std::string_view key, WallTime otherwise) {
  const json::value* value = o.if_contains(key);
  if (value == nullptr) return otherwise;
  if (const auto time = timestamp_in(*value)) return *time;
  if (value->is_number()) {
    constexpr double kMsPerSecond = 1000.0;
    constexpr double kFar = 1e12;
    const double seconds = value->to_number<double>();
    if (!(std::abs(seconds) < kFar)) return otherwise;
    return {static_cast<int64_t>(std::llround(seconds * kMsPerSecond))};
  }
  if (!value->is_string()) return otherwise;
  auto parsed = parse_iso8601(std::string_view(value->get_string()));
  return parsed.ok() ? *parsed : otherwise;
}

}  // namespace pawl::sandbox
