// The source registry's way to know its clients, as GHCR has it: a challenge that names a token
// endpoint, tokens that carry what they allow. Anybody may pull; to push one needs the password.
// The password is also taken directly (Basic), for simple clients.
// https://distribution.github.io/distribution/spec/auth/token/
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "net/http_server.h"
#include "sandbox/registry/registry.h"

namespace pawl::sandbox {

constexpr std::chrono::seconds kRegistryTokenLife{300};

/// User and password of an "Authorization: Basic" header.
struct BasicCredentials {
  std::string user;
  std::string password;
};
std::optional<BasicCredentials> basic_credentials(const ServerRequest& request);

class RegistryTokens {
 public:
  RegistryTokens(Clock& clock, std::string url, std::string user, Secret password)
      : clock_(clock),
        url_(std::move(url)),
        user_(std::move(user)),
        password_(std::move(password)) {}

  std::optional<RegistryRefusal> authorize(const ServerRequest& request,
                                           bool wants_to_change) const;
  std::string challenge(const std::string& repository, bool wants_to_change) const;
  /// GET or POST /token
  Task<ServerResponse> issue(ServerRequest& request) const;

 private:
  enum class Right { nothing, pull, push };
  bool knows(const BasicCredentials& given) const;
  Right right_of(const std::string& token) const;
  std::string sign(const std::string& claims) const;
  Clock& clock_;
  std::string url_;
  std::string user_;
  Secret password_;
};

}  // namespace pawl::sandbox
