// Everything that the sandbox is made of but its ports: the cloud and GitHub models, the files
// behind them, the faces in front of them, and the functions that run. A reset ends one world and
// makes another; requests that are under way keep theirs until they are done.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "net/loop.h"
#include "sandbox/aws/disk_blobs.h"
#include "sandbox/aws/face.h"
#include "sandbox/aws/invoker.h"
#include "sandbox/connection.h"
#include "sandbox/fault_rules.h"
#include "sandbox/gateway/gateway.h"
#include "sandbox/github/face.h"
#include "sandbox/registry/registry.h"
#include "sandbox/registry/tokens.h"
#include "sandbox/runner/runner.h"
#include "sandbox/seed.h"
#include "sim/cloud/cloud.h"
#include "sim/cloud/github.h"

namespace pawl::sandbox {

struct WorldOptions {
  std::filesystem::path folder;
  Connection connection;  // urls and credentials
  cloud::LambdaSettings lambda;
  GitHubAppSeed github_app;
  int64_t github_rate_limit = 0;  // calls an hour; 0: as GitHub's own
  std::function<std::string(int number)> api_endpoint;
  Isolation isolation;
};

class World {
 public:
  static Result<std::shared_ptr<World>> open(Loop& loop, FaultInjector& faults,
                                             WorldOptions options);

  /// Makes what is not there yet; what is there stays as it is.
  Result<void> seed(const SandboxSeed& seed);
  Result<void> load(const json::object& state);
  json::object to_json() const;
  /// Grows with every change that is worth saving.
  int64_t change_number() const { return cloud_->ledger.last_sequence() + tokens_issued_; }

  Task<ServerResponse> aws(ServerRequest& request);
  Task<ServerResponse> github(ServerRequest& request);
  Task<ServerResponse> source_registry(ServerRequest& request);
  Task<ServerResponse> ecr_registry(ServerRequest& request);
  Task<ServerResponse> api(int number, ServerRequest& request);
  Task<void> stop() { return runner_->stop(); }

  cloud::Cloud& cloud() { return *cloud_; }
  cloud::GitHub& github_model() { return *github_; }
  const SandboxSeed& seed_now() const { return seed_; }
  ImageRunner& runner() { return *runner_; }
  FunctionLogs& logs() { return logs_; }
  Registry& source() { return *source_; }
  Registry& ecr() { return *ecr_; }

 private:
  World(Loop& loop, FaultInjector& faults, WorldOptions options);
  Result<void> build();
  RegistryRules source_rules();
  RegistryRules ecr_rules();
  RunnerSettings runner_settings();
  void follow_ecr_model();
  Result<void> seed_environment(const EnvironmentSeed& environment);
  Result<std::string> push_placeholder(const std::string& repository);
  std::optional<std::string> api_id(int number) const;
  GatewayOptions gateway_options(int number);
  Task<Result<InvokeResult>> invoke(GatewayTarget target, std::string payload);
  std::optional<ServerResponse> static_file(int number, const ServerRequest& request,
                                            const std::string& path);

  Loop& loop_;
  FaultInjector& faults_;
  WorldOptions options_;
  SandboxSeed seed_;
  int64_t tokens_issued_ = 0;
  FunctionLogs logs_;
  std::unique_ptr<DiskBlobStore> blobs_;
  std::unique_ptr<cloud::Cloud> cloud_;
  std::unique_ptr<cloud::GitHub> github_;
  std::unique_ptr<Registry> source_;
  std::unique_ptr<Registry> ecr_;
  std::unique_ptr<RegistryTokens> source_tokens_;
  std::unique_ptr<ImageRunner> runner_;
  std::unique_ptr<Invoker> invoker_;
  std::unique_ptr<AwsFace> aws_;
  std::unique_ptr<GitHubFace> github_face_;
  std::map<int, std::unique_ptr<HttpApiGateway>> gateways_;
};

}  // namespace pawl::sandbox
