// What the world has from its first day, and how an HTTP API finds its function and its files.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "sandbox/files.h"
#include "sandbox/world.h"

namespace pawl::sandbox {
namespace {

// Everything is made with these; a team's Terraform would say its own.
constexpr int kFunctionTimeoutSeconds = 15;
constexpr int kFunctionMemoryMb = 256;
constexpr const char* kPlaceholderTag = "pawl-placeholder";

// "Already there" is what a seed hopes for.
template <class T>
Result<void> unless_there(Result<T> result) {
  if (result.ok() || result.error().kind() == ErrorKind::conflict) return ok();
  if (result.error().http_status() == 409 ||
      result.error().code().find("Already") != std::string::npos)
    return ok();
  return std::move(result).error();
}

Result<void> store_blob(RegistryStore& store, const std::string& repository,
                        const std::string& bytes) {
  const Digest digest = Digest::of(bytes);
  const std::string id = "placeholder-" + std::string(digest.hex().substr(0, 12));
  PAWL_CHECK(write_file_atomically(store.upload_path(id), bytes));
  return store.finish_upload(id, repository, digest);
}

std::string no_entries() {
  return std::string(1024, '\0');
}  // an empty tar

}  // namespace

// The image that stands where nothing is deployed yet: one empty layer, and a label by which the
// runner knows it. It is a real image, so that all that reads images can read it.
Result<std::string> World::push_placeholder(const std::string& repository) {
  const std::string layer = no_entries();
  const json::object labels{{kPlaceholderLabel, "1"}};
  const json::array entry_point{"/nothing-deployed-yet"};
  const json::object run{{"Entrypoint", entry_point}, {"Labels", labels}};
  json::array diff_ids;
  diff_ids.emplace_back(Digest::of(layer).str());
  const json::object root{{"type", "layers"}, {"diff_ids", std::move(diff_ids)}};
  const std::string config = json::serialize(
      json::object{{"architecture", "amd64"}, {"os", "linux"}, {"config", run}, {"rootfs", root}});
  const auto descriptor = [](const char* type, const std::string& bytes) {
    return json::object{
        {"mediaType", type}, {"digest", Digest::of(bytes).str()}, {"size", bytes.size()}};
  };
  json::array layers;
  layers.push_back(descriptor("application/vnd.oci.image.layer.v1.tar", layer));
  const char* type = "application/vnd.oci.image.manifest.v1+json";
  const std::string manifest = json::serialize(
      json::object{{"schemaVersion", 2},
                   {"mediaType", type},
                   {"config", descriptor("application/vnd.oci.image.config.v1+json", config)},
                   {"layers", std::move(layers)}});
  const Digest digest = Digest::of(manifest);
  RegistryStore& store = ecr_->store();
  if (!store.find_manifest(repository, digest)) {
    PAWL_CHECK(store_blob(store, repository, layer));
    PAWL_CHECK(store_blob(store, repository, config));
    const StoredManifest stored{digest, type, manifest};
    PAWL_CHECK(store.put_manifest(repository, stored, std::nullopt));
    PAWL_CHECK(store.set_tag(repository, kPlaceholderTag, digest));
  }
  PAWL_CHECK(cloud_->ecr.put_image(repository, kPlaceholderTag, digest.str(), type, manifest,
                                   loop_.clock().now()));
  return digest.str();
}

Result<void> World::seed_environment(const EnvironmentSeed& environment) {
  const WallTime now = loop_.clock().now();
  if (!cloud_->ecr.find(environment.ecr_repository).ok())
    PAWL_CHECK(cloud_->ecr.create(environment.ecr_repository, false, now));
  if (!environment.bucket.empty())
    PAWL_CHECK(unless_there(cloud_->s3.create_bucket(environment.bucket, now)));
  const std::string role = environment.function + "-role";
  if (cloud_->sts.find_role(role) == nullptr) cloud_->sts.add_role(role, now);
  if (!cloud_->lambda.get(environment.function, "", now).ok()) {
    PAWL_TRY(const std::string digest, push_placeholder(environment.ecr_repository));
    cloud::CreateFunction function;
    function.name = environment.function;
    function.settings.role = cloud_->sts.role_arn(role);
    function.settings.image_uri =
        cloud_->ecr.repository_uri(environment.ecr_repository) + "@" + digest;
    function.settings.timeout_seconds = kFunctionTimeoutSeconds;
    function.settings.memory_mb = kFunctionMemoryMb;
    PAWL_CHECK(cloud_->lambda.create(std::move(function), now));
  }
  const auto apis = cloud_->apis.list();
  const bool has_api = std::any_of(apis.begin(), apis.end(), [&](const cloud::HttpApi& api) {
    return api.name == environment.api;
  });
  if (has_api) return ok();
  cloud::HttpApi api;
  api.name = environment.api;
  return unless_there(cloud_->apis.create(
      std::move(api), cloud_->lambda.function_arn(environment.function, environment.alias), now));
}

Result<void> World::seed(const SandboxSeed& seed) {
  seed_ = seed;
  const WallTime now = loop_.clock().now();
  if (!seed.repository.empty())
    github_->add_repository(seed.repository, now).default_branch = seed.main_branch;
  if (cloud_->sts.find_role("pawl-deploy") == nullptr) cloud_->sts.add_role("pawl-deploy", now);
  for (const auto& environment : seed.environments) {
    auto made = seed_environment(environment);
    if (!made.ok())
      return std::move(made).error().while_doing(
          fmt::format("making what environment {} needs", environment.name));
  }
  return ok();
}

// ---- the HTTP APIs

std::optional<std::string> World::api_id(int number) const {
  for (const auto& api : cloud_->apis.list())
    if (api.number == number) return api.id;
  return std::nullopt;
}

GatewayOptions World::gateway_options(int number) {
  GatewayOptions options;
  options.account_id = cloud_->account.id;
  options.target = [this, number](const std::string& method,
                                  const std::string& path) -> std::optional<GatewayTarget> {
    const auto id = api_id(number);
    if (!id) return std::nullopt;
    auto target = cloud_->apis.target(*id, method, path);
    if (!target.ok()) return std::nullopt;
    GatewayTarget found;
    found.api_id = *id;
    found.route_key = target->route_key;
    found.function = target->function;
    found.qualifier = target->qualifier;
    return found;
  };
  options.invoke = [this](GatewayTarget target, std::string payload) {
    return invoke(std::move(target), std::move(payload));
  };
  options.static_file = [this, number](const ServerRequest& request, const std::string& path) {
    return static_file(number, request, path);
  };
  return options;
}

Task<Result<InvokeResult>> World::invoke(GatewayTarget target, std::string payload) {
  const WallTime now = loop_.clock().now();
  const bool has_function = cloud_->lambda.get(target.function, "", now).ok();
  if (has_function && !cloud_->lambda.get(target.function, target.qualifier, now).ok())
    co_return Error(ErrorKind::not_found, "the alias is not there yet").with_code(kNothingDeployed);
  auto outcome = co_await invoker_->invoke(target.function, target.qualifier, std::move(payload));
  if (!outcome.ok()) {
    logs_.add(target.function, "-", outcome.error().message());
    co_return std::move(outcome).error();
  }
  co_return std::move(outcome->result);
}

// A bucket's public files under the environment's prefix, with the headers they were put with.
std::optional<ServerResponse> World::static_file(int number, const ServerRequest& request,
                                                 const std::string& path) {
  const auto apis = cloud_->apis.list();
  const auto api = std::find_if(apis.begin(), apis.end(),
                                [&](const cloud::HttpApi& one) { return one.number == number; });
  if (api == apis.end()) return std::nullopt;
  for (const auto& environment : seed_.environments) {
    if (environment.api != api->name || environment.bucket.empty() || path.size() < 2) continue;
    const std::string key = path.substr(1);
    if (!key.starts_with(environment.static_prefix)) continue;
    auto object = cloud_->s3.head(environment.bucket, key);
    if (!object.ok()) {
      if (environment.static_prefix.empty()) return std::nullopt;  // perhaps the function knows it
      return gateway_message(404, "Not Found");
    }
    ServerResponse response;
    response.headers.set("Content-Type", object->metadata.content_type);
    for (const auto& [name, value] : object->metadata.system) response.headers.set(name, value);
    const std::string etag = fmt::format("\"{}\"", object->etag);
    response.headers.set("ETag", etag);
    if (request.headers().get_or("If-None-Match", "") == etag) {
      response.status = 304;
    } else if (request.method() == "HEAD") {
      response.headers.set("Content-Length", std::to_string(object->blob.size));
    } else {
      response.body = FileBody{blobs_->path(object->blob).string(), 0, object->blob.size};
    }
    return response;
  }
  return std::nullopt;
}

}  // namespace pawl::sandbox
