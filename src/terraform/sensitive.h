// The secrets in a plan: what Terraform marks as sensitive. Terraform keeps them out of its own
// lines, but providers put into their errors what they like; so every line and error of an apply
// is searched for them.
// https://developer.hashicorp.com/terraform/internals/json-format (before_sensitive and its like)
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"

namespace pawl {

class SensitiveValues {
 public:
  SensitiveValues() = default;
  /// Of `terraform show -json PLAN`: sensitive variables, attributes and outputs, before and after.
  explicit SensitiveValues(const json::object& plan);

  /// `text` with each of them replaced by "(sensitive)".
  std::string clean(std::string_view text) const;
  size_t size() const { return values_.size(); }

 private:
  void add(std::string_view text);
  void add_all(const json::value& value);
  void add_marked(const json::value& value, const json::value& mask);
  void add_change(const json::object& change);
  void add_module(const json::object& module, int depth);

  struct Longer {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };
  std::set<std::string, Longer> values_;  // one that holds another goes whole
};

}  // namespace pawl
