#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "http.h"
#include "storage.h"

namespace meals::server {
namespace {

constexpr int kPatienceSeconds = 5;

const char* content_type(const std::string& path) {
  const std::string extension = path.substr(path.rfind('.') + 1);
  if (extension == "css") return "text/css";
  if (extension == "js") return "text/javascript";
  if (extension == "json") return "application/json";
  if (extension == "svg") return "image/svg+xml";
  return "text/plain";
}

// A file of app/static; nothing when it is not there, or its name could lead elsewhere.
std::optional<Response> static_file(const std::string& path) {
  const std::string prefix = "/static/";
  if (path.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  const std::string name = path.substr(prefix.size());
  if (name.empty() || name.find('/') != std::string::npos || name[0] == '.') return std::nullopt;
  const auto text = read_file("app/static/" + name);
  if (!text) return std::nullopt;
  return Response{200, content_type(name), *text, "no-cache"};
}

void serve(const App& app, http::Connection connection) {
  connection.limit_waiting(kPatienceSeconds);
  const auto message = connection.read_message();
  if (!message) return;

  // METHOD TARGET VERSION
  const std::string& line = message->start_line;
  const size_t first = line.find(' ');
  const size_t second = line.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return;
  const std::string method = line.substr(0, first);
  const std::string target = line.substr(first + 1, second - first - 1);
  const Request request{method, target.substr(0, target.find('?'))};

  auto file = method == "GET" ? static_file(request.path) : std::nullopt;
  const Response response = file ? *file : app.handle(request);
  std::printf("%s %s %d\n", request.method.c_str(), request.path.c_str(), response.status);

  connection.write("HTTP/1.1 " + std::to_string(response.status) +
                   " \r\nContent-Type: " + response.content_type +
                   "\r\nContent-Length: " + std::to_string(response.body.size()) +
                   "\r\nCache-Control: " + response.cache_control +
                   "\r\nX-App-Version: " + app.version() + "\r\nConnection: close\r\n\r\n" +
                   (method == "HEAD" ? "" : response.body));
}

int fail(const char* what) {
  std::fprintf(stderr, "meals: cannot %s: %s\n", what, std::strerror(errno));
  return 1;
}

}  // namespace

int run(const App& app, int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, environment("HOST", "127.0.0.1").c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "meals: HOST must be an IPv4 address\n");
    return 2;
  }
  auto* name = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(listener, name, size) != 0) return fail("take the port");
  if (::listen(listener, 64) != 0) return fail("listen");
  ::getsockname(listener, name, &size);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("meals %s on http://127.0.0.1:%d\n", app.version().c_str(), ntohs(address.sin_port));

  // A process for each connection: one that a browser opens ahead and leaves idle holds up nobody.
  std::signal(SIGCHLD, SIG_IGN);
  for (;;) {
    const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (accepted < 0) return fail("accept");
    http::Connection connection(accepted);
    if (::fork() == 0) {
      serve(app, std::move(connection));
      std::exit(0);
    }
  }
}

}  // namespace meals::server
