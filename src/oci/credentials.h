// Where the user name and password for a registry come from: given outright, docker's config.json
// (with the helper programs that it names), or ECR's token.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "base/task.h"

namespace pawl::oci {

struct Credentials {
  std::string user;
  Secret password;
  /// An OAuth2 refresh token instead of user and password (docker's "identitytoken").
  Secret identity_token;
};

class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// nullopt: none are known for that host, be anonymous.
  virtual Task<Result<std::optional<Credentials>>> find(std::string host) = 0;
  /// The registry did not accept what was found: what is kept of it is asked for anew.
  virtual void forget(const std::string& host) { (void)host; }
};

/// Runs `docker-credential-<name> get` with the host on its stdin; wired where processes are within
/// reach. The reply is parsed by parse_helper_reply().
class CredentialHelpers {
 public:
  virtual ~CredentialHelpers() = default;
  virtual Task<Result<std::optional<Credentials>>> get(std::string helper, std::string server) = 0;
};

/// ECR's GetAuthorizationToken, as the adapter for AWS gives it.
class EcrTokens {
 public:
  virtual ~EcrTokens() = default;
  struct Token {
    Secret password;  // of user "AWS"
    std::chrono::milliseconds valid_for{0};
  };
  /// nullopt: that host is not this account's registry.
  virtual Task<Result<std::optional<Token>>> authorization_token(std::string host) = 0;
};

/// docker's config.json as far as it says who we are.
struct DockerConfig {
  std::map<std::string, Credentials> auths;    // by normalised host
  std::map<std::string, std::string> helpers;  // host -> helper name
  std::string store;                           // default helper name

  /// `what` names the file in errors. An absent file is an empty config: do not call this.
  static Result<DockerConfig> parse(std::string_view text, std::string_view what);
};

/// What a helper printed and its exit code: no credentials is a value, anything else an error.
Result<std::optional<Credentials>> parse_helper_reply(int exit_code, std::string_view output,
                                                      std::string_view helper);

/// "https://index.docker.io/v1/" -> "docker.io", "HTTPS://Ghcr.io/v2" -> "ghcr.io".
std::string normalise_registry_host(std::string_view key);
/// What docker's own tools call that registry when they ask a helper.
std::string helper_server_name(std::string_view host);

/// First in the list that knows the host.
std::shared_ptr<CredentialSource> first_of(std::vector<std::shared_ptr<CredentialSource>> sources);
/// Fixed answers, by host.
std::shared_ptr<CredentialSource> fixed_credentials(std::map<std::string, Credentials> by_host);
/// `helpers` may be nullptr: then a host that needs one is an error that says so.
std::shared_ptr<CredentialSource> docker_credentials(DockerConfig config,
                                                     std::shared_ptr<CredentialHelpers> helpers);
/// For hosts that `is_ecr` accepts; a token is kept until shortly before it ends.
std::shared_ptr<CredentialSource> ecr_credentials(std::shared_ptr<EcrTokens> tokens, Clock& clock,
                                                  std::function<bool(const std::string&)> is_ecr);

/// "eu-central-1" of "<12 digits>.dkr.ecr[-fips].<region>.amazonaws.com" (or .com.cn, or another
/// partition's) and of "<12 digits>.dkr-ecr.<region>.on.aws"; empty when the host is not ECR's.
std::string_view ecr_region(std::string_view host);
bool is_ecr_host(std::string_view host);

}  // namespace pawl::oci
