#include "sandbox/connection.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "sandbox/files.h"

namespace pawl::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileBytes = 1u << 20;
constexpr unsigned kOwnerOnly = 0600;
constexpr int kFormat = 1;

std::string plain(const Secret& secret) {
  return secret.reveal_for("the sandbox's own files");
}

std::string random_text(Entropy& entropy, size_t length, std::string_view alphabet) {
  std::string text;
  // The alphabets have 32 or 64 signs, so that no sign is likelier than another.
  while (text.size() < length) text += alphabet[entropy.next() % alphabet.size()];
  return text;
}

json::object write(const SandboxCredentials& c) {
  return {{"access_key_id", c.access_key_id},
          {"secret_access_key", plain(c.secret_access_key)},
          {"github_token", plain(c.github_token)},
          {"registry_user", c.registry_user},
          {"registry_password", plain(c.registry_password)},
          {"control_token", plain(c.control_token)}};
}

SandboxCredentials read(const json::object& o) {
  SandboxCredentials c;
  c.access_key_id = string_or(o, "access_key_id");
  c.secret_access_key = Secret(string_or(o, "secret_access_key"));
  c.github_token = Secret(string_or(o, "github_token"));
  c.registry_user = string_or(o, "registry_user", "sandbox");
  c.registry_password = Secret(string_or(o, "registry_password"));
  c.control_token = Secret(string_or(o, "control_token"));
  return c;
}

}  // namespace

Result<SandboxCredentials> load_credentials(const fs::path& folder, Entropy& entropy) {
  const fs::path file = folder / "credentials.json";
  auto text = read_whole_file(file, kMaxFileBytes);
  if (text.ok()) {
    PAWL_TRY(const auto object, parse_json_object(*text, file.string()));
    return read(object);
  }
  if (text.error().kind() != ErrorKind::not_found) return std::move(text).error();
  constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::string_view kBase64 =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  SandboxCredentials made;
  made.access_key_id = "AKIA" + random_text(entropy, 16, kBase32);
  made.secret_access_key = Secret(random_text(entropy, 40, kBase64));
  made.github_token = Secret("ghp_" + random_text(entropy, 36, kBase32));
  made.registry_password = Secret(random_text(entropy, 32, kBase64));
  made.control_token = Secret(random_text(entropy, 32, kBase64));
  PAWL_CHECK(write_file_atomically(file, pretty(write(made)), kOwnerOnly));
  return made;
}

std::map<std::string, std::string> environment_of(const Connection& connection) {
  std::string registries;
  for (const auto& [host, url] : connection.registries)
    registries += fmt::format("{}{}={}", registries.empty() ? "" : ",", host, url);
  std::map<std::string, std::string> variables{
      {"AWS_ENDPOINT_URL", connection.aws_url},
      {"AWS_REGION", connection.region},
      {"AWS_DEFAULT_REGION", connection.region},
      {"AWS_ACCESS_KEY_ID", connection.credentials.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", plain(connection.credentials.secret_access_key)},
      {"AWS_EC2_METADATA_DISABLED", "true"},
      {"GITHUB_API_URL", connection.github_url},
      {"GITHUB_TOKEN", plain(connection.credentials.github_token)},
      {"DOCKER_CONFIG", connection.docker_config},
  };
  if (!registries.empty()) variables["PAWL_REGISTRIES"] = registries;
  return variables;
}

Result<void> write_connection(const fs::path& folder, const Connection& connection) {
  // Passwords for docker, skopeo and our own client: under the host in image names and the real
  // one.
  const std::string auth = base64_encode(connection.credentials.registry_user + ":" +
                                         plain(connection.credentials.registry_password));
  json::object auths;
  auths[connection.source_registry_url.substr(connection.source_registry_url.find("//") + 2)] =
      json::object{{"auth", auth}};
  for (const auto& [host, url] : connection.registries)
    if (url == connection.source_registry_url) auths[host] = json::object{{"auth", auth}};
  PAWL_CHECK(write_file_atomically(fs::path(connection.docker_config) / "config.json",
                                   pretty(json::object{{"auths", std::move(auths)}}), kOwnerOnly));
  json::array apis;
  for (const auto& api : connection.apis)
    apis.push_back(
        json::object{{"environment", api.environment}, {"name", api.name}, {"url", api.url}});
  json::object environment, registries;
  for (const auto& [name, value] : environment_of(connection)) environment[name] = value;
  for (const auto& [host, url] : connection.registries) registries[host] = url;
  const json::object urls{{"aws", connection.aws_url},
                          {"github", connection.github_url},
                          {"source_registry", connection.source_registry_url},
                          {"ecr_registry", connection.ecr_registry_url},
                          {"control", connection.control_url}};
  const json::object file{{"format", kFormat},
                          {"pid", connection.pid},
                          {"base_port", connection.base_port},
                          {"account", connection.account},
                          {"region", connection.region},
                          {"urls", urls},
                          {"credentials", write(connection.credentials)},
                          {"apis", std::move(apis)},
                          {"registries", std::move(registries)},
                          {"docker_config", connection.docker_config},
                          {"environment", std::move(environment)}};
  return write_file_atomically(folder / "connection.json", pretty(file), kOwnerOnly);
}

Result<Connection> read_connection(const fs::path& folder) {
  const fs::path path = folder / "connection.json";
  PAWL_TRY(const auto text, read_whole_file(path, kMaxFileBytes));
  PAWL_TRY(const auto o, parse_json_object(text, path.string()));
  if (int_or(o, "format") != kFormat)
    return Error(ErrorKind::corrupt, path.string() + " was written by another version of Pawl");
  Connection c;
  c.pid = static_cast<int>(int_or(o, "pid"));
  c.base_port = static_cast<uint16_t>(int_or(o, "base_port"));
  c.account = string_or(o, "account");
  c.region = string_or(o, "region");
  c.aws_url = string_or(o, "urls.aws");
  c.github_url = string_or(o, "urls.github");
  c.source_registry_url = string_or(o, "urls.source_registry");
  c.ecr_registry_url = string_or(o, "urls.ecr_registry");
  c.control_url = string_or(o, "urls.control");
  c.docker_config = string_or(o, "docker_config");
  if (const auto* credentials = o.if_contains("credentials");
      credentials && credentials->is_object())
    c.credentials = read(credentials->get_object());
  if (const auto* apis = o.if_contains("apis"); apis && apis->is_array())
    for (const auto& api : apis->get_array())
      if (const auto* a = api.if_object())
        c.apis.push_back(
            {string_or(*a, "environment"), string_or(*a, "name"), string_or(*a, "url")});
  if (const auto* registries = o.if_contains("registries"); registries && registries->is_object())
    for (const auto& [host, url] : registries->get_object())
      if (url.is_string()) c.registries[host] = std::string(url.get_string());
  return c;
}

void remove_connection(const fs::path& folder) {
  std::error_code ignored;
  fs::remove(folder / "connection.json", ignored);
}

}  // namespace pawl::sandbox
