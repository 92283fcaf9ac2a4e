#include "sandbox/world.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "sandbox/with_faults.h"

namespace pawl::sandbox {
namespace {

// Long enough for a deployer to see the states, short enough for a person at a keyboard.
constexpr size_t kLedgerLimit = 2000;

RegistryRefusal ecr_refusal(const Error& error) {
  if (error.kind() == ErrorKind::not_found) return {404, "NAME_UNKNOWN", error.what()};
  if (error.code() == "ImageTagAlreadyExistsException") return {400, "TAG_INVALID", error.what()};
  return {400, "UNKNOWN", error.what()};
}

std::string repository_in(std::string_view path) {
  if (!path.starts_with("/v2/")) return "";
  path.remove_prefix(4);
  for (const std::string_view part : {"/blobs/", "/manifests/", "/tags/", "/referrers/"}) {
    const auto at = path.rfind(part);
    if (at != std::string_view::npos) return std::string(path.substr(0, at));
  }
  return "";
}

}  // namespace

World::World(Loop& loop, FaultInjector& faults, WorldOptions options)
    : loop_(loop), faults_(faults), options_(std::move(options)), logs_(loop.clock()) {}

Result<std::shared_ptr<World>> World::open(Loop& loop, FaultInjector& faults,
                                           WorldOptions options) {
  std::shared_ptr<World> world(new World(loop, faults, std::move(options)));
  PAWL_CHECK(world->build());
  return world;
}

Result<void> World::build() {
  const Connection& connection = options_.connection;
  PAWL_TRY(blobs_, DiskBlobStore::open(options_.folder / "objects", loop_.entropy()));
  cloud::CloudOptions cloud_options;
  cloud_options.account.id = connection.account;
  cloud_options.account.region = connection.region;
  cloud_options.seed = random_uuid(loop_.entropy());
  cloud_options.registry_host =
      connection.ecr_registry_url.substr(connection.ecr_registry_url.find("//") + 2);
  cloud_options.api_endpoint = options_.api_endpoint;
  cloud_options.lambda = options_.lambda;
  cloud_options.ledger_limit = kLedgerLimit;
  cloud_ = std::make_unique<cloud::Cloud>(std::move(cloud_options), *blobs_);
  github_ = std::make_unique<cloud::GitHub>(cloud_->ledger);
  PAWL_TRY(auto source_store, RegistryStore::open(options_.folder / "registries" / "source"));
  PAWL_TRY(auto ecr_store, RegistryStore::open(options_.folder / "registries" / "ecr"));
  source_tokens_ = std::make_unique<RegistryTokens>(loop_.clock(), connection.source_registry_url,
                                                    connection.credentials.registry_user,
                                                    connection.credentials.registry_password);
  source_ = std::make_unique<Registry>(std::move(source_store), source_rules(), loop_.entropy());
  ecr_ = std::make_unique<Registry>(std::move(ecr_store), ecr_rules(), loop_.entropy());
  runner_ = std::make_unique<ImageRunner>(loop_, ecr_->store(), logs_, options_.isolation,
                                          options_.folder / "functions", runner_settings());
  invoker_ = std::make_unique<Invoker>(*cloud_, loop_.clock(), loop_.entropy(), *runner_);
  aws_ = std::make_unique<AwsFace>(*cloud_, *blobs_, *invoker_, faults_, loop_.clock(),
                                   loop_.entropy());
  GitHubFaceOptions face;
  face.url = connection.github_url;
  face.token = connection.credentials.github_token;
  face.app = options_.github_app;
  if (options_.github_rate_limit > 0) face.rate_limit = options_.github_rate_limit;
  github_face_ = std::make_unique<GitHubFace>(*github_, loop_.clock(), std::move(face));
  cloud_->sts.add_key(connection.credentials.access_key_id,
                      connection.credentials.secret_access_key.reveal_for("the sandbox's STS"),
                      "pawl");
  follow_ecr_model();
  return ok();
}

RunnerSettings World::runner_settings() {
  const Connection& connection = options_.connection;
  RunnerSettings settings;
  settings.region = connection.region;
  settings.account = connection.account;
  const std::string port = connection.aws_url.substr(connection.aws_url.rfind(':') + 1);
  settings.aws_port = static_cast<uint16_t>(std::stoul(port));
  settings.aws_handler = [this](ServerRequest& request) { return aws(request); };
  settings.environment = {
      {"AWS_ENDPOINT_URL", connection.aws_url},
      {"AWS_ACCESS_KEY_ID", connection.credentials.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", connection.credentials.secret_access_key.reveal_for("functions")}};
  return settings;
}

RegistryRules World::source_rules() {
  RegistryRules rules;
  rules.authorize = [this](const ServerRequest& request, bool changes) {
    return source_tokens_->authorize(request, changes);
  };
  rules.challenge = [this](const std::string& repository, bool changes) {
    return source_tokens_->challenge(repository, changes);
  };
  return rules;
}

RegistryRules World::ecr_rules() {
  RegistryRules rules;
  rules.authorize = [this](const ServerRequest& request, bool) -> std::optional<RegistryRefusal> {
    const auto given = basic_credentials(request);
    if (!given) return RegistryRefusal{401, "UNAUTHORIZED", "Not Authorized"};
    if (given->user != "AWS" || !cloud_->ecr.accepts_password(given->password, loop_.clock().now()))
      return RegistryRefusal{403, "DENIED",
                             "Your authorization token has expired. Reauthenticate and try again."};
    return std::nullopt;
  };
  rules.challenge = [this](const std::string&, bool) {
    return fmt::format("Basic realm=\"{}/\",service=\"ecr.amazonaws.com\"",
                       options_.connection.ecr_registry_url);
  };
  rules.find_repository = [this](const std::string& repository) -> std::optional<RegistryRefusal> {
    if (cloud_->ecr.find(repository).ok()) return std::nullopt;
    return RegistryRefusal{
        404, "NAME_UNKNOWN",
        fmt::format("The repository with name '{}' does not exist in the registry with id '{}'",
                    repository, cloud_->account.id)};
  };
  rules.before_push = [this](const PushedManifest& pushed) -> std::optional<RegistryRefusal> {
    auto allowed =
        cloud_->ecr.check_push(pushed.repository, pushed.tag, pushed.manifest.digest.str());
    if (allowed.ok()) return std::nullopt;
    return ecr_refusal(allowed.error());
  };
  rules.after_push = [this](const PushedManifest& pushed) {
    auto put = cloud_->ecr.put_image(pushed.repository, pushed.tag, pushed.manifest.digest.str(),
                                     pushed.manifest.media_type, pushed.manifest.body,
                                     loop_.clock().now());
    (void)put;  // before_push has asked
  };
  rules.after_delete = [this](const std::string& repository, const Digest& digest) {
    const cloud::ImageId image{digest.str(), ""};
    auto removed = cloud_->ecr.remove_image(repository, image, loop_.clock().now());
    (void)removed;  // gone on both sides is what was wanted
  };
  return rules;
}

// What the control side removes, the registry loses too.
void World::follow_ecr_model() {
  cloud_->ecr.hooks.image_removed = [this](const std::string& repository, const std::string& text) {
    auto digest = Digest::parse(text);
    if (digest.ok() && ecr_->store().find_manifest(repository, *digest)) {
      auto removed = ecr_->store().remove_manifest(repository, *digest);
      (void)removed;
    }
  };
  cloud_->ecr.hooks.tag_removed = [this](const std::string& repository, const std::string& tag) {
    auto removed = ecr_->store().remove_tag(repository, tag);
    (void)removed;
  };
}

json::object World::to_json() const {
  return {{"format", 1},
          {"seed", sandbox::to_json(seed_)},
          {"cloud", cloud_->to_json()},
          {"github", github_->to_json()}};
}

Result<void> World::load(const json::object& state) {
  if (int_or(state, "format") != 1)
    return Error(ErrorKind::corrupt, "the sandbox's state was written by another version of Pawl")
        .with_hint("start afresh: pawl sandbox down, then remove .pawl/sandbox/state.json");
  const auto part = [&](const char* name) {
    const auto* value = state.if_contains(name);
    return value != nullptr && value->is_object() ? value->get_object() : json::object();
  };
  PAWL_CHECK(cloud_->load(part("cloud")));
  PAWL_CHECK(github_->load(part("github")));
  seed_ = seed_from_json(part("seed"));
  // The credentials file is the truth, should the two differ.
  const auto& credentials = options_.connection.credentials;
  cloud_->sts.add_key(credentials.access_key_id,
                      credentials.secret_access_key.reveal_for("the sandbox's STS"), "pawl");
  return ok();
}

Task<ServerResponse> World::aws(ServerRequest& request) {
  // A token that nobody saved would be refused after a restart.
  if (request.headers().get_or("X-Amz-Target", "").find("GetAuthorizationToken") !=
      std::string::npos)
    ++tokens_issued_;
  return aws_->handle(request);
}

Task<ServerResponse> World::github(ServerRequest& request) {
  const FaultQuery query{"github", github_operation(request), std::string(request.raw_path())};
  const auto work = [this, &request] { return github_face_->handle(request); };
  co_return co_await with_faults(loop_.clock(), faults_.decide(query), refuse_as_github, work);
}

Task<ServerResponse> World::source_registry(ServerRequest& request) {
  if (request.raw_path() == "/token") co_return co_await source_tokens_->issue(request);
  const FaultQuery query{"registry", registry_operation(request),
                         repository_in(request.raw_path())};
  const auto work = [this, &request] { return source_->handle(request); };
  co_return co_await with_faults(loop_.clock(), faults_.decide(query), refuse_as_registry, work);
}

Task<ServerResponse> World::ecr_registry(ServerRequest& request) {
  const FaultQuery query{"ecr-registry", registry_operation(request),
                         repository_in(request.raw_path())};
  const auto work = [this, &request] { return ecr_->handle(request); };
  co_return co_await with_faults(loop_.clock(), faults_.decide(query), refuse_as_registry, work);
}

Task<ServerResponse> World::api(int number, ServerRequest& request) {
  auto& gateway = gateways_[number];
  if (!gateway) gateway = std::make_unique<HttpApiGateway>(loop_, gateway_options(number));
  const FaultQuery query{"function", "GET " + std::string(request.raw_path()),
                         api_id(number).value_or("")};
  const auto work = [&gateway, &request] { return gateway->handle(request); };
  co_return co_await with_faults(loop_.clock(), faults_.decide(query), refuse_as_gateway, work);
}

}  // namespace pawl::sandbox
