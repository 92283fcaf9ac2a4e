// A second operator, who changes the function, its alias or a file and tells nobody.
#include "sim/world/run_common.h"

namespace pawl::sim {
namespace {

// "s3 meals-dev/static/index.html", "function meals-dev"
std::string environment_of(const std::string& resource) {
  const size_t begin = resource.find('-') + 1;
  return resource.substr(begin, resource.find('/', begin) - begin);
}

void overwrite_by_hand(World& world, const std::string& resource) {
  const std::string place = resource.substr(std::string("s3 ").size());
  const size_t slash = place.find('/');
  auto put = world.cloud.s3.put_bytes(place.substr(0, slash), place.substr(slash + 1),
                                      fmt::format("by hand {}", world.chance.next()), {}, {},
                                      world.clock.now());
  if (!put.ok()) return;
  world.seen.count("somebody was faster than a request");
  world.tell("carol", "overwrites {}", resource);
  world.invariants.changed_by_hand(environment_of(resource), resource, put->etag);
}

bool change_image(World& world, const std::string& environment) {
  const auto& settings = world.environment(environment).function;
  const WallTime now = world.clock.now();
  auto images = world.cloud.ecr.images(settings.repository);
  const std::string latest = world.look(environment).latest;
  if (!images.ok()) return false;
  for (const auto& image : *images) {
    if (image.digest == latest) continue;
    cloud::UpdateCode update;
    update.image_uri = world.cloud.ecr.repository_uri(settings.repository) + "@" + image.digest;
    if (!world.cloud.lambda.update_code(settings.name, std::move(update), now).ok()) return false;
    world.tell("carol", "gives the function in {} {}", environment, image.digest);
    world.invariants.changed_by_hand(environment, "image", image.digest);
    return true;
  }
  return false;
}

}  // namespace

void be_faster(World& world, const std::string& resource) {
  if (resource.rfind("s3 ", 0) == 0) {
    // Pawl's own folder is nobody else's.
    if (resource.find("/.pawl/") == std::string::npos) overwrite_by_hand(world, resource);
    return;
  }
  const std::string environment = environment_of(resource);
  const bool is_code = resource.rfind("function ", 0) == 0;
  if (is_code ? change_image(world, environment) : change_by_hand(world, environment))
    world.seen.count("somebody was faster than a request");
}

bool change_by_hand(World& world, const std::string& environment) {
  const auto& settings = world.environment(environment).function;
  const WallTime now = world.clock.now();
  const auto versions = world.cloud.lambda.versions(settings.name, now);
  auto alias = world.cloud.lambda.get_alias(settings.name, World::kAlias, now);
  if (!settings.alias.empty() && alias.ok() && versions.ok()) {
    for (const auto& [number, version] : **versions) {
      if (version.version == alias->version) continue;
      cloud::UpdateAlias update;
      update.function = settings.name;
      update.name = World::kAlias;
      update.version = version.version;
      if (world.chance.of(0.5)) update.description = "by hand";
      if (!world.cloud.lambda.update_alias(std::move(update), now).ok()) return false;
      world.tell("carol", "moves the alias in {} to version {}", environment, version.version);
      world.invariants.changed_by_hand(environment, "alias", version.version);
      // That this code can read the data as it is now is on her.
      if (const auto data = world.hooks.find(environment); data != world.hooks.end())
        data->second.trust(world.look(environment).live);
      return true;
    }
  }
  return change_image(world, environment);
}

}  // namespace pawl::sim
