// A server and a client on one loop, for the tests of net.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "net/loop_asio.h"

namespace pawl {

class NetTest : public ::testing::Test {
 protected:
  NetTest() : client(make_http_client(loop)) {}

  /// Serves `handler` on a free port for the rest of the test.
  HttpServer& serve(HttpHandler handler, HttpServerOptions options = {}) {
    auto made = serve_http(loop, std::move(options), std::move(handler));
    PAWL_ASSERT(made.ok());
    servers.push_back(std::move(*made));
    return *servers.back();
  }
  static std::string url(const HttpServer& server, std::string_view path) {
    return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
  }
  static HttpRequest request(const HttpServer& server, std::string method, std::string_view path) {
    HttpRequest made;
    made.method = std::move(method);
    made.url = url(server, path);
    return made;
  }
  Result<HttpResponse> send(HttpRequest made, std::stop_token stop = {}) {
    return loop.run(client->send(std::move(made)), std::move(stop));
  }
  Result<HttpResponse> get(const HttpServer& server, std::string_view path) {
    return send(request(server, "GET", path));
  }
  /// What the server answers to exactly these bytes, until it closes the connection; "<reset>" is
  /// added when it does so in a way that may lose an answer.
  std::string raw(const HttpServer& server, std::vector<std::string> pieces) {
    return loop.run(exchange(loop, server.port(), std::move(pieces)));
  }

  static Task<std::string> exchange(Loop& loop, uint16_t port, std::vector<std::string> pieces) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    PAWL_ASSERT(::connect(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof(where)) == 0);
    WaitableFd socket(loop, std::move(fd));
    bool was_reset = false;
    for (const auto& piece : pieces) {
      size_t sent = 0;
      while (sent < piece.size()) {
        const ssize_t count =
            ::send(socket.get(), piece.data() + sent, piece.size() - sent, MSG_NOSIGNAL);
        if (count >= 0)
          sent += static_cast<size_t>(count);
        else if (errno != EAGAIN || !co_await socket.wait(WaitableFd::Ready::write))
          break;
      }
      was_reset = was_reset || sent < piece.size();
      co_await yield_to_loop(loop);
    }
    std::string answer;
    std::vector<char> buffer(64u << 10);
    for (;;) {
      const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (count > 0) {
        answer.append(buffer.data(), static_cast<size_t>(count));
      } else if (count < 0 && errno == EAGAIN) {
        const bool ready = co_await socket.wait(WaitableFd::Ready::read);
        PAWL_ASSERT(ready);
      } else {
        if (count < 0 || was_reset) answer += "<reset>";
        co_return answer;
      }
    }
  }

  Loop loop;
  std::unique_ptr<HttpClient> client;
  std::vector<std::unique_ptr<HttpServer>> servers;
};

/// A handler that answers at once.
inline HttpHandler answers(std::function<ServerResponse(ServerRequest&)> answer) {
  struct Call {
    static Task<ServerResponse> run(std::function<ServerResponse(ServerRequest&)> answer,
                                    ServerRequest& request) {
      co_return answer(request);
    }
  };
  return [answer](ServerRequest& request) { return Call::run(answer, request); };
}

inline ServerResponse text(std::string words, int status = 200) {
  ServerResponse response;
  response.status = status;
  response.body = std::move(words);
  return response;
}

/// A handler that answers with what it was sent: "METHOD target|body".
inline Task<ServerResponse> echo(ServerRequest& request) {
  auto body = co_await request.read_all(64u << 20);
  co_return text(request.method() + " " + request.target() + "|" +
                 (body.ok() ? *body : body.error().message()));
}

/// Never answers by itself: only a stopped or destroyed task ends it.
inline HttpHandler silence(Loop& loop, std::function<void()> on_request = {}) {
  struct Call {
    static Task<ServerResponse> run(Loop& on, std::function<void()> on_request) {
      if (on_request) on_request();
      (void)co_await on.clock().sleep_for(std::chrono::hours(1));
      co_return text("too late");
    }
  };
  return [&loop, on_request](ServerRequest&) { return Call::run(loop, on_request); };
}

}  // namespace pawl
