// An HTTP client that answers from a script and keeps what it was asked.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "aws/client.h"
#include "support/fakes/clock.h"

namespace pawl::aws::test {

class FakeHttp : public HttpClient {
 public:
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    requests.push_back(std::move(request));
    if (answers.empty()) co_return Error(ErrorKind::internal, "the script has no answer left");
    Result<HttpResponse> answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  }
  void answer(int status, std::string body, Headers headers = {}) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    answers.emplace_back(std::move(response));
  }
  void fail(Error error) { answers.emplace_back(std::move(error)); }

  std::vector<HttpRequest> requests;
  std::deque<Result<HttpResponse>> answers;
};

class FakeEntropy : public Entropy {
 public:
  uint64_t next() override { return 1u << 30; }
};

/// Everything that a client needs, and the client.
struct Wire {
  FakeHttp http;
  fakes::FakeClock clock;
  FakeEntropy entropy;
  AwsOptions options;
  Client client;

  explicit Wire(AwsOptions chosen = {"us-east-1", {}})
      : options(chosen), client(ports(), chosen, static_credentials(keys())) {}
  ClientPorts ports() { return ClientPorts{http, clock, entropy}; }
  static Credentials keys() {
    Credentials credentials;
    credentials.access_key_id = "AKIDEXAMPLE";
    credentials.secret_access_key = Secret("a-secret-of-tests");
    return credentials;
  }
  const HttpRequest& last() const { return http.requests.back(); }
};

}  // namespace pawl::aws::test
