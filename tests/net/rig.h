// A server and a client on one loop, for the tests of net.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace pawl {

class NetTest : public ::testing::Test {
 protected:
  NetTest() : client(make_http_client(loop)) {}

  /// Serves `handler` on a free port for the rest of the test.
  HttpServer& serve(HttpHandler handler, HttpServerOptions options = {});
  static std::string url(const HttpServer& server, std::string_view path);
  static HttpRequest request(const HttpServer& server, std::string method, std::string_view path);
  Result<HttpResponse> send(HttpRequest made, std::stop_token stop = {});
  Result<HttpResponse> get(const HttpServer& server, std::string_view path);
  /// What the server answers to exactly these bytes, until it closes the connection; "<reset>" is
  /// added when it does so in a way that may lose an answer.
  std::string raw(const HttpServer& server, std::vector<std::string> pieces);

  static Task<std::string> exchange(Loop& loop, uint16_t port, std::vector<std::string> pieces);

  Loop loop;
  std::unique_ptr<HttpClient> client;
  std::vector<std::unique_ptr<HttpServer>> servers;
};

/// A handler that answers at once.
HttpHandler answers(std::function<ServerResponse(ServerRequest&)> answer);

ServerResponse text(std::string words, int status = 200);

/// A handler that answers with what it was sent: "METHOD target|body".
Task<ServerResponse> echo(ServerRequest& request);

/// Never answers by itself: only a stopped or destroyed task ends it.
HttpHandler silence(Loop& loop, std::function<void()> on_request = {});

}  // namespace pawl
