// How the tests of net serve, and speak to a server byte by byte.
#include "net/rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "net/loop_asio.h"

namespace pawl {

ServerResponse text(std::string words, int status) {
  ServerResponse response;
  response.status = status;
  response.body = std::move(words);
  return response;
}

HttpHandler answers(std::function<ServerResponse(ServerRequest&)> answer) {
  struct Call {
    static Task<ServerResponse> run(std::function<ServerResponse(ServerRequest&)> answer,
                                    ServerRequest& request) {
      co_return answer(request);
    }
  };
  return [answer](ServerRequest& request) { return Call::run(answer, request); };
}

Task<ServerResponse> echo(ServerRequest& request) {
  auto body = co_await request.read_all(64u << 20);
  co_return text(request.method() + " " + request.target() + "|" +
                 (body.ok() ? *body : body.error().message()));
}

HttpHandler silence(Loop& loop, std::function<void()> on_request) {
  struct Call {
    static Task<ServerResponse> run(Loop& on, std::function<void()> on_request) {
      if (on_request) on_request();
      (void)co_await on.clock().sleep_for(std::chrono::hours(1));
      co_return text("too late");
    }
  };
  return [&loop, on_request](ServerRequest&) { return Call::run(loop, on_request); };
}

HttpServer& NetTest::serve(HttpHandler handler, HttpServerOptions options) {
  auto made = serve_http(loop, std::move(options), std::move(handler));
  PAWL_ASSERT(made.ok());
  servers.push_back(std::move(*made));
  return *servers.back();
}

std::string NetTest::url(const HttpServer& server, std::string_view path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
}

HttpRequest NetTest::request(const HttpServer& server, std::string method, std::string_view path) {
  HttpRequest made;
  made.method = std::move(method);
  made.url = url(server, path);
  return made;
}

Result<HttpResponse> NetTest::send(HttpRequest made, std::stop_token stop) {
  return loop.run(client->send(std::move(made)), std::move(stop));
}

Result<HttpResponse> NetTest::get(const HttpServer& server, std::string_view path) {
  return send(request(server, "GET", path));
}

std::string NetTest::raw(const HttpServer& server, std::vector<std::string> pieces) {
  return loop.run(exchange(loop, server.port(), std::move(pieces)));
}

Task<std::string> NetTest::exchange(Loop& loop, uint16_t port, std::vector<std::string> pieces) {
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

}  // namespace pawl
