#include "sim/world/world.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/secret.h"
#include "core/config_parser.h"
#include "core/digest.h"
#include "core/validate.h"

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
  stage:
  bare: {function: {alias: none}}
  trunk: {trigger: ci}
  hooked:
    hooks:
      - {name: migrate, when: before_traffic, invoke: {payload: {op: migrate}}, idempotent: true}
      - name: warm
        when: after_traffic
        invoke: {payload: {op: warm}}
        undo: {payload: {op: cool}}
        idempotent: true
        retries: 1
  once:
    hooks:
      - name: count
        when: before_traffic
        invoke: {payload: {op: count}}
        compatible_with: previous
)";

// Parsed once for all worlds.
const Config& parsed_config() {
  static const Config config = [] {
    auto parsed = parse_config(kConfig, "pawl.yaml");
    PAWL_ASSERT(parsed.ok());
    return *std::move(parsed);
  }();
  return config;
}

cloud::CloudOptions cloud_options(const WorldOptions& options, Chance& chance) {
  cloud::CloudOptions cloud;
  cloud.seed = fmt::format("world {}", options.seed);
  cloud.ledger_limit = 0;  // the invariants keep their own
  cloud.registry_host = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
  if (options.faults.is_on(Fault::slow_update))
    cloud.lambda.update_duration = std::chrono::milliseconds(chance.between(2'000, 70'000));
  return cloud;
}

}  // namespace

World::World(WorldOptions options)
    : chance(options.seed),
      faults(options.faults),
      cloud(cloud_options(options, chance), blobs),
      config(parsed_config()),
      invariants(*this),
      secret_in_base64(base64_encode(kSecret)),
      secret_in_url(url_encode(kSecret)),
      tells_(options.tells) {
  if (faults.is_on(Fault::blab)) register_for_redaction(kSecret);
}

std::string World::make_release(std::string version_of_commit, bool is_healthy) {
  Release release;
  ++releases_made_;
  release.version = version_of_commit.empty() ? fmt::format("1.{}.0", releases_made_)
                                              : std::move(version_of_commit);
  release.digest = Digest::of("image of " + release.version).str();
  release.is_healthy = is_healthy;
  source[release.version] = release.digest;
  tagged[release.version].insert(release.digest);
  const std::string folder = "dist/" + release.version + "/";
  const auto add = [&](const std::string& name, std::string body) {
    etags[folder + name] = cloud::md5_hex(body);
    work_tree[folder + name] = std::move(body);
  };
  add("index.html", "page of " + release.version);
  add("menu.json", releases_made_ % 3 == 0 ? "{}" : "menu of " + release.version);
  add(fmt::format("app.{:06x}.js", 0xabc000 + releases_made_), "script");
  std::string version = release.version;
  releases[release.digest] = std::move(release);
  return version;
}

std::string World::make_commit(bool is_healthy) {
  std::string commit = fmt::format("c{:06x}{:033x}", commits.size() + 1, releases_made_);
  make_release(short_sha(commit), is_healthy);
  commits.push_back(commit);
  return commit;
}

size_t World::place_of(std::string_view commit) const {
  const auto found = std::find(commits.begin(), commits.end(), commit);
  return found == commits.end() ? 0 : static_cast<size_t>(found - commits.begin()) + 1;
}

void World::move_tag(const std::string& version) {
  Release moved;
  moved.version = version;
  moved.digest = Digest::of("another image of " + version).str();
  source[version] = moved.digest;
  tagged[version].insert(moved.digest);
  releases[moved.digest] = std::move(moved);
  seen.count("the tag of a release was moved");
  tell("dave", "moves the tag {} to another image", version);
}

void World::note_change(const std::string& resource, bool changed) {
  if (changed && faults.is_on(Fault::stale)) changed_at_[resource] = clock.steady_now();
}

bool World::is_stale(const std::string& resource) {
  const double rate = faults.rate(Fault::stale) * 10;
  if (rate <= 0) return false;
  const auto changed = changed_at_.find(resource);
  if (changed == changed_at_.end() || clock.steady_now() - changed->second >= kSettles)
    return false;
  return chance.of(rate);
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
  // By its tag, as people write it into Terraform.
  function.settings.image_uri = cloud.ecr.repository_uri(settings.function.repository) + ":0.0.0";
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
  if (auto latest = cloud.lambda.look_up(settings.function.name, "", now); latest.ok())
    view.latest = view.live = digest_of(**latest);
  if (!settings.function.alias.empty()) {
    view.live.clear();
    auto alias = cloud.lambda.get_alias(settings.function.name, settings.function.alias, now);
    if (alias.ok()) {
      view.alias_version = alias->version;
      view.alias_description = alias->description;
      view.weights = alias->weights;
      auto version = cloud.lambda.look_up(settings.function.name, alias->version, now);
      if (version.ok()) view.live = digest_of(**version);
    }
  }
  cloud::ListQuery query;
  query.bucket = settings.static_files->bucket;
  query.prefix = settings.static_files->prefix;
  query.after = query.prefix + ".pawl/~";  // Pawl's own come first, and are left out
  if (auto listing = cloud.s3.list(query); listing.ok())
    for (const auto& object : listing->objects) view.files[object.key] = object.etag;
  return view;
}

void World::write(const std::string& who, const std::string& what) {
  const int64_t ms = clock.steady_now().ms - 1'000'000;
  story.push_back(
      fmt::format("{:>9.3f} s  {:<7}  {}", static_cast<double>(ms) / 1000.0, who, what));
}

}  // namespace pawl::sim
