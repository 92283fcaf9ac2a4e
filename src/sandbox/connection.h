// Where the running sandbox is and how to talk to it: what connection.json holds. The file can be
// read by its owner only and is there only while the sandbox runs; its keys:
//
//   {"format": 1, "pid", "base_port", "account", "region",
//    "urls": {"aws", "github", "source_registry", "ecr_registry", "control"},
//    "credentials": {"access_key_id", "secret_access_key", "github_token", "registry_user",
//                    "registry_password", "control_token"},
//    "apis": [{"environment", "name", "url"}],
//    "environment": {"AWS_ENDPOINT_URL": ..., "GITHUB_TOKEN": ..., ...}}
//
// "environment" is all that a program needs to talk to the sandbox instead of the real services.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

namespace pawl::sandbox {

/// Made at the first start, kept over restarts and resets.
struct SandboxCredentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret github_token;
  std::string registry_user = "sandbox";
  Secret registry_password;
  Secret control_token;
};

struct ApiAddress {
  std::string environment;
  std::string name;
  std::string url;
};

struct Connection {
  int pid = 0;
  uint16_t base_port = 0;
  std::string account;
  std::string region;
  std::string aws_url, github_url, source_registry_url, ecr_registry_url, control_url;
  SandboxCredentials credentials;
  std::vector<ApiAddress> apis;
  /// Host in image names -> where it really is: "ghcr.io" -> "http://127.0.0.1:4512".
  std::map<std::string, std::string> registries;
  std::string docker_config;  // the folder of a config.json with the registries' passwords
};

/// Reads FOLDER/credentials.json, or makes it.
Result<SandboxCredentials> load_credentials(const std::filesystem::path& folder, Entropy& entropy);
/// The variables of "environment"; holds secrets in plain.
std::map<std::string, std::string> environment_of(const Connection& connection);
/// Writes connection.json and the docker config, for the owner only.
Result<void> write_connection(const std::filesystem::path& folder, const Connection& connection);
/// not_found when there is none.
Result<Connection> read_connection(const std::filesystem::path& folder);
void remove_connection(const std::filesystem::path& folder);

}  // namespace pawl::sandbox
