#include "builder/registry_login.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "process/private_file.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> hosts_of(const BuilderOptions::Login& login,
                                  const BuilderOptions& options) {
  std::vector<std::string> hosts = {login.host};
  const auto real = options.host_overrides.find(login.host);
  if (real != options.host_overrides.end()) hosts.push_back(real->second);
  return hosts;
}

void add_logins(json::object& auths, const BuilderOptions& options) {
  for (const auto& login : options.logins)
    for (const auto& host : hosts_of(login, options))
      auths[host] =
          json::object{{"auth", base64_encode(login.user + ":" + login.password.reveal_for(host))}};
}

// Empty where there is none.
Result<json::object> persons_config(const BuilderOptions& options) {
  if (options.docker_config.empty()) return json::object();
  const std::string path = options.docker_config + "/config.json";
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (text.str().empty()) return json::object();
  return parse_json_object(text.str(), path);
}

json::object object_or_empty(const json::object& from, const char* name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_object() ? found->get_object() : json::object();
}

}  // namespace

Result<PrivateFolder> PrivateFolder::make_in(const std::string& parent) {
  std::error_code failure;
  fs::create_directories(parent, failure);
  if (failure)
    return Error(ErrorKind::storage,
                 fmt::format("cannot make the folder {}: {}", parent, failure.message()));
  std::string path = (fs::absolute(parent, failure) / "build-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr)
    return Error(ErrorKind::storage,
                 fmt::format("cannot make a folder in {}: {}", parent, std::strerror(errno)));
  return PrivateFolder(std::move(path));
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<void> PrivateFolder::write(const std::string& name, const std::string& text) const {
  return write_private_file(path_ + "/" + name, text);
}

Result<std::string> auth_file(const BuilderOptions& options) {
  PAWL_TRY(const auto persons, persons_config(options));
  json::object auths = object_or_empty(persons, "auths");
  add_logins(auths, options);
  json::object file{{"auths", std::move(auths)}};
  json::object helpers = object_or_empty(persons, "credHelpers");
  // A helper wins over "auths".
  for (const auto& login : options.logins)
    for (const auto& host : hosts_of(login, options)) helpers.erase(host);
  if (!helpers.empty()) file["credHelpers"] = std::move(helpers);
  return json::serialize(file);
}

std::string docker_config_file(const json::object& persons, const BuilderOptions& options) {
  json::object config = persons;
  json::object auths = object_or_empty(persons, "auths");
  add_logins(auths, options);
  config["auths"] = std::move(auths);
  if (persons.contains("credsStore") || persons.contains("credHelpers")) {
    json::object helpers = object_or_empty(persons, "credHelpers");
    for (const auto& login : options.logins)
      for (const auto& host : hosts_of(login, options)) helpers[host] = "";
    config["credHelpers"] = std::move(helpers);
  }
  return json::serialize(config);
}

bool names_helpers(const BuilderOptions& options) {
  const auto persons = persons_config(options);
  return persons.ok() && (persons->contains("credsStore") || persons->contains("credHelpers"));
}

Result<void> write_docker_config(const PrivateFolder& folder, const BuilderOptions& options) {
  PAWL_TRY(const auto persons, persons_config(options));
  std::error_code failure;
  if (!options.docker_config.empty() && fs::is_directory(options.docker_config, failure)) {
    for (const auto& entry : fs::directory_iterator(options.docker_config, failure)) {
      const auto name = entry.path().filename();
      if (name == "config.json") continue;
      std::error_code ignored;
      fs::create_symlink(fs::absolute(entry.path()), fs::path(folder.path()) / name, ignored);
    }
  }
  return folder.write("config.json", docker_config_file(persons, options));
}

}  // namespace pawl
