#include "cli/connections.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/json.h"
#include "cli/version.h"

namespace pawl {
namespace {

constexpr size_t kMaxSmallFileBytes = 1u << 20;

// A person's own role, profile or endpoints must not leak into what is meant for the sandbox.
void forget_own_aws(ProcessEnvironment& environment) {
  for (const auto& [name, value] : environment.all())
    if (name.rfind("AWS_", 0) == 0 && name != "AWS_CA_BUNDLE" && name != "AWS_MAX_ATTEMPTS")
      environment.set(name, "");
  environment.set("ACTIONS_ID_TOKEN_REQUEST_URL", "");
  environment.set("AWS_CONFIG_FILE", "/dev/null");
  environment.set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
}

}  // namespace

Result<ProcessEnvironment> effective_environment(const Globals& globals,
                                                 const std::string& state_dir) {
  ProcessEnvironment environment = globals.environment;
  if (!globals.sandbox) return environment;
  const std::string path = state_dir + "/sandbox/connection.json";
  auto text = read_file(path, kMaxSmallFileBytes);
  if (!text.ok())
    return Error(ErrorKind::not_found, "no sandbox runs here (" + path + " is not there)")
        .with_hint("start it: pawl sandbox up --detach");
  PAWL_TRY(auto connection, parse_json_object(*text, path));
  const json::value* variables = find(connection, "environment");
  if (variables == nullptr || !variables->is_object())
    return Error(ErrorKind::corrupt, path + " names no environment")
        .with_hint("start the sandbox anew: pawl sandbox down; pawl sandbox up --detach");
  forget_own_aws(environment);
  for (const auto& [name, value] : variables->get_object())
    if (value.is_string()) environment.set(std::string(name), std::string(value.get_string()));
  return environment;
}

Result<AwsAccess> aws_access(const ProcessEnvironment& environment, aws::ClientPorts ports,
                             Processes& processes, std::string region,
                             aws::ChainSettings settings) {
  AwsAccess access;
  PAWL_TRY(auto profiles, aws::load_profiles(environment.all()));
  PAWL_TRY(access.options, aws::aws_options_from(environment.all(), std::move(region), profiles));
  access.credentials =
      aws::credential_chain(std::move(ports), access.options, processes, environment.all(),
                            std::move(profiles), std::move(settings));
  return access;
}

std::string docker_config_dir(const ProcessEnvironment& environment) {
  const auto dir = environment.get("DOCKER_CONFIG");
  return dir.empty() ? environment.get("HOME") + "/.docker" : dir;
}

Result<oci::DockerConfig> docker_config(const ProcessEnvironment& environment) {
  const std::string path = docker_config_dir(environment) + "/config.json";
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) return oci::DockerConfig{};
  PAWL_TRY(auto text, read_file(path, kMaxSmallFileBytes));
  return oci::DockerConfig::parse(text, path);
}

HttpClientOptions http_client_options(const ProcessEnvironment& environment) {
  HttpClientOptions options;
  options.user_agent = user_agent();
  options.ca_bundle = environment.get("AWS_CA_BUNDLE");
  if (options.ca_bundle.empty()) options.ca_bundle = environment.get("SSL_CERT_FILE");
  return options;
}

Result<oci::RegistryHosts> registry_hosts(const ProcessEnvironment& environment) {
  return oci::RegistryHosts::parse(environment.get("PAWL_REGISTRIES"))
      .while_doing("reading PAWL_REGISTRIES");
}

}  // namespace pawl
