// The command lines of buildah and docker.
#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "builder/builder.h"
#include "core/image_reference.h"

namespace pawl {
namespace {

std::string real_host(const BuilderOptions& options, const std::string& host) {
  const auto found = options.host_overrides.find(host);
  return found == options.host_overrides.end() ? host : found->second;
}

// "ghcr.io/example/meals" with the host that is really spoken to.
std::string real_name(const BuilderOptions& options, const std::string& image) {
  const auto slash = image.find('/');
  return slash == std::string::npos ? image
                                    : real_host(options, image.substr(0, slash)) +
                                          image.substr(slash);
}

std::string host_of(const std::string& image) { return image.substr(0, image.find('/')); }

bool is_insecure(const BuilderOptions& options, const std::string& image) {
  const auto host = host_of(real_name(options, image));
  const bool loopback = host.rfind("127.", 0) == 0 || host.rfind("localhost", 0) == 0;
  return loopback || std::find(options.insecure_hosts.begin(), options.insecure_hosts.end(),
                               host) != options.insecure_hosts.end();
}

std::string in_directory(const BuilderOptions& options, const std::string& path) {
  if (!path.empty() && path.front() == '/') return path;
  return options.directory.empty() ? path : options.directory + "/" + path;
}

// What buildah and docker build take alike.
void add_build_options(std::vector<std::string>& argv, const BuildRequest& request,
                       const BuilderOptions& options, const std::string& local_name) {
  const BuildSettings& settings = request.settings;
  const auto add = [&](const char* name, const std::string& value) {
    argv.emplace_back(name);
    argv.push_back(value);
  };
  add("--file", in_directory(options, settings.context + "/" + settings.dockerfile));
  add("--platform", settings.platform);
  if (!settings.target.empty()) add("--target", settings.target);
  for (const auto& [name, value] : settings.args) add("--build-arg", name + "=" + value);
  for (const auto& [name, value] : request.labels) add("--label", name + "=" + value);
  add("--tag", local_name);
  argv.push_back(in_directory(options, settings.context));
}

}  // namespace

BuildCommands buildah_commands(const BuildRequest& request, const BuilderOptions& options,
                               const std::string& local_name, bool unprivileged) {
  BuildCommands commands;
  std::vector<std::string> global = {"buildah"};
  if (unprivileged) global.insert(global.end(), {"--storage-driver", "vfs"});
  commands.build = global;
  commands.build.insert(commands.build.end(), {"bud", "--isolation", "chroot", "--layers"});
  add_build_options(commands.build, request, options, local_name);

  commands.digest_file = options.scratch_dir + "/digest";
  const std::string name = real_name(options, request.image);
  for (const auto& tag : request.tags) {
    auto push = global;
    push.emplace_back("push");
    if (is_insecure(options, request.image)) push.emplace_back("--tls-verify=false");
    if (!options.logins.empty())
      push.insert(push.end(), {"--authfile", options.scratch_dir + "/auth.json"});
    push.insert(push.end(), {"--digestfile", commands.digest_file, local_name,
                             "docker://" + name + ":" + tag});
    commands.push.push_back(std::move(push));
  }
  return commands;
}

BuildCommands docker_commands(const BuildRequest& request, const BuilderOptions& options,
                              const std::string& local_name) {
  BuildCommands commands;
  commands.build = {"docker", "build"};
  add_build_options(commands.build, request, options, local_name);
  const std::string name = real_name(options, request.image);
  for (const auto& tag : request.tags) {
    commands.push.push_back({"docker", "tag", local_name, name + ":" + tag});
    commands.push.push_back({"docker", "push", name + ":" + tag});
  }
  return commands;
}

std::string digest_in_docker_output(const std::string& output) {
  const auto at = output.rfind("digest: sha256:");
  if (at == std::string::npos) return "";
  return output.substr(at + 8, 7 + 64);
}

std::string auth_file(const std::vector<BuilderOptions::Login>& logins) {
  json::object auths;
  for (const auto& login : logins)
    auths[login.host] = json::object{
        {"auth", base64_encode(login.user + ":" + login.password.reveal_for(login.host))}};
  return json::serialize(json::object{{"auths", std::move(auths)}});
}

}  // namespace pawl
