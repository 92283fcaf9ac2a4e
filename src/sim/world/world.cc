#include "sim/world/world.h"

#include "core/config_parser.h"
#include "core/digest.h"

namespace pawl::sim {
namespace {

constexpr const char* kConfig = R"(
app: meals
repository: example/meals
image: {source: ghcr.io/example/meals}
function:
  {name: "{app}-{environment}", alias: live, repository: "{app}-{environment}", update_timeout: 60s}
static:
  {dir: dist, bucket: "{app}-{environment}", prefix: static/, immutable: ["**/*.[0-9a-f]*.*"]}
health:
  path: /health
  attempts: 4
  rollback_attempts: 4
  max_wait: 8s
  expect: {version_header: X-App-Version}
environments:
  dev:
  plain: {function: {alias: none}}
)";

cloud::CloudOptions cloud_options(const WorldOptions& options, Chance& chance) {
  cloud::CloudOptions cloud;
  cloud.seed = fmt::format("world {}", options.seed);
  cloud.registry_host = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
  if (options.faults.is_on(Fault::slow_update))
    cloud.lambda.update_duration = std::chrono::milliseconds(chance.between(10'000, 90'000));
  return cloud;
}

}  // namespace

World::World(WorldOptions options)
    : chance(options.seed),
      faults(options.faults),
      cloud(cloud_options(options, chance), blobs),
      invariants(*this),
      tells_(options.tells) {
  auto parsed = parse_config(kConfig, "pawl.yaml");
  PAWL_ASSERT(parsed.ok());
  config = *std::move(parsed);
}

std::string World::make_release(bool is_healthy) {
  Release release;
  release.version = fmt::format("1.{}.0", ++releases_made_);
  release.digest = Digest::of("image of " + release.version).str();
  release.is_healthy = is_healthy;
  source[release.version] = release.digest;
  const std::string folder = "dist/" + release.version + "/";
  work_tree[folder + "index.html"] = "page of " + release.version;
  work_tree[folder + "menu.json"] = releases_made_ % 3 == 0 ? "{}" : "menu of " + release.version;
  work_tree[folder + fmt::format("app.{:06x}.js", 0xabc000 + releases_made_)] = "script";
  const std::string version = release.version;
  releases[release.digest] = std::move(release);
  return version;
}

void World::make_environment(const std::string& name) {
  const EnvironmentConfig& settings = environment(name);
  const WallTime now = clock.now();
  const std::string placeholder = Digest::of("placeholder").str();
  releases[placeholder] = Release{"0.0.0", placeholder, false};
  PAWL_ASSERT(cloud.ecr.create(settings.function.repository, false, now).ok());
  constexpr const char* kType = "application/vnd.oci.image.manifest.v1+json";
  PAWL_ASSERT(
      cloud.ecr.put_image(settings.function.repository, "0.0.0", placeholder, kType, "{}", now)
          .ok());
  cloud::CreateFunction function;
  function.name = settings.function.name;
  function.settings.image_uri =
      cloud.ecr.repository_uri(settings.function.repository) + "@" + placeholder;
  PAWL_ASSERT(cloud.lambda.create(std::move(function), now).ok());
  PAWL_ASSERT(cloud.s3.create_bucket(settings.static_files->bucket, now).ok());
}

const EnvironmentConfig& World::environment(const std::string& name) const {
  auto found = config.environment(name);
  PAWL_ASSERT(found.ok());
  return **found;
}

LiveView World::look(const std::string& name) {
  const EnvironmentConfig& settings = environment(name);
  const WallTime now = clock.now();
  LiveView view;
  const auto digest_of = [](const cloud::FunctionVersion& version) {
    const std::string& uri = version.settings.resolved_image_uri;
    return uri.substr(std::min(uri.size(), uri.find('@') + 1));
  };
  if (auto latest = cloud.lambda.get(settings.function.name, "", now); latest.ok())
    view.latest = view.live = digest_of(*latest);
  if (!settings.function.alias.empty()) {
    view.live.clear();
    auto alias = cloud.lambda.get_alias(settings.function.name, settings.function.alias, now);
    if (alias.ok()) {
      view.alias_version = alias->version;
      view.weights = alias->weights;
      auto version = cloud.lambda.get(settings.function.name, alias->version, now);
      if (version.ok()) view.live = digest_of(*version);
    }
  }
  cloud::ListQuery query;
  query.bucket = settings.static_files->bucket;
  query.prefix = settings.static_files->prefix;
  if (auto listing = cloud.s3.list(query); listing.ok())
    for (const auto& object : listing->objects)
      if (object.key.find("/.pawl/") == std::string::npos) view.files[object.key] = object.etag;
  return view;
}

void World::write(const std::string& who, const std::string& what) {
  const int64_t ms = clock.steady_now().ms - 1'000'000;
  story.push_back(
      fmt::format("{:>9.3f} s  {:<7}  {}", static_cast<double>(ms) / 1000.0, who, what));
}

}  // namespace pawl::sim
