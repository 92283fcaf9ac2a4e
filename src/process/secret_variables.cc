#include "process/secret_variables.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace pawl {
namespace {

constexpr std::array<std::string_view, 9> kNames = {
    "GITHUB_TOKEN",          "GH_TOKEN",          "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",     "PAWL_STORE",        "PGPASSWORD"};

bool is_secret(std::string_view name) {
  return name.starts_with("TF_VAR_") ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

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
