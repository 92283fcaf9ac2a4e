// Where this machine keeps Terraform's AWS provider, so that `init` needs no network.
// https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace pawl::test {

/// A filesystem mirror that holds hashicorp/aws: PAWL_TEST_TERRAFORM_MIRROR, one of Terraform's own
/// places, the plugin cache, or a folder a little below those where software is put by hand.
inline std::optional<std::string> aws_provider_mirror() {
  namespace fs = std::filesystem;
  const auto variable = [](const char* name, std::string otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr || *value == '\0' ? otherwise : std::string(value);
  };
  const auto holds_aws = [](const fs::path& folder) {
    std::error_code ignored;
    return fs::is_directory(folder / "registry.terraform.io/hashicorp/aws", ignored);
  };
  const std::string home = variable("HOME", "/root");
  std::vector<fs::path> places = {
      variable("PAWL_TEST_TERRAFORM_MIRROR", ""), variable("TF_PLUGIN_CACHE_DIR", ""),
      home + "/.terraform.d/plugins", home + "/.terraform.d/plugin-cache",
      variable("XDG_DATA_HOME", home + "/.local/share") + "/terraform/plugins"};
  std::istringstream shared(variable("XDG_DATA_DIRS", "/usr/local/share:/usr/share"));
  for (std::string each; std::getline(shared, each, ':');)
    places.push_back(fs::path(each) / "terraform/plugins");
  for (const auto& place : places)
    if (!place.empty() && holds_aws(place)) return place.string();

  constexpr int kDepth = 2;
  for (const auto& root : {fs::path("/opt"), fs::path("/srv"), fs::path("/usr/local"),
                           fs::path("/var/lib"), fs::path(home)}) {
    std::error_code failure;
    auto entry = fs::recursive_directory_iterator(
        root, fs::directory_options::skip_permission_denied, failure);
    for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
      std::error_code ignored;
      if (!entry->is_directory(ignored)) continue;
      if (holds_aws(entry->path())) return entry->path().string();
      if (entry.depth() + 1 >= kDepth) entry.disable_recursion_pending();
    }
  }
  return std::nullopt;
}

/// A command-line configuration that takes providers from `mirror` and asks nobody.
inline std::string cli_config_for(const std::string& mirror) {
  return "disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = "
         "\"" +
         mirror +
         "\"\n    include = [\"registry.terraform.io/*/*\"]\n  }\n  direct {\n"
         "    exclude = [\"registry.terraform.io/*/*\"]\n  }\n}\n";
}

}  // namespace pawl::test
