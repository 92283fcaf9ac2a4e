// One registry: where it is, who we are to it, and requests to it with authentication, retries and
// errors that say what came back and what to do about it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "oci/auth.h"

namespace pawl::oci {

struct RegistryOptions {
  std::string host;      // as image names write it: "ghcr.io"
  std::string base_url;  // as it is spoken to: "https://ghcr.io"
  std::shared_ptr<CredentialSource> credentials;
  /// For answers that say "later". A copy is dozens of requests, each of which must get through, so
  /// the tries are many and close together.
  RetryPolicy retry{10, std::chrono::milliseconds(100), std::chrono::milliseconds(5'000)};
  /// Where there is no answer at all (no such host, nobody listens) people should hear of it soon.
  int attempts_without_answer = 4;
  /// Without a byte for so long a request is given up; large uploads wait longer for their end.
  std::chrono::milliseconds silence_limit{60'000};
  /// Its own roots and our certificate for it; may be nullptr.
  std::shared_ptr<const TlsFiles> tls = nullptr;
};

class Registry {
 public:
  Registry(HttpClient& http, Clock& clock, Entropy& entropy, RegistryOptions options);

  const std::string& host() const { return options_.host; }
  const std::string& base_url() const { return options_.base_url; }
  const RetryPolicy& retry() const { return options_.retry; }
  /// Whether what has failed so `tries` times in a row is tried again. Not when the registry asks
  /// for a longer pause than people would wait for.
  bool is_tried_again(const Error& error, int tries) const {
    RetryPolicy policy = options_.retry;
    if (error.http_status() == 0) policy.attempts = options_.attempts_without_answer;
    return is_retried(policy, tries, error);
  }
  Clock& clock() { return clock_; }
  Entropy& entropy() { return entropy_; }

  /// Once, but for the second try that a 401 asks for (which a body source must allow by rewind()).
  /// Any status but 401 is a value.
  Task<Result<HttpResponse>> send_once(HttpRequest request, Access access);
  /// The same, again after 429, 5xx and failures of the network. Only for what may be repeated.
  Task<Result<HttpResponse>> send(HttpRequest request, Access access);

  /// The URL of a path below /v2/.
  std::string url(std::string_view path) const {
    return options_.base_url + "/v2/" + std::string(path);
  }
  /// A Location header of an answer from `from`: made absolute, never from https down to http.
  Result<std::string> locate(std::string_view from, std::string_view location) const;
  /// The Error for an answer that is not what was asked for.
  Error explain(const HttpResponse& response, std::string_view method,
                std::string_view repository) const;

  /// What we learnt on the way: a registry without the referrers API is asked once.
  bool lacks_referrers_api = false;
  /// Nor is one that takes no blob in a single POST offered another.
  bool lacks_single_post = false;

  /// Whether that URL is at the registry itself, not at a blob store that it sends us to.
  bool is_ours(std::string_view url) const;

 private:
  HttpClient& http_;
  Clock& clock_;
  Entropy& entropy_;
  RegistryOptions options_;
  std::string origin_;
  Authenticator auth_;
};

}  // namespace pawl::oci
