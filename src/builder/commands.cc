#include "builder/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/hash.h"
#include "base/json.h"

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

void add(std::vector<std::string>& argv, std::initializer_list<std::string> words) {
  argv.insert(argv.end(), words);
}

std::string platforms_of(const BuildSettings& settings) {
  if (settings.platforms.empty()) return settings.platform;
  std::string text;
  for (const auto& each : settings.platforms) text += (text.empty() ? "" : ",") + each;
  return text;
}

// What all of them take alike. A file holds each secret: its value is on no command line.
void add_build_options(std::vector<std::string>& argv, const BuildRequest& request,
                       const BuilderOptions& options, const BuildFiles& files) {
  const BuildSettings& settings = request.settings;
  add(argv, {"--file", dockerfile_path(options, settings)});
  add(argv, {"--platform", platforms_of(settings)});
  if (!settings.target.empty()) add(argv, {"--target", settings.target});
  for (const auto& [name, value] : settings.args) add(argv, {"--build-arg", name + "=" + value});
  for (const auto& [name, value] : request.labels) add(argv, {"--label", name + "=" + value});
  for (const auto& [id, file] : files.secrets)
    add(argv, {"--secret", fmt::format("id={},src={}", id, file)});
}

std::string context_of(const BuildRequest& request, const BuilderOptions& options) {
  return in_directory(options.directory, request.settings.context);
}

bool is_typed_cache(const std::string& cache) {
  return cache.find("type=") != std::string::npos;
}

// buildah and podman keep a repository of layers, and name its tags themselves.
std::string cache_repository(const BuilderOptions& options, const std::string& cache) {
  const std::string name = real_name(options, cache);
  const auto colon = name.rfind(':');
  return colon != std::string::npos && name.find('/', colon) == std::string::npos
             ? name.substr(0, colon)
             : name;
}

std::string buildx_cache(const BuilderOptions& options, const std::string& cache,
                         std::string_view more) {
  if (is_typed_cache(cache)) return cache;
  return fmt::format("type=registry,ref={}{}", real_name(options, cache), more);
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

}  // namespace

std::string_view to_string(BuildTool tool) {
  switch (tool) {
    case BuildTool::buildah:
      return "buildah";
    case BuildTool::podman:
      return "podman";
    case BuildTool::buildx:
      return "docker buildx";
    case BuildTool::docker:
      return "docker";
  }
  return "?";
}

std::vector<std::string> BuildahStart::argv(BuildTool tool) const {
  std::vector<std::string> all = prefix;
  all.emplace_back(to_string(tool));
  if (!storage_driver.empty()) all.insert(all.end(), {"--storage-driver", storage_driver});
  return all;
}

BuildCommands buildah_commands(const BuildRequest& request, const BuilderOptions& options,
                               const BuildahStart& start, const BuildFiles& files, BuildTool tool) {
  const BuildSettings& settings = request.settings;
  const bool makes_index = settings.platforms.size() > 1;
  const bool has_cache = !settings.cache_from.empty() || !settings.cache_to.empty();
  const std::string local = local_image_name(request);
  const std::string name = real_name(options, request.image);
  const bool is_plain = is_insecure(options, name);
  const auto add_access = [&](std::vector<std::string>& argv) {
    if (is_plain) argv.emplace_back("--tls-verify=false");
    if (!options.logins.empty()) add(argv, {"--authfile", files.folder + "/auth.json"});
  };
  BuildCommands commands;
  commands.build = start.argv(tool);
  // chroot: the one isolation that also works without root and inside containers.
  if (tool == BuildTool::buildah) add(commands.build, {"bud", "--isolation", "chroot"});
  if (tool == BuildTool::podman) add(commands.build, {"build"});
  // buildah 1.28 takes a kept layer of one platform for another's, and the index then lacks one.
  commands.build.emplace_back(makes_index ? "--layers=false" : "--layers");
  for (const auto& cache : settings.cache_from)
    add(commands.build, {"--cache-from", cache_repository(options, cache)});
  for (const auto& cache : settings.cache_to)
    add(commands.build, {"--cache-to", cache_repository(options, cache)});
  if (has_cache) add_access(commands.build);
  add_build_options(commands.build, request, options, files);
  add(commands.build, {makes_index ? "--manifest" : "--tag", local, context_of(request, options)});
  if (makes_index) {
    // A build adds to a list of that name, and would leave the images of the one before in it.
    auto remove = start.argv(tool);
    add(remove, {"manifest", "rm", local});
    commands.before.push_back(std::move(remove));
  }

  for (const auto& tag : request.tags) {
    auto push = start.argv(tool);
    if (makes_index) add(push, {"manifest", "push", "--all"});
    if (!makes_index) push.emplace_back("push");
    add_access(push);
    const std::string reference = name + ":" + tag;
    add(push, {"--digestfile", files.folder + "/digest", local, "docker://" + reference});
    commands.pushes.push_back({reference, {std::move(push)}});
  }
  return commands;
}

BuildCommands docker_commands(const BuildRequest& request, const BuilderOptions& options,
                              const BuildFiles& files) {
  BuildCommands commands;
  commands.build = {"docker", "build"};
  // The classic builder knows no secrets.
  if (!files.secrets.empty()) commands.environment["DOCKER_BUILDKIT"] = "1";
  for (const auto& cache : request.settings.cache_from)
    add(commands.build, {"--cache-from", real_name(options, cache)});
  add_build_options(commands.build, request, options, files);
  add(commands.build, {"--tag", local_image_name(request), context_of(request, options)});
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

// https://docs.docker.com/reference/cli/docker/buildx/build/
BuildCommands buildx_commands(const BuildRequest& request, const BuilderOptions& options,
                              const BuildFiles& files) {
  const BuildSettings& settings = request.settings;
  const std::string name = real_name(options, request.image);
  BuildCommands commands;
  auto& argv = commands.build;
  argv = {"docker", "buildx", "build", "--progress", "plain"};
  add(argv, {"--output", is_insecure(options, name) ? "type=registry,registry.insecure=true"
                                                    : "type=registry"});
  add(argv, {"--metadata-file", files.folder + "/metadata.json"});
  for (const auto& cache : settings.cache_from)
    add(argv, {"--cache-from", buildx_cache(options, cache, "")});
  // max: the layers of all stages, not of the last one alone.
  for (const auto& cache : settings.cache_to)
    add(argv, {"--cache-to", buildx_cache(options, cache, ",mode=max")});
  if (settings.provenance == "none") add(argv, {"--provenance=false"});
  if (settings.provenance == "min" || settings.provenance == "max")
    add(argv, {"--provenance=mode=" + settings.provenance});
  if (!settings.sbom.empty())
    add(argv, {settings.sbom == "attach" ? "--sbom=true" : "--sbom=false"});
  add_build_options(argv, request, options, files);
  for (const auto& tag : request.tags) add(argv, {"--tag", name + ":" + tag});
  argv.push_back(context_of(request, options));
  return commands;
}

std::string shortcoming_of(BuildTool tool, const BuildSettings& settings) {
  if (tool == BuildTool::buildx) return "";
  if (settings.provenance == "min" || settings.provenance == "max") return "writes no provenance";
  if (settings.sbom == "attach") return "writes no SBOM";
  const auto& to = settings.cache_to;
  const auto& from = settings.cache_from;
  if (std::any_of(to.begin(), to.end(), is_typed_cache) ||
      std::any_of(from.begin(), from.end(), is_typed_cache))
    return "knows no caches of buildx (type=...)";
  const bool has_cache = !to.empty() || !from.empty();
  if (tool != BuildTool::docker)
    return has_cache && settings.platforms.size() > 1
               ? "keeps no layers of several platforms apart in a cache"
               : "";
  if (settings.platforms.size() > 1) return "builds one platform at a time";
  return to.empty() ? "" : "cannot write a cache to a registry";
}

std::string local_image_name(const BuildRequest& request) {
  std::string all = request.image + "\n" + request.revision + "\n" + request.settings.target +
                    "\n" + request.settings.platform + "\n" + request.settings.context + "\n" +
                    request.settings.dockerfile;
  for (const auto& [name, value] : request.settings.args) all += "\n" + name + "=" + value;
  for (const auto& [name, value] : request.labels) all += "\n" + name + "=" + value;
  for (const auto& each : request.settings.platforms) all += "\n" + each;
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

std::string digest_in_metadata(const std::string& json) {
  const auto object = parse_json_object(json, "buildx's metadata");
  if (!object.ok()) return "";
  const auto* digest = object->if_contains("containerimage.digest");
  return digest != nullptr && digest->is_string() ? std::string(digest->get_string()) : "";
}

std::string advice_for(std::string_view text) {
  if (contains_any(text, {"not supported for the docker driver", "docker driver does not support",
                          "Multi-platform build is not supported"}))
    return "buildx's default driver cannot do that: docker buildx create --use";
  if (contains_any(text, {"buildx component is missing", "requires BuildKit"}))
    return "install buildx (docker-buildx-plugin), or set image.build.builder: buildah";
  if (contains_any(text, {"exec format error", "Exec format error"}))
    return "the image's platform is not this machine's: install qemu-user-static, or build on a "
           "machine of that platform";
  if (contains_any(text, {"no space left on device"}))
    return "free some space: docker system prune, or buildah rmi --prune";
  return "";
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
