#include "cli/registry_access.h"

#include <fmt/format.h>

#include "cli/connections.h"
#include "core/image_reference.h"
#include "net/http.h"

namespace pawl {
namespace {

constexpr std::chrono::seconds kHelperLimit{5};

/// Runs `docker-credential-NAME get`.
class HelperPrograms : public oci::CredentialHelpers {
 public:
  explicit HelperPrograms(Processes& processes) : processes_(processes) {}

  Task<Result<std::optional<oci::Credentials>>> get(std::string helper,
                                                    std::string server) override {
    const std::string program = "docker-credential-" + helper;
    const auto path = find_program(program);
    if (!path)
      co_return Error(ErrorKind::denied,
                      fmt::format("docker's config.json names the credential helper {} for {}, and "
                                  "it is not installed",
                                  program, server))
          .with_hint("install it, or take it out of credHelpers/credsStore");
    Command command;
    command.argv = {*path, "get"};
    command.input = server;
    command.timeout = kHelperLimit;
    command.max_output_bytes = 64u << 10;
    PAWL_CO_TRY(auto exited, co_await processes_.run(std::move(command), {}));
    co_return oci::parse_helper_reply(exited.code, exited.output, helper);
  }

 private:
  Processes& processes_;
};

class EcrLogin : public oci::EcrTokens {
 public:
  EcrLogin(aws::Ecr& ecr, Clock& clock) : ecr_(ecr), clock_(clock) {}

  Task<Result<std::optional<Token>>> authorization_token(std::string host) override {
    auto login = co_await ecr_.login();
    if (!login.ok()) co_return std::move(login).error().while_doing("logging in to " + host);
    // A stand-in for ECR has a host of its own; any other registry there is not ECR's affair.
    const auto endpoint = split_url(login->endpoint);
    if (!oci::is_ecr_host(host) && (!endpoint || endpoint->authority() != host))
      co_return std::optional<Token>();
    // A stand-in may give an end in the past; such a token is good for one use.
    const auto left = login->expires - clock_.now();
    Token token{login->password, std::max(left, std::chrono::milliseconds(0))};
    co_return std::optional<Token>(token);
  }

 private:
  aws::Ecr& ecr_;
  Clock& clock_;
};

}  // namespace

Result<oci::RegistryAccess> registry_access(const ProcessEnvironment& environment,
                                            Processes& processes, Loop& loop, aws::Ecr* ecr) {
  oci::RegistryAccess access;
  PAWL_TRY(access.hosts, registry_hosts(environment));
  PAWL_TRY(auto config, docker_config(environment));
  std::vector<std::shared_ptr<oci::CredentialSource>> sources;
  sources.push_back(
      oci::docker_credentials(std::move(config), std::make_shared<HelperPrograms>(processes)));
  if (ecr != nullptr) {
    // Asked second: a person's own credentials for an ECR host win.
    sources.push_back(oci::ecr_credentials(std::make_shared<EcrLogin>(*ecr, loop.clock()),
                                           loop.clock(), [](const std::string& host) {
                                             return oci::is_ecr_host(host) ||
                                                    is_loopback_host(host.substr(0, host.rfind(':')));
                                           }));
  }
  access.credentials = oci::first_of(std::move(sources));
  return access;
}

Result<BuilderOptions> builder_options(const ProcessEnvironment& environment,
                                       const EnvironmentConfig& target,
                                       const LoadedConfig& config) {
  BuilderOptions options;
  options.directory = config.directory;
  options.scratch_dir = config.state_dir + "/build/" + target.name;
  options.docker_config = docker_config_dir(environment);
  PAWL_TRY(auto image, ImageReference::parse(target.image.source));
  PAWL_TRY(auto hosts, registry_hosts(environment));
  const auto url = split_url(hosts.base_url(image.host));
  if (url && url->authority() != image.host) {
    options.host_overrides[image.host] = url->authority();
    if (url->scheme == "http") options.insecure_hosts.push_back(url->authority());
  }
  PAWL_TRY(auto docker, docker_config(environment));
  if (const auto found = docker.auths.find(image.host); found != docker.auths.end())
    options.logins.push_back({image.host, found->second.user, found->second.password});
  return options;
}

}  // namespace pawl
