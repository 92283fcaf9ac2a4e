#include "builder/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/hash.h"

namespace pawl {
namespace {

// "ghcr.io/example/meals" with the host that is really spoken to.
std::string real_name(const BuilderOptions& options, const std::string& image) {
  const auto found = options.host_overrides.find(host_of(image));
  if (found == options.host_overrides.end()) return image;
  return found->second + image.substr(std::min(image.find('/'), image.size()));
}

bool is_insecure(const BuilderOptions& options, const std::string& name) {
  const std::string host = host_of(name);
  const bool loopback = host.rfind("127.", 0) == 0 || host.rfind("[::1]", 0) == 0 ||
                        host == "localhost" || host.rfind("localhost:", 0) == 0;
  return loopback || std::find(options.insecure_hosts.begin(), options.insecure_hosts.end(),
                               host) != options.insecure_hosts.end();
}

std::string in_directory(const std::string& directory, const std::string& path) {
  if (directory.empty() || path.empty() || path.front() == '/') return path;
  return path == "." ? directory : directory + "/" + path;
}

// What buildah and docker build take alike.
void add_build_options(std::vector<std::string>& argv, const BuildRequest& request,
                       const BuilderOptions& options) {
  const BuildSettings& settings = request.settings;
  const auto add = [&](const char* name, const std::string& value) {
    argv.emplace_back(name);
    argv.push_back(value);
  };
  add("--file", dockerfile_path(options, settings));
  add("--platform", settings.platform);
  if (!settings.target.empty()) add("--target", settings.target);
  for (const auto& [name, value] : settings.args) add("--build-arg", name + "=" + value);
  for (const auto& [name, value] : request.labels) add("--label", name + "=" + value);
  add("--tag", local_image_name(request));
  argv.push_back(in_directory(options.directory, settings.context));
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

}  // namespace

std::vector<std::string> BuildahStart::argv() const {
  std::vector<std::string> all = prefix;
  all.emplace_back("buildah");
  if (!storage_driver.empty()) all.insert(all.end(), {"--storage-driver", storage_driver});
  return all;
}

BuildCommands buildah_commands(const BuildRequest& request, const BuilderOptions& options,
                               const BuildahStart& start, const std::string& private_dir) {
  BuildCommands commands;
  commands.build = start.argv();
  // chroot: the one isolation that also works without root and inside containers.
  commands.build.insert(commands.build.end(), {"bud", "--isolation", "chroot", "--layers"});
  add_build_options(commands.build, request, options);

  const std::string name = real_name(options, request.image);
  for (const auto& tag : request.tags) {
    auto push = start.argv();
    push.emplace_back("push");
    if (is_insecure(options, name)) push.emplace_back("--tls-verify=false");
    if (!options.logins.empty())
      push.insert(push.end(), {"--authfile", private_dir + "/auth.json"});
    const std::string reference = name + ":" + tag;
    push.insert(push.end(), {"--digestfile", private_dir + "/digest", local_image_name(request),
                             "docker://" + reference});
    commands.pushes.push_back({reference, {std::move(push)}});
  }
  return commands;
}

BuildCommands docker_commands(const BuildRequest& request, const BuilderOptions& options) {
  BuildCommands commands;
  commands.build = {"docker", "build"};
  add_build_options(commands.build, request, options);
  const std::string name = real_name(options, request.image);
  for (const auto& tag : request.tags) {
    const std::string reference = name + ":" + tag;
    const std::vector<std::string> name_it = {"docker", "tag", local_image_name(request),
                                              reference};
    const std::vector<std::string> push = {"docker", "push", reference};
    commands.pushes.push_back({reference, {name_it, push}});
  }
  return commands;
}

std::string local_image_name(const BuildRequest& request) {
  std::string all = request.image + "\n" + request.revision + "\n" + request.settings.target +
                    "\n" + request.settings.platform + "\n" + request.settings.context + "\n" +
                    request.settings.dockerfile;
  for (const auto& [name, value] : request.settings.args) all += "\n" + name + "=" + value;
  for (const auto& [name, value] : request.labels) all += "\n" + name + "=" + value;
  return fmt::format("localhost/pawl-build:{}-{}", request.revision.substr(0, 12),
                     sha256_hex(all).substr(0, 12));
}

std::string dockerfile_path(const BuilderOptions& options, const BuildSettings& settings) {
  if (settings.dockerfile.rfind('/', 0) == 0) return settings.dockerfile;
  return in_directory(options.directory, settings.context == "."
                                             ? settings.dockerfile
                                             : settings.context + "/" + settings.dockerfile);
}

std::string digest_in_docker_output(const std::string& output) {
  constexpr std::string_view kBefore = "digest: ";
  constexpr size_t kDigestLength = 7 + 64;  // "sha256:" and its hexadecimal digits
  const auto at = output.rfind("digest: sha256:");
  return at == std::string::npos ? "" : output.substr(at + kBefore.size(), kDigestLength);
}

ErrorKind kind_of_push_failure(const std::string& text) {
  if (contains_any(text, {"unauthorized", "authentication required", "denied", "no basic auth",
                          "403 (Forbidden)", "403 Forbidden", "invalid username/password"}))
    return ErrorKind::denied;
  if (contains_any(text, {"connection refused", "no such host", "i/o timeout", "TLS handshake",
                          "connection reset", "network is unreachable", "unexpected EOF",
                          "status 500", "status 502", "status 503", "status 504",
                          "500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable",
                          "504 Gateway", "toomanyrequests", "429 (Too Many Requests)"}))
    return ErrorKind::unavailable;
  return ErrorKind::failed;
}

std::string host_of(const std::string& image) {
  return image.substr(0, image.find('/'));
}

}  // namespace pawl
