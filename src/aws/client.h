// One signed request to AWS and its answer. Finds the endpoint, signs, repeats what may be repeated
// (retry.h), and turns a refusal into an Error with the service's own code.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aws/clock_skew.h"
#include "aws/credentials.h"
#include "aws/options.h"
#include "aws/retry.h"
#include "base/json.h"
#include "net/http_client.h"

namespace pawl::aws {

/// What may be done when an attempt failed.
enum class Repeat {
  always,         // a read, or a write that gives the same when it is done twice
  when_not_done,  // a change: only after a refusal or before the request went out
};

struct Call {
  Service service = Service::lambda;
  std::string action;  // "lambda:GetFunction": the permission; also what errors name
  std::string method = "GET";
  std::string path = "/";  // encoded
  std::string query;       // encoded, without "?"
  std::string subdomain;   // of S3's virtual-hosted buckets
  std::string region;      // empty: that of the options
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> source;  // wins over body; `payload_hash` is then needed
  std::string payload_hash;            // hex SHA-256; empty: of body
  Repeat repeat = Repeat::always;
  bool is_signed = true;
  std::chrono::milliseconds timeout{60'000};
  size_t max_answer_bytes = 8u << 20;
  /// What else than a success is an answer that the caller reads himself; may be empty.
  std::function<bool(const HttpResponse&)> is_answer = {};
};

struct ClientPorts {
  HttpClient& http;
  Clock& clock;
  Entropy& entropy;
  /// Clients made from copies of the same ports learn of it together.
  std::shared_ptr<ClockSkew> skew = std::make_shared<ClockSkew>();

  /// The time as AWS has it.
  WallTime now() const { return skew->corrected(clock.now()); }
};

class Client {
 public:
  Client(ClientPorts ports, AwsOptions options, std::shared_ptr<CredentialSource> credentials)
      : ports_(ports), options_(std::move(options)), credentials_(std::move(credentials)) {}

  /// A 2xx (or 304) answer; everything else is an Error.
  Task<Result<HttpResponse>> send(Call call);
  /// The same, the body read as JSON; an empty body is an empty object.
  Task<Result<json::object>> send_json(Call call);

  const AwsOptions& options() const { return options_; }
  ClientPorts ports() const { return ports_; }

 private:
  struct Attempt {
    Result<HttpResponse> answer;
    bool clock_corrected;
    Attempt(Result<HttpResponse> came, bool corrected = false)
        : answer(std::move(came)), clock_corrected(corrected) {}
  };
  Task<Attempt> attempt(const Call& call);
  Task<Result<void>> pause(const Call& call, int number, Error error);

  ClientPorts ports_;
  AwsOptions options_;
  std::shared_ptr<CredentialSource> credentials_;
  RetryTokens tokens_;
};

}  // namespace pawl::aws
