#include "cli/registry_access.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/json.h"
#include "base/log.h"
#include "cli/connections.h"
#include "net/http.h"

namespace pawl {
namespace {

constexpr std::chrono::seconds kHelperTimeout{5};
constexpr size_t kMaxHelperOutputBytes = 64u << 10;
constexpr size_t kMaxAuthFileBytes = 1u << 20;

class HelperPrograms : public oci::CredentialHelpers {
 public:
  explicit HelperPrograms(Processes& processes) : processes_(processes) {}

  Task<Result<std::optional<oci::Credentials>>> get(std::string helper,
                                                    std::string server) override {
    const std::string name = "docker-credential-" + helper;
    const auto program = find_program(name);
    if (!program)
      co_return Error(ErrorKind::config, fmt::format("docker's config names the credential helper "
                                                     "{}, which is not installed",
                                                     name))
          .with_hint("install it, or log in again without it: docker login " + server);
    pawl::Command command;
    command.argv = {*program, "get"};
    command.input = server;
    command.timeout = kHelperTimeout;
    command.max_output_bytes = kMaxHelperOutputBytes;
    PAWL_CO_TRY(const Exited exited, co_await processes_.run(std::move(command), nullptr));
    // Some helpers say why on stderr and some on stdout.
    const std::string& words = exited.output.empty() ? exited.errors : exited.output;
    co_return oci::parse_helper_reply(exited.code, words, helper);
  }

 private:
  Processes& processes_;
};

class EcrLogin : public oci::EcrTokens {
 public:
  EcrLogin(aws::Ecr& ecr, Clock& clock) : ecr_(ecr), clock_(clock) {}

  Task<Result<std::optional<Token>>> authorization_token(std::string host) override {
    auto login = co_await ecr_.login();
    if (!login.ok()) {
      // A registry on loopback is only perhaps the ECR of a stand-in for AWS.
      if (!oci::is_ecr_host(host)) co_return std::optional<Token>();
      co_return std::move(login).error();
    }
    const auto endpoint = split_url(login->endpoint);
    if (!oci::is_ecr_host(host) && (!endpoint || endpoint->authority() != host))
      co_return std::optional<Token>();
    const Token token{login->password, login->expires - clock_.now()};
    co_return std::optional(token);
  }

 private:
  aws::Ecr& ecr_;
  Clock& clock_;
};

// Files of docker's format; what is not there is left out.
Result<void> add_file(const std::string& path, std::shared_ptr<oci::CredentialHelpers> helpers,
                      std::vector<std::shared_ptr<oci::CredentialSource>>& sources) {
  std::error_code failure;
  if (path.empty() || !std::filesystem::exists(path, failure)) return ok();
  PAWL_TRY(const auto text, read_file(path, kMaxAuthFileBytes));
  PAWL_TRY(auto config, oci::DockerConfig::parse(text, path));
  sources.push_back(oci::docker_credentials(std::move(config), std::move(helpers)));
  return ok();
}

// Docker's and podman's, the person's own first.
std::vector<std::string> certificate_folders(const ProcessEnvironment& environment) {
  std::vector<std::string> folders = {docker_config_dir(environment) + "/certs.d"};
  if (const auto home = environment.get("HOME"); !home.empty())
    folders.push_back(home + "/.config/containers/certs.d");
  folders.push_back("/etc/docker/certs.d");
  folders.push_back("/etc/containers/certs.d");
  return folders;
}

bool is_loopback_registry(const std::string& host) {
  const auto parts = split_url("http://" + host + "/");
  return parts && is_loopback_host(parts->host);
}

}  // namespace

Result<oci::RegistryAccess> registry_access(const ProcessEnvironment& environment,
                                            Processes& processes, Loop& loop, aws::Ecr* ecr) {
  oci::RegistryAccess access;
  PAWL_TRY(access.hosts, registry_hosts(environment));
  const auto helpers = std::make_shared<HelperPrograms>(processes);
  std::vector<std::shared_ptr<oci::CredentialSource>> sources;
  PAWL_CHECK(add_file(environment.get("REGISTRY_AUTH_FILE"), helpers, sources));
  PAWL_CHECK(add_file(docker_config_dir(environment) + "/config.json", helpers, sources));
  if (const auto runtime = environment.get("XDG_RUNTIME_DIR"); !runtime.empty())
    PAWL_CHECK(add_file(runtime + "/containers/auth.json", helpers, sources));
  if (ecr != nullptr) {
    const bool has_stand_in = !environment.get("AWS_ENDPOINT_URL").empty() ||
                              !environment.get("AWS_ENDPOINT_URL_ECR").empty();
    sources.push_back(oci::ecr_credentials(std::make_shared<EcrLogin>(*ecr, loop.clock()),
                                           loop.clock(), [has_stand_in](const std::string& host) {
                                             return oci::is_ecr_host(host) ||
                                                    (has_stand_in && is_loopback_registry(host));
                                           }));
  }
  if (const auto token = environment.get("GITHUB_TOKEN"); !token.empty()) {
    const auto actor = environment.get("GITHUB_ACTOR");
    const std::string user = actor.empty() ? "x-access-token" : actor;
    sources.push_back(
        oci::fixed_credentials({{"ghcr.io", oci::Credentials{user, Secret(token), Secret()}}}));
  }
  access.credentials = oci::first_of(std::move(sources));
  access.certificates = oci::CertificateFolders(certificate_folders(environment));
  return access;
}

}  // namespace pawl
