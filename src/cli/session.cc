#include "cli/session.h"

#include <fmt/format.h>

#include "aws/api_gateway.h"
#include "aws/cloud_front.h"
#include "aws/directory_files.h"
#include "aws/ecr.h"
#include "aws/lambda.h"
#include "aws/s3.h"
#include "aws/sts.h"
#include "base/secret.h"
#include "builder/builder.h"
#include "builder/git.h"
#include "cli/builder_access.h"
#include "cli/connections.h"
#include "cli/deployers.h"
#include "cli/github_access.h"
#include "cli/registry_access.h"
#include "cli/store_choice.h"
#include "cli/terraform_access.h"
#include "cli/trigger_options.h"
#include "github/forge.h"
#include "oci/image_registry.h"
#include "oci/layout_pusher.h"
#include "store/process_owner.h"

namespace pawl {
namespace {

/// Owns every adapter. Members are in the order of their needs: what is used stands first.
class RealSession : public Session {
 public:
  RealSession(Loop& loop, const LoadedConfig& config, const EnvironmentConfig& environment,
              ProcessEnvironment variables)
      : loop_(loop),
        variables_(std::move(variables)),
        http_(make_http_client(loop, http_client_options(variables_))),
        processes_(make_processes(loop)),
        process_table_(make_process_table(actor_of(variables_))),
        directory_(config.directory),
        source_(make_git_repository(*processes_, directory_)) {
    runner_options_.repository = config.config.repository;
    runner_options_.step_limit = environment.policy.step_limit;
  }

  Result<void> open(const Globals& globals, const LoadedConfig& config,
                    const EnvironmentConfig& environment, std::shared_ptr<Store> store) {
    store_ = std::move(store);
    if (!store_) {
      PAWL_TRY(store_, open_store(loop_, globals, config));
    }
    PAWL_CHECK(open_aws(globals, environment));
    PAWL_CHECK(open_registries(config, environment));
    open_terraform(config, environment);
    PAWL_CHECK(open_github(globals, config));
    health_ = make_health_probe(*http_);
    DirectoryOptions directory;
    directory.base = config.directory;
    directory.cache_folder = config.state_dir + "/compressed";
    directory.clock = &loop_.clock();
    static_files_ = make_directory_files(std::move(directory));
    ports_.clock = &loop_.clock();
    ports_.health = health_.get();
    ports_.static_files = static_files_.get();
    ports_.forge = forge_.get();
    steps_ = make_step_library(ports_);
    return ok();
  }

  Loop& loop() override { return loop_; }
  Store& store() override { return *store_; }
  const StepPorts& ports() override { return ports_; }
  StepLibrary& steps() override { return *steps_; }
  Forge* forge() override { return forge_.get(); }
  GitHubClient* github() override { return github_.get(); }
  SourceRepository& source() override { return *source_; }
  Task<Result<int64_t>> count_commits(std::string older, std::string newer) override {
    co_return co_await count_commits_between(*processes_, directory_, std::move(older),
                                             std::move(newer));
  }
  ProcessTable& processes() override { return *process_table_; }
  aws::CredentialSource& aws_credentials() override { return *credentials_; }

  RunnerPorts runner_ports() override {
    return {*store_, loop_.clock(), loop_.entropy(), *steps_, *process_table_, forge_.get()};
  }
  RunnerOptions runner_options() override {
    RunnerOptions options = runner_options_;
    options.owner = process_table_->describe_this_process();
    return options;
  }

 private:
  Result<void> open_aws(const Globals& globals, const EnvironmentConfig& environment) {
    const aws::ClientPorts ports{*http_, loop_.clock(), loop_.entropy()};
    const auto run = variables_.get("GITHUB_RUN_ID");
    aws::ChainSettings settings;
    settings.session_name =
        fmt::format("pawl-{}-{}", run.empty() ? actor_of(variables_) : run, environment.name);
    settings.audience = environment.aws.audience;
    // The sandbox's keys are the end of any chain: a real account's roles are not in it.
    if (!globals.sandbox) {
      settings.roles = environment.aws.roles;
      settings.external_id = environment.aws.external_id;
    }
    PAWL_TRY(auto access,
             aws_access(variables_, ports, *processes_, environment.region, std::move(settings)));
    credentials_ = access.credentials;
    aws_ = std::make_unique<aws::Client>(ports, std::move(access.options), credentials_);
    identity_ = std::make_unique<aws::Sts>(*aws_);
    functions_ = std::make_unique<aws::Lambda>(*aws_);
    ecr_ = std::make_unique<aws::Ecr>(*aws_);
    objects_ = std::make_unique<aws::S3>(*aws_);
    cdn_ = std::make_unique<aws::CloudFront>(*aws_);
    endpoints_ = std::make_unique<aws::ApiGateway>(*aws_);
    ports_.identity = identity_.get();
    ports_.functions = functions_.get();
    ports_.function_calls = functions_.get();
    ports_.concurrency = functions_.get();
    ports_.function_versions = functions_.get();
    ports_.repositories = ecr_.get();
    ports_.objects = objects_.get();
    ports_.cdn = cdn_.get();
    ports_.endpoints = endpoints_.get();
    return ok();
  }

  Result<void> open_registries(const LoadedConfig& config, const EnvironmentConfig& environment) {
    PAWL_TRY(auto access, registry_access(variables_, *processes_, loop_, ecr_.get()));
    PAWL_TRY(auto builder, builder_options(variables_, environment, config));
    images_ = oci::make_image_registry(*http_, loop_.clock(), loop_.entropy(), access);
    auto pusher = oci::make_layout_pusher(*http_, loop_.clock(), loop_.entropy(), std::move(access),
                                          config.directory);
    auto programs = make_image_builder(*processes_, std::move(builder));
    builder_ = build_or_push_layout(std::move(programs), std::move(pusher));
    ports_.images = images_.get();
    ports_.builder = builder_.get();
    return ok();
  }

  void open_terraform(const LoadedConfig& config, const EnvironmentConfig& environment) {
    if (!environment.terraform) return;
    auto options = terraform_options(variables_, environment, config, credentials_, loop_.clock());
    infrastructure_ = make_terraform(*processes_, std::move(options));
    ports_.infrastructure = infrastructure_.get();
  }

  Result<void> open_github(const Globals& globals, const LoadedConfig& config) {
    PAWL_TRY(auto options, github_access(variables_, config, globals.sandbox, *http_, loop_.clock(),
                                         loop_.entropy()));
    if (!options) return ok();
    options->say = [](std::string_view line) { fmt::print(stderr, "{}\n", redact(line)); };
    github_ =
        std::make_unique<GitHubClient>(*http_, loop_.clock(), loop_.entropy(), *std::move(options));
    GitHubForgeOptions telling;
    telling.run_url = workflow_run_url(variables_);
    forge_ = make_github_forge(*github_, std::move(telling));
    return ok();
  }

  Loop& loop_;
  ProcessEnvironment variables_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<ProcessTable> process_table_;
  std::string directory_;
  std::unique_ptr<SourceRepository> source_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<aws::CredentialSource> credentials_;
  std::unique_ptr<aws::Client> aws_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<aws::Lambda> functions_;
  std::unique_ptr<aws::Ecr> ecr_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<Cdn> cdn_;
  std::unique_ptr<Endpoints> endpoints_;
  std::unique_ptr<ImageRegistry> images_;
  std::unique_ptr<ImageBuilder> builder_;
  std::unique_ptr<Infrastructure> infrastructure_;
  std::unique_ptr<GitHubClient> github_;
  std::unique_ptr<Forge> forge_;
  std::unique_ptr<HealthProbe> health_;
  std::unique_ptr<StaticFiles> static_files_;
  RunnerOptions runner_options_;
  StepPorts ports_;
  std::unique_ptr<StepLibrary> steps_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_store(Loop& loop, const Globals& globals,
                                          const LoadedConfig& config) {
  PAWL_TRY(const StoreChoice choice, choose_store(globals, config));
  return open_store(loop, choice);
}

Result<std::unique_ptr<Session>> open_session(Loop& loop, const Globals& globals,
                                              const LoadedConfig& config,
                                              const EnvironmentConfig& environment,
                                              std::shared_ptr<Store> store) {
  PAWL_TRY(auto variables, effective_environment(globals, config.state_dir));
  auto session = std::make_unique<RealSession>(loop, config, environment, std::move(variables));
  PAWL_CHECK(session->open(globals, config, environment, std::move(store)));
  return std::unique_ptr<Session>(std::move(session));
}

int run_in_session(const Globals& globals, const LoadedConfig& config,
                   const EnvironmentConfig& environment,
                   const std::function<Task<Result<int>>(Session&)>& act, Effect effect) {
  Loop loop;
  auto session = open_session(loop, globals, config, environment);
  if (!session.ok()) return report(session.error(), globals, effect);
  std::stop_source stop;
  loop.stop_on_signals(stop);
  auto code = loop.run(act(**session), stop.get_token());
  return code.ok() ? *code : report(code.error(), globals, effect);
}

}  // namespace pawl
