#include "cli/connections.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/json.h"
#include "cli/version.h"

namespace pawl {
namespace {

constexpr size_t kMaxSmallFileBytes = 1u << 20;

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
  // A person's own role or proxy must not leak into what is meant for the sandbox.
  for (const char* name : {"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN",
                           "AWS_WEB_IDENTITY_TOKEN_FILE", "ACTIONS_ID_TOKEN_REQUEST_URL"})
    environment.set(name, "");
  for (const auto& [name, value] : variables->get_object())
    if (value.is_string()) environment.set(std::string(name), std::string(value.get_string()));
  return environment;
}

Result<std::shared_ptr<aws::CredentialSource>> aws_credentials(
    const ProcessEnvironment& environment, const aws::AwsOptions& options, aws::ClientPorts ports,
    const std::string& session_name) {
  if (const auto key = environment.get("AWS_ACCESS_KEY_ID"); !key.empty()) {
    aws::Credentials credentials;
    credentials.access_key_id = key;
    credentials.secret_access_key = Secret(environment.get("AWS_SECRET_ACCESS_KEY"));
    credentials.session_token = Secret(environment.get("AWS_SESSION_TOKEN"));
    return std::shared_ptr(aws::static_credentials(std::move(credentials)));
  }
  const auto role = environment.get("AWS_ROLE_ARN");
  const auto token_file = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto actions_url = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL");
  if (!role.empty() && (!token_file.empty() || !actions_url.empty())) {
    std::unique_ptr<aws::TokenProvider> tokens;
    if (!token_file.empty()) {
      tokens = aws::token_from_file(token_file);
    } else {
      aws::GithubTokenRequest request;
      request.url = actions_url;
      request.token = Secret(environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
      tokens = aws::token_from_github(ports, std::move(request));
    }
    aws::WebIdentity identity;
    identity.role_arn = role;
    identity.session_name = session_name;
    return std::shared_ptr(
        aws::web_identity_credentials(ports, options, std::move(identity), std::move(tokens)));
  }
  auto path = environment.get("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = environment.get("HOME") + "/.aws/credentials";
  auto profile = environment.get("AWS_PROFILE");
  if (profile.empty()) profile = "default";
  if (auto text = read_file(path, kMaxSmallFileBytes); text.ok()) {
    PAWL_TRY(auto credentials, aws::parse_shared_credentials(*text, profile));
    return std::shared_ptr(aws::static_credentials(std::move(credentials)));
  }
  return std::shared_ptr(aws::no_credentials(
      Error(ErrorKind::denied, "there are no AWS credentials")
          .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN with "
                     "AWS_WEB_IDENTITY_TOKEN_FILE, or AWS_PROFILE; or try --sandbox")));
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
