#include "cli/builder_access.h"

#include "cli/connections.h"
#include "core/image_reference.h"
#include "net/http.h"

namespace pawl {
namespace {

class BuildOrPush : public ImageBuilder {
 public:
  BuildOrPush(std::unique_ptr<ImageBuilder> programs, std::unique_ptr<ImageBuilder> layouts)
      : programs_(std::move(programs)), layouts_(std::move(layouts)) {}

  Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) override {
    ImageBuilder& chosen = request.layout.empty() ? *programs_ : *layouts_;
    return chosen.build_and_push(std::move(request), std::move(log));
  }
  Task<Result<std::string>> available(BuildSettings settings) override {
    return programs_->available(std::move(settings));
  }

 private:
  std::unique_ptr<ImageBuilder> programs_;
  std::unique_ptr<ImageBuilder> layouts_;
};

}  // namespace

std::unique_ptr<ImageBuilder> build_or_push_layout(std::unique_ptr<ImageBuilder> programs,
                                                   std::unique_ptr<ImageBuilder> layouts) {
  return std::make_unique<BuildOrPush>(std::move(programs), std::move(layouts));
}

Result<BuilderOptions> builder_options(const ProcessEnvironment& environment,
                                       const EnvironmentConfig& target,
                                       const LoadedConfig& config) {
  BuilderOptions options;
  options.directory = config.directory;
  options.scratch_dir = config.state_dir + "/build/" + target.name;
  options.docker_config = docker_config_dir(environment);
  PAWL_TRY(auto image, ImageReference::parse(target.image.source));
  PAWL_TRY(auto hosts, registry_hosts(environment));
  const auto url = split_url(hosts.base_url(image.host));
  if (url && url->authority() != image.host) {
    options.host_overrides[image.host] = url->authority();
    if (url->scheme == "http") options.insecure_hosts.push_back(url->authority());
  }
  PAWL_TRY(auto docker, docker_config(environment));
  if (const auto found = docker.auths.find(image.host); found != docker.auths.end()) {
    options.logins.push_back({image.host, found->second.user, found->second.password});
  } else if (const auto token = environment.get("GITHUB_TOKEN");
             !token.empty() && image.host == "ghcr.io") {
    const auto actor = environment.get("GITHUB_ACTOR");
    options.logins.push_back({image.host, actor.empty() ? "x-access-token" : actor, Secret(token)});
  }
  options.variables = environment.all();
  return options;
}

}  // namespace pawl
