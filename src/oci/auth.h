// Who we are to one registry: anonymous, Basic, or a Bearer token for the smallest scope that the
// work needs. Tokens are kept by (registry, repository, actions), never by host alone.
// https://distribution.github.io/distribution/spec/auth/token/
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/http_client.h"
#include "oci/challenge.h"
#include "oci/credentials.h"
#include "oci/limiter.h"

namespace pawl::oci {

/// What a request wants to do, to which repository.
struct Access {
  std::string repository;
  bool push = false;
  /// A second repository that is read from (a mount).
  std::string mount_from;
  /// An action of its own in a token's scope: who may push may not yet delete.
  bool remove = false;

  /// "repository:x/y:pull,push", one for each repository.
  std::vector<std::string> scopes() const;
};

class Authenticator {
 public:
  Authenticator(HttpClient& http, Clock& clock, std::shared_ptr<CredentialSource> credentials,
                std::string host, std::string base_url, std::shared_ptr<const TlsFiles> tls);

  /// The Authorization header for such a request as far as the registry has said what it wants;
  /// empty: none. May fetch a token.
  Task<Result<std::string>> header_for(Access access);

  /// Takes in a 401's WWW-Authenticate, and gets what it asks for. `rejected` is the header that
  /// was sent with the refused request. An Error when asking again would be no use.
  Task<Result<void>> answer(std::vector<Challenge> challenges, std::string rejected);

 private:
  enum class Scheme { none, basic, bearer };
  struct Token {
    std::string header;
    SteadyTime until;
  };

  Task<Result<std::string>> basic_header();
  Task<Result<std::string>> bearer_header(Access access);
  Task<Result<Token>> fetch_token(Access access);
  HttpRequest token_request(const Access& access, const std::optional<Credentials>& who) const;
  Result<Token> read_token(const HttpResponse& response) const;
  Error refused(std::string_view what) const;

  HttpClient& http_;
  Clock& clock_;
  std::shared_ptr<CredentialSource> credentials_;
  std::string host_;
  std::string base_url_;
  Scheme scheme_ = Scheme::none;
  std::string realm_;
  std::string service_;
  std::shared_ptr<const TlsFiles> tls_;
  std::map<std::vector<std::string>, Token> tokens_;  // by scopes
  /// Forty requests that find the token run out ask for one new one.
  std::map<std::vector<std::string>, Limiter> fetching_;
  /// A helper program is not run for each request.
  std::optional<Token> basic_;
};

}  // namespace pawl::oci
