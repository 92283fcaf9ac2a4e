#include "process/secret_variables.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string_view>
#include <utility>

namespace pawl {
namespace {

constexpr std::array<std::string_view, 9> kNames = {
    "GITHUB_TOKEN",          "GH_TOKEN",          "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",     "PAWL_STORE",        "PGPASSWORD"};

std::set<std::string, std::less<>>& added_names() {
  static std::set<std::string, std::less<>> names;
  return names;
}

bool is_secret(std::string_view name) {
  return added_names().count(name) > 0 || name.starts_with("TF_VAR_") ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

void add_secret_variable(std::string name) {
  added_names().insert(std::move(name));
}

std::vector<std::string> secret_variables() {
  std::vector<std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    if (is_secret(name)) found.emplace_back(name);
  }
  return found;
}

}  // namespace pawl
