#include "builder/build_secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "base/secret.h"

namespace pawl {
namespace {

// Shorter ones would blacken innocent text.
constexpr size_t kShortestHiddenBytes = 4;
constexpr std::string_view kInstead = "***";

Error wrong(const std::string& id, const std::string& what) {
  return Error(ErrorKind::config, fmt::format("image.build.secrets.{}: {}", id, what))
      .with_hint(
          "give it before the build: env:NAME is a variable of Pawl's own environment, "
          "file:PATH is relative to pawl.yaml");
}

Result<std::string> value_of(const std::string& id, const std::string& source,
                             const BuilderOptions& options) {
  if (source.rfind("env:", 0) == 0) {
    const auto found = options.variables.find(source.substr(4));
    if (found == options.variables.end() || found->second.empty())
      return wrong(id, fmt::format("the variable {} is not set", source.substr(4)));
    return found->second;
  }
  if (source.rfind("file:", 0) != 0) return wrong(id, "it is neither env:NAME nor file:PATH");
  std::filesystem::path path = source.substr(5);
  if (path.is_relative() && !options.directory.empty())
    path = std::filesystem::path(options.directory) / path;
  std::error_code failure;
  std::ifstream file(path, std::ios::binary);
  if (!std::filesystem::is_regular_file(path, failure) || !file)
    return wrong(id, fmt::format("the file {} cannot be read", path.string()));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Result<BuildSecrets> BuildSecrets::prepare(const BuildRequest& request,
                                           const BuilderOptions& options,
                                           const PrivateFolder& folder) {
  BuildSecrets secrets;
  for (const auto& [id, source] : request.settings.secrets) {
    PAWL_TRY(const auto value, value_of(id, source, options));
    const std::string name = "secret-" + id;
    PAWL_CHECK(folder.write(name, value));
    secrets.files_[id] = folder.path() + "/" + name;
    secrets.hide(value);
    secrets.hide(base64_encode(value));
  }
  std::sort(secrets.hidden_.begin(), secrets.hidden_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return secrets;
}

// A log has one line at a time.
void BuildSecrets::hide(std::string_view value) {
  while (!value.empty()) {
    const size_t end = std::min(value.find('\n'), value.size());
    std::string_view line = value.substr(0, end);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.size() >= kShortestHiddenBytes) hidden_.emplace_back(line);
    register_for_redaction(line);  // escaped, encoded, or in what comes after the build
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

std::string BuildSecrets::clean(std::string_view text) const {
  std::string cleaned(text);
  for (const auto& value : hidden_)
    for (size_t at = cleaned.find(value); at != std::string::npos;
         at = cleaned.find(value, at + kInstead.size()))
      cleaned.replace(at, value.size(), kInstead);
  return cleaned;
}

}  // namespace pawl
