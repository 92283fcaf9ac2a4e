// Registries, the application itself, and the forge, for the engine.
#include "sim/world/cloud_ports.h"

namespace pawl::sim {
namespace {

constexpr const char* kImageType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kScheme = "https://";

std::string repository_of(const ImageReference& image) {
  return image.repository;
}

Result<ImageInfo> info_of(const std::string& digest_text) {
  PAWL_TRY(auto digest, Digest::parse(digest_text));
  return ImageInfo{digest, digest, "amd64", "linux", {}};
}

Result<ImageInfo> find_image(World& world, const ImageReference& image) {
  if (image.host == world.cloud.ecr.registry_host()) {
    cloud::ImageId id;
    if (image.digest) id.digest = image.digest->str();
    if (image.tag) id.tag = *image.tag;
    PAWL_TRY(auto found, world.cloud.ecr.find_image(repository_of(image), id));
    return info_of(found.digest);
  }
  if (image.digest && world.releases.count(image.digest->str()) > 0)
    return info_of(image.digest->str());
  const auto tagged = image.tag ? world.source.find(*image.tag) : world.source.end();
  if (!image.digest && tagged != world.source.end()) return info_of(tagged->second);
  return Error(ErrorKind::not_found, "there is no image " + image.str());
}

}  // namespace

Task<Result<ImageInfo>> SimImages::resolve(ImageReference image, std::string) {
  World& world = gate_.world();
  Request request{"resolve", "image " + image.name()};
  std::function<Result<ImageInfo>()> work = [&world, image] { return find_image(world, image); };
  co_return co_await call<ImageInfo>(gate_, std::move(request), std::move(work));
}

Task<Result<CopyResult>> SimImages::copy(ImageReference source, ImageReference target, std::string,
                                         CopyProgress) {
  World& world = gate_.world();
  Request request{"copy", "image " + target.name(), true};
  request.look = [&world, target] {
    auto found = find_image(world, target);
    return found.ok() ? found->digest.str() : "none";
  };
  std::function<Result<CopyResult>()> work = [&world, source, target]() -> Result<CopyResult> {
    PAWL_TRY(const auto image, find_image(world, source));
    PAWL_CHECK(world.cloud.ecr.put_image(repository_of(target), target.tag, image.digest.str(),
                                         kImageType, "{}", world.clock.now()));
    return CopyResult{image, 10, 1, 0};
  };
  co_return co_await call<CopyResult>(gate_, std::move(request), std::move(work));
}

Task<Result<std::string>> SimImages::find_uri(std::string name) {
  World& world = gate_.world();
  Request request{"find_uri", "repository " + name};
  std::function<Result<std::string>()> work = [&world, name]() -> Result<std::string> {
    PAWL_TRY(auto found, world.cloud.ecr.find(name));
    return world.cloud.ecr.repository_uri(found.name);
  };
  co_return co_await call<std::string>(gate_, std::move(request), std::move(work));
}

// The address names the environment: "https://meals-dev/health".
Task<Result<ProbeAnswer>> SimApplication::ask(std::string url, std::string,
                                              std::chrono::milliseconds) {
  World& world = gate_.world();
  const size_t begin = std::string(kScheme).size() + std::string(World::kApp).size() + 1;
  const std::string environment = url.substr(begin, url.find('/', begin) - begin);
  Request request{"ask", "application " + environment};
  std::function<Result<ProbeAnswer>()> work = [&world, environment]() -> Result<ProbeAnswer> {
    const auto& settings = world.environment(environment).function;
    std::string qualifier = settings.alias;
    // Callers may get the version from before for a while.
    if (const auto served = world.versions_served.find(environment);
        served != world.versions_served.end() && !qualifier.empty() &&
        world.is_stale("alias " + settings.name))
      qualifier = served->second;
    PAWL_TRY(auto routed, world.cloud.lambda.route(settings.name, qualifier, world.chance.part(),
                                                   world.clock.now()));
    if (world.faults.is_on(Fault::stale))
      world.versions_served.insert_or_assign(environment, routed.executed_version);
    const std::string& uri = routed.version.settings.resolved_image_uri;
    const std::string digest = uri.substr(uri.find('@') + 1);
    const Release& release = world.releases.at(digest);
    const bool flaps = world.chance.of(world.faults.rate(Fault::flapping) * 4);
    const bool is_good = release.is_healthy && !flaps;
    world.invariants.probed(environment, digest, is_good);
    return ProbeAnswer{is_good ? 200 : 503, "{}", release.version};
  };
  co_return co_await call<ProbeAnswer>(gate_, std::move(request), std::move(work));
}

Task<Result<std::string>> SimApplication::find_url(std::string api_name) {
  Request request{"find_url", "api " + api_name};
  std::function<Result<std::string>()> work = [api_name]() -> Result<std::string> {
    return kScheme + api_name;
  };
  co_return co_await call<std::string>(gate_, std::move(request), std::move(work));
}

Task<Result<ReportResult>> SimForge::report(DeploymentReport report) {
  World& world = gate_.world();
  // Telling is at least once: it is no change of the environment, and is not counted as one.
  Request request{"report " + report.outcome, "forge " + report.deployment_id};
  std::function<Result<ReportResult>()> work = [&world, report]() -> Result<ReportResult> {
    for (const std::string* text : {&report.reason, &report.details_markdown, &report.url})
      world.invariants.written("a report of " + report.deployment_id, *text);
    if (world.chance.of(world.faults.rate(Fault::forge_down) * 10))
      return Error(ErrorKind::unavailable, "GitHub answers 502");
    world.told.push_back(report);
    ReportResult result;
    result.check_run = "https://github.example/" + report.deployment_id;
    return result;
  };
  co_return co_await call<ReportResult>(gate_, std::move(request), std::move(work));
}

Task<Result<ReportResult>> SimForge::report_started(DeploymentReport started) {
  gate_.world().invariants.not_a_change(gate_.node());
  return report(std::move(started));
}

Task<Result<ReportResult>> SimForge::report_finished(DeploymentReport finished) {
  return report(std::move(finished));
}

}  // namespace pawl::sim
