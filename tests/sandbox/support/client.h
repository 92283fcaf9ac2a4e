// A client for faces under test: they are served on loopback, on the test's own loop.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/json.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace pawl::test {

class FaceClient {
 public:
  explicit FaceClient(Loop& loop) : loop_(loop), client_(make_http_client(loop)) {}

  /// Serves `handler` on a free port.
  std::string serve(HttpHandler handler) {
    HttpServerOptions options;
    auto server = serve_http(loop_, options, std::move(handler));
    EXPECT_TRUE(server.ok());
    servers_.push_back(*std::move(server));
    return "http://127.0.0.1:" + std::to_string(servers_.back()->port());
  }

  Result<HttpResponse> try_send(const std::string& method, const std::string& url,
                                const Headers& headers = {}, const std::string& body = "") {
    HttpRequest request;
    request.method = method;
    request.url = url;
    request.headers = headers;
    request.body = body;
    request.timeout = std::chrono::milliseconds(0);
    return loop_.run(client_->send(std::move(request)));
  }

  HttpResponse send(const std::string& method, const std::string& url, const Headers& headers = {},
                    const std::string& body = "") {
    auto response = try_send(method, url, headers, body);
    EXPECT_TRUE(response.ok()) << response.error().message();
    return response.ok() ? *response : HttpResponse{};
  }

 private:
  Loop& loop_;
  std::unique_ptr<HttpClient> client_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
};

inline json::value body_of(const HttpResponse& response) {
  auto value = parse_json(response.body, "the answer");
  EXPECT_TRUE(value.ok()) << response.body;
  return value.ok() ? *value : json::value();
}

/// The code of a registry's first error.
inline std::string error_code(const HttpResponse& response) {
  const auto body = body_of(response);
  const auto* errors = find(body, "errors");
  if (errors == nullptr || !errors->is_array() || errors->get_array().empty()) return "(none)";
  return string_or(errors->get_array()[0].get_object(), "code");
}

}  // namespace pawl::test
