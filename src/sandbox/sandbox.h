// The sandbox: one process on loopback that is GitHub, two registries, AWS and an HTTP door for
// each API, for one project. Its folder holds everything that it knows:
//
//   lock              held by the process that runs
//   connection.json   where it is and how to talk to it; there only while it runs
//   credentials.json  keys and passwords, made once
//   ports.json        {"base_port": 4510}: the same after each start
//   state.json        {"format": 1, "seed", "cloud", "github"}: the models
//   objects/          bodies of S3 objects        registries/{source,ecr}/   images
//   functions/        unpacked images             docker/config.json         for docker and skopeo
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "net/http_server.h"
#include "sandbox/state_keeper.h"
#include "sandbox/world.h"

namespace pawl::sandbox {

constexpr uint16_t kDefaultBasePort = 4510;
constexpr uint16_t kFirstApiPortOffset = 10;
constexpr int kMaxApis = 200;

struct SandboxOptions {
  std::filesystem::path folder;
  /// nullopt: as the last time, else the default. 0: any free ports (tests).
  std::optional<uint16_t> base_port;
  SandboxSeed seed;
  cloud::LambdaSettings lambda;
  /// Calls by this GitHub App are taken beside those with the token.
  GitHubAppSeed github_app;
  int64_t github_rate_limit = 0;  // calls an hour; 0: as GitHub's own
};

class Sandbox {
 public:
  /// Opens every port, reads the state, makes what is missing, writes connection.json. Errors say
  /// what to do (another sandbox runs here, a port is taken).
  static Result<std::unique_ptr<Sandbox>> open(Loop& loop, SandboxOptions options);
  ~Sandbox();

  /// Serves until the task is stopped or somebody asks for the end; then saves and ends everything.
  Task<void> run();
  const Connection& connection() const { return connection_; }
  World& world() { return *world_; }
  FaultRules& faults() { return faults_; }

 private:
  explicit Sandbox(Loop& loop, SandboxOptions options);
  Result<void> take_lock();
  Result<void> open_ports();
  Result<uint16_t> listen(uint16_t offset, HttpHandler handler);
  Result<void> open_world();
  Result<std::shared_ptr<World>> new_world();
  std::string open_api_port(int number);
  void list_apis();
  Task<ServerResponse> control(ServerRequest& request);
  Task<ServerResponse> reset();
  json::object status() const;
  json::object api_status(const EnvironmentSeed& environment) const;
  /// Those of the seed, those that a client made, and those gone that have printed something.
  std::set<std::string> function_names() const;
  ServerResponse logs(ServerRequest& request) const;
  Task<ServerResponse> change_faults(ServerRequest& request, std::string id);

  Loop& loop_;
  SandboxOptions options_;
  Connection connection_;
  Isolation isolation_;
  FaultRules faults_;
  SteadyTime started_;
  int lock_ = -1;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::map<int, std::unique_ptr<HttpServer>> api_servers_;
  std::vector<std::string> warnings_;
  std::stop_source stop_;
  std::shared_ptr<World> world_;
  std::unique_ptr<StateKeeper> keeper_;
  int generation_ = 0;  // counts resets, so that the keeper sees that all has changed
};

}  // namespace pawl::sandbox
