#include "cli/globals.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/config_parser.h"
#include "process/secret_variables.h"

extern char** environ;  // POSIX: no header declares it

namespace pawl {

namespace fs = std::filesystem;

namespace {
constexpr size_t kMaxConfigBytes = 1u << 20;
constexpr const char* kConfigName = "pawl.yaml";
// The builder gets them in files; no other program has any business with them.
void keep_build_secrets_from_children(const Config& config) {
  constexpr std::string_view kVariable = "env:";
  for (const auto& environment : config.environments) {
    if (!environment.image.build) continue;
    for (const auto& [id, source] : environment.image.build->secrets)
      if (source.starts_with(kVariable)) add_secret_variable(source.substr(kVariable.size()));
  }
}

}  // namespace

ProcessEnvironment ProcessEnvironment::of_this_process() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  ::unsetenv("PAWL_STORE");
  ::unsetenv("PAWL_GITHUB_APP_KEY");
  return ProcessEnvironment(std::move(variables));
}

std::string ProcessEnvironment::get(const std::string& name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? std::string() : found->second;
}

Result<std::string> find_config(const Globals& globals) {
  if (!globals.config_path.empty()) return globals.config_path;
  std::error_code failure;
  const fs::path start = fs::current_path(failure);
  for (fs::path folder = start; !folder.empty(); folder = folder.parent_path()) {
    if (fs::is_regular_file(folder / kConfigName, failure)) return (folder / kConfigName).string();
    if (folder == folder.root_path()) break;
  }
  return Error(ErrorKind::config,
               fmt::format("no {} in {} or in a folder above it", kConfigName, start.string()))
      .with_hint(
          "run pawl in the project's folder, name the file with --config FILE, or write one: "
          "examples/meals/pawl.yaml to begin with, docs/reference/config.md for each key");
}

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error(ErrorKind::not_found,
                 fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  std::string text(max_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Error(ErrorKind::storage, fmt::format("cannot read {}", path));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > max_bytes)
    return Error(ErrorKind::usage, fmt::format("{} is larger than {} bytes", path, max_bytes));
  return text;
}

Result<LoadedConfig> load_config(const Globals& globals) {
  LoadedConfig loaded;
  PAWL_TRY(loaded.path, find_config(globals));
  std::error_code failure;
  if (fs::is_directory(loaded.path, failure))
    return Error(ErrorKind::config, fmt::format("{} is a folder", loaded.path))
        .with_hint("name the file: --config " + loaded.path + "/" + kConfigName);
  auto text = read_file(loaded.path, kMaxConfigBytes);
  if (!text.ok())
    return std::move(text)
        .error()
        .as(ErrorKind::config)
        .with_hint("name another with --config FILE");
  PAWL_TRY(loaded.config, parse_config(*text, loaded.path));
  keep_build_secrets_from_children(loaded.config);
  loaded.directory = fs::absolute(loaded.path, failure).parent_path().string();
  loaded.state_dir = globals.state_dir.empty() ? loaded.directory + "/.pawl" : globals.state_dir;
  if (!fs::create_directories(loaded.state_dir, failure) && failure)
    return Error(ErrorKind::storage,
                 fmt::format("cannot make the folder {}: {}", loaded.state_dir, failure.message()))
        .with_hint("Pawl keeps its journal there; name another folder with --state DIR");
  return loaded;
}

}  // namespace pawl
