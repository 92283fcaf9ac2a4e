// YAML as a tree of values that know where they stand. yaml-cpp reads the text; this keeps the
// line, column and path of every value and holds the limits: size, depth, count (also of what
// aliases repeat). Types are those of YAML 1.2's core schema, so that "no" is text here as in JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "core/config_parser.h"

namespace pawl {

constexpr size_t kMaxConfigBytes = 1u << 20;
constexpr size_t kMaxConfigDepth = 32;
constexpr size_t kMaxConfigNodes = 20'000;

struct YamlMark {
  int line = 1;
  int column = 1;
};

struct YamlMember;

struct YamlNode {
  enum class Kind { null, boolean, integer, number, text, list, map };
  Kind kind = Kind::null;
  YamlMark mark;
  std::string path;  // "environments.dev.health"; empty for the document
  std::string text;  // of scalars, as written
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  // in the order of the file

  bool is_map() const { return kind == Kind::map; }
  bool is_scalar() const { return kind != Kind::list && kind != Kind::map; }
  const YamlNode* find(std::string_view key) const;
  const YamlMember* member(std::string_view key) const;
};

struct YamlMember {
  std::string key;
  YamlMark mark;  // of the key
  YamlNode value;
};

/// "text", "a list", "the number 3", ...: what was found, for an error.
std::string describe(const YamlNode& node);

struct YamlDocument {
  YamlNode root;
  std::vector<ConfigProblem> problems;
};
YamlDocument parse_yaml(std::string_view text);

/// `over` on top of `base`: maps are merged key by key, anything else replaces.
YamlNode merge(const YamlNode& base, const YamlNode& over);

/// The same values as JSON: what a schema validator is given.
json::value to_json(const YamlNode& node);

}  // namespace pawl
