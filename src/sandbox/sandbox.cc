#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/files.h"

namespace pawl::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxStateBytes = 256u << 20;
constexpr const char* kAccount = "000000000000";

std::string url_of(uint16_t port) {
  return fmt::format("http://127.0.0.1:{}", port);
}

uint16_t saved_base_port(const fs::path& folder) {
  auto text = read_whole_file(folder / "ports.json", 4096);
  if (!text.ok()) return kDefaultBasePort;
  auto object = parse_json_object(*text, "ports.json");
  const int64_t port = object.ok() ? int_or(*object, "base_port") : 0;
  return port > 0 && port < 65000 ? static_cast<uint16_t>(port) : kDefaultBasePort;
}

ServerResponse no_world() {
  ServerResponse response;
  response.status = 503;
  response.body = std::string("the sandbox is starting\n");
  return response;
}

using Face = Task<ServerResponse> (World::*)(ServerRequest&);

// The request keeps its world, should a reset put another in its place meanwhile.
Task<ServerResponse> answer(std::shared_ptr<World> world, Face face, ServerRequest& request) {
  if (!world) co_return no_world();
  co_return co_await (world.get()->*face)(request);
}

Task<ServerResponse> answer_api(std::shared_ptr<World> world, int number, ServerRequest& request) {
  if (!world) co_return no_world();
  co_return co_await world->api(number, request);
}

}  // namespace

Sandbox::Sandbox(Loop& loop, SandboxOptions options)
    : loop_(loop),
      options_(std::move(options)),
      faults_(loop.entropy()),
      started_(loop.clock().steady_now()) {}

Sandbox::~Sandbox() {
  for (auto& server : servers_) server->close();
  for (auto& [number, server] : api_servers_) server->close();
  servers_.clear();
  api_servers_.clear();
  if (lock_ < 0) return;
  if (keeper_) {
    auto saved = keeper_->save_now();
    (void)saved;
  }
  remove_connection(options_.folder);
  ::close(lock_);
}

Result<void> Sandbox::take_lock() {
  PAWL_CHECK(make_folder(options_.folder));
  ::chmod(options_.folder.c_str(), 0700);
  const fs::path file = options_.folder / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0)
    return Error(ErrorKind::storage, fmt::format("open {}: {}", file.string(), strerror(errno)));
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return ok();
  ::close(lock_);
  lock_ = -1;
  return Error(ErrorKind::conflict, "a sandbox runs already for this folder")
      .with_hint("see it with: pawl sandbox status; end it with: pawl sandbox down");
}

Result<uint16_t> Sandbox::listen(uint16_t offset, HttpHandler handler) {
  HttpServerOptions options;
  options.port = connection_.base_port == 0 ? uint16_t{0}
                                            : static_cast<uint16_t>(connection_.base_port + offset);
  auto server = serve_http(loop_, options, std::move(handler));
  if (!server.ok())
    return std::move(server).error().with_hint(
        fmt::format("another program has port {}; choose others with: pawl sandbox up --port {}",
                    options.port, connection_.base_port + 1000));
  servers_.push_back(*std::move(server));
  return servers_.back()->port();
}

Result<void> Sandbox::open_ports() {
  const auto face = [this](Face which) -> HttpHandler {
    return [this, which](ServerRequest& request) { return answer(world_, which, request); };
  };
  PAWL_TRY(const uint16_t aws, listen(0, face(&World::aws)));
  PAWL_TRY(const uint16_t github, listen(1, face(&World::github)));
  PAWL_TRY(const uint16_t source, listen(2, face(&World::source_registry)));
  PAWL_TRY(const uint16_t ecr, listen(3, face(&World::ecr_registry)));
  PAWL_TRY(const uint16_t control,
           listen(4, [this](ServerRequest& request) { return this->control(request); }));
  connection_.aws_url = url_of(aws);
  connection_.github_url = url_of(github);
  connection_.source_registry_url = url_of(source);
  connection_.ecr_registry_url = url_of(ecr);
  connection_.control_url = url_of(control);
  if (connection_.base_port == 0) return ok();
  const json::object ports{{"base_port", connection_.base_port}};
  return write_file_atomically(options_.folder / "ports.json", pretty(ports));
}

// An API's number is its place behind the base port, so that its URL is the same after each start.
std::string Sandbox::open_api_port(int number) {
  if (const auto there = api_servers_.find(number); there != api_servers_.end())
    return url_of(there->second->port());
  HttpServerOptions options;
  if (connection_.base_port != 0)
    options.port = static_cast<uint16_t>(connection_.base_port + kFirstApiPortOffset + number);
  std::string wanted = url_of(options.port);
  if (number < 0 || number >= kMaxApis) return wanted;
  auto server = serve_http(loop_, options, [this, number](ServerRequest& request) {
    return answer_api(world_, number, request);
  });
  if (!server.ok()) {
    warnings_.push_back(
        fmt::format("the HTTP API at {} has no port: {}", wanted, server.error().message()));
    return wanted;
  }
  std::string url = url_of((*server)->port());
  api_servers_[number] = *std::move(server);
  return url;
}

Result<std::shared_ptr<World>> Sandbox::new_world() {
  WorldOptions options;
  options.folder = options_.folder;
  options.connection = connection_;
  options.lambda = options_.lambda;
  options.github_app = options_.github_app;
  options.github_rate_limit = options_.github_rate_limit;
  options.isolation = isolation_;
  options.api_endpoint = [this](int number) { return open_api_port(number); };
  return World::open(loop_, faults_, std::move(options));
}

Result<void> Sandbox::open_world() {
  PAWL_TRY(auto world, new_world());
  auto text = read_whole_file(options_.folder / "state.json", kMaxStateBytes);
  if (text.ok()) {
    boost::system::error_code failure;
    const json::value state = json::parse(*text, failure);
    if (failure || !state.is_object())
      return Error(ErrorKind::corrupt, "state.json is not what the sandbox wrote")
          .with_hint("start afresh: remove " + (options_.folder / "state.json").string());
    PAWL_CHECK(world->load(state.get_object()));
  } else if (text.error().kind() != ErrorKind::not_found) {
    return std::move(text).error();
  }
  PAWL_CHECK(world->seed(options_.seed));
  world_ = std::move(world);
  return ok();
}

void Sandbox::list_apis() {
  connection_.apis.clear();
  const auto apis = world_->cloud().apis.list();
  for (const auto& environment : options_.seed.environments) {
    for (const auto& api : apis)
      if (api.name == environment.api)
        connection_.apis.push_back({environment.name, api.name, api.endpoint});
  }
}

Result<std::unique_ptr<Sandbox>> Sandbox::open(Loop& loop, SandboxOptions options) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox(loop, std::move(options)));
  const SandboxOptions& given = sandbox->options_;
  PAWL_CHECK(sandbox->take_lock());
  PAWL_TRY(sandbox->isolation_, probe_isolation());
  Connection& connection = sandbox->connection_;
  connection.pid = static_cast<int>(::getpid());
  connection.base_port = given.base_port ? *given.base_port : saved_base_port(given.folder);
  connection.account = kAccount;
  connection.region = given.seed.region;
  connection.docker_config = (fs::absolute(given.folder) / "docker").string();
  PAWL_TRY(connection.credentials, load_credentials(given.folder, loop.entropy()));
  PAWL_CHECK(sandbox->open_ports());
  const std::string& source = given.seed.source_image;
  if (!source.empty())
    connection.registries[source.substr(0, source.find('/'))] = connection.source_registry_url;
  PAWL_CHECK(sandbox->open_world());
  Sandbox* self = sandbox.get();
  StateKeeper::Source state{
      [self] { return self->world_->change_number() + (int64_t{self->generation_} << 40); },
      [self] { return self->world_->to_json(); }};
  sandbox->keeper_ =
      std::make_unique<StateKeeper>(loop, given.folder / "state.json", std::move(state));
  PAWL_CHECK(sandbox->keeper_->save_now());
  sandbox->list_apis();
  PAWL_CHECK(write_connection(given.folder, connection));
  return sandbox;
}

Task<void> Sandbox::run() {
  const std::stop_token outer = co_await current_stop();
  std::stop_callback forward(outer, [this] { stop_.request_stop(); });
  co_await with_stop(stop_.get_token(), keeper_->run());
  for (auto& server : servers_) server->close();
  for (auto& [number, server] : api_servers_) server->close();
  co_await world_->stop();
}

}  // namespace pawl::sandbox
