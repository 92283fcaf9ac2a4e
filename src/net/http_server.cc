#include "net/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <list>

#include "base/log.h"
#include "net/server_request.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;

/// A body that the handler left unread is read to its end up to here, to keep the connection.
constexpr size_t kMaxDrainBytes = 1u << 20;
/// How long a client may go on sending what nobody wants before it is cut off.
constexpr auto kDrainLimit = 10s;
/// Out of descriptors: wait for some to be given back instead of spinning.
constexpr auto kAcceptPause = 50ms;

std::string peer_of(const sockaddr_storage& from) {
  char text[INET6_ADDRSTRLEN] = {};
  if (from.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&from);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return fmt::format("{}:{}", text, ntohs(v4->sin_port));
  }
  if (from.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&from);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    return fmt::format("[{}]:{}", text, ntohs(v6->sin6_port));
  }
  return "unknown";
}

ServerResponse plain(int status, std::string words) {
  ServerResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(words);
  return response;
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

bool is_well_formed(const Headers& headers) {
  for (const auto& [name, value] : headers.fields())
    if (name.find_first_of("\r\n: ") != std::string::npos ||
        value.find_first_of("\r\n") != std::string::npos)
      return false;
  return true;
}

uint64_t body_size(const ServerResponse& response) {
  if (const auto* file = std::get_if<FileBody>(&response.body)) return file->length;
  return std::get<std::string>(response.body).size();
}

std::string head_text(const ServerRequest& request, const ServerResponse& response, bool keep_alive,
                      bool is_http_1_0, WallTime now) {
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
  auto text = fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                          std::string_view(reason.data(), reason.size()));
  for (const auto& [name, value] : response.headers.fields()) {
    // Framing is the server's: a handler says the length only in answer to HEAD.
    if (equal_without_case(name, "Transfer-Encoding") || equal_without_case(name, "Connection"))
      continue;
    if (equal_without_case(name, "Content-Length") &&
        (request.method() != "HEAD" || has_no_body(response.status)))
      continue;
    text += fmt::format("{}: {}\r\n", name, value);
  }
  const bool says_length = request.method() == "HEAD" && response.headers.has("Content-Length");
  if (!has_no_body(response.status) && !says_length)
    text += fmt::format("Content-Length: {}\r\n", body_size(response));
  if (!response.headers.has("Date")) {
    const auto seconds = static_cast<std::time_t>(now.unix_ms / 1000);
    text += fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(seconds));
  }
  if (!keep_alive)
    text += "Connection: close\r\n";
  else if (is_http_1_0)
    text += "Connection: keep-alive\r\n";
  return text + "\r\n";
}

class BeastServer : public HttpServer {
 public:
  BeastServer(Loop& loop, UniqueFd listener, HttpServerOptions options, HttpHandler handler)
      : loop_(loop),
        options_(std::move(options)),
        handler_(std::move(handler)),
        port_(local_port(listener.get())),
        listener_(loop, std::move(listener)),
        context_{stop_.get_token()},
        tasks_(&context_) {
    tasks_.spawn(accept_all());
  }

  uint16_t port() const override { return port_; }

  void close() override {
    if (std::exchange(closed_, true)) return;
    stop_.request_stop();
    listener_.close();
    // Their tasks end by themselves: close() may have been called from one of them.
    for (ServerSocket* socket : open_) socket->shut_down();
  }

 private:
  Task<void> accept_all();
  Task<void> serve_connection(UniqueFd fd, std::string peer);
  Task<bool> serve_one(ServerSocket& socket, ReceiveBuffer& buffer);
  Task<ServerResponse> call_handler(ServerRequest& request);
  Task<bool> respond(ServerSocket& socket, BeastRequest& request, ServerResponse response,
                     bool keep_alive);
  static Task<bool> drain(BeastRequest& request);
  static Task<void> linger(ServerSocket& socket, BeastRequest& request);

  Loop& loop_;
  HttpServerOptions options_;
  HttpHandler handler_;
  uint16_t port_;
  WaitableFd listener_;
  std::list<ServerSocket*> open_;
  std::stop_source stop_;
  TaskContext context_;
  bool closed_ = false;
  Scope tasks_;  // last: its tasks use all of the above
};

Task<void> BeastServer::accept_all() {
  while (!closed_) {
    sockaddr_storage from{};
    socklen_t length = sizeof(from);
    UniqueFd fd(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from), &length,
                          SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      tasks_.spawn(serve_connection(std::move(fd), peer_of(from)));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      const bool ready = co_await listener_.wait(WaitableFd::Ready::read);
      if (!ready) co_return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      (void)co_await loop_.clock().sleep_for(kAcceptPause);
    } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
      co_return;
    }
  }
}

Task<void> BeastServer::serve_connection(UniqueFd fd, std::string peer) {
  ServerSocket socket(loop_, std::move(fd), std::move(peer));
  open_.push_front(&socket);
  struct Leave {
    std::list<ServerSocket*>& list;
    std::list<ServerSocket*>::iterator place;
    ~Leave() { list.erase(place); }
  } leave{open_, open_.begin()};
  ReceiveBuffer buffer;
  bool go_on = true;
  while (go_on && !closed_) go_on = co_await serve_one(socket, buffer);
}

Task<bool> BeastServer::serve_one(ServerSocket& socket, ReceiveBuffer& buffer) {
  BeastRequest request(socket, buffer, options_.max_header_bytes);
  socket.expect_within(options_.head_timeout);
  const auto head = co_await request.read_head();
  socket.expect_nothing();
  switch (head) {
    case BeastRequest::Head::closed:
      co_return false;
    case BeastRequest::Head::bad:
      co_return co_await respond(socket, request, plain(400, "not a well-formed request\n"), false);
    case BeastRequest::Head::too_large:
      co_return co_await respond(socket, request, plain(431, "the head is too large\n"), false);
    case BeastRequest::Head::too_slow:
      co_return co_await respond(socket, request, plain(408, "the head took too long\n"), false);
    case BeastRequest::Head::parsed:
      break;
  }
  ServerResponse response = co_await call_handler(request);
  if (response.drop) co_return false;
  const bool keep_alive = request.wants_keep_alive() && !request.client_waits_to_send() &&
                          request.bytes_left() <= kMaxDrainBytes && !closed_;
  co_return co_await respond(socket, request, std::move(response), keep_alive);
}

Task<ServerResponse> BeastServer::call_handler(ServerRequest& request) {
  try {
    co_return co_await handler_(request);
  } catch (const std::exception& thrown) {
    log_debug("{} {}: the handler threw: {}", request.method(), request.raw_path(), thrown.what());
  } catch (...) {
    log_debug("{} {}: the handler threw", request.method(), request.raw_path());
  }
  co_return plain(500, "internal error\n");
}

Task<bool> BeastServer::respond(ServerSocket& socket, BeastRequest& request,
                                ServerResponse response, bool keep_alive) {
  UniqueFd file;
  if (const auto* body = std::get_if<FileBody>(&response.body)) {
    file.reset(::open(body->path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) response = plain(500, "internal error\n");
  }
  if (!is_well_formed(response.headers)) response = plain(500, "internal error\n");
  const bool with_body = request.method() != "HEAD" && !has_no_body(response.status);
  const auto* in_file = std::get_if<FileBody>(&response.body);
  const std::string head =
      head_text(request, response, keep_alive, request.is_http_1_0(), loop_.clock().now());
  bool sent = false;
  if (in_file == nullptr) {
    const std::string& text = std::get<std::string>(response.body);
    sent =
        co_await socket.write(head, with_body ? std::string_view(text) : std::string_view(), false);
  } else {
    const bool more = with_body && in_file->length > 0;
    sent = co_await socket.write(head, {}, more);
    if (sent && more)
      sent = co_await socket.send_file(file.get(), in_file->offset, in_file->length);
  }
  if (!sent) co_return false;
  // The limit is for all of what is left: a byte now and then does not keep the connection.
  socket.expect_within(kDrainLimit);
  const bool drained = keep_alive && co_await drain(request);
  if (!drained) co_await linger(socket, request);
  socket.expect_nothing();
  co_return drained;
}

/// Whether the next request may follow on this connection.
Task<bool> BeastServer::drain(BeastRequest& request) {
  std::vector<std::byte> waste;
  size_t drained = 0;
  while (!request.body_is_complete()) {
    waste.resize(64u << 10);
    const auto count = co_await request.read_some(waste);
    if (!count.ok() || (drained += *count) > kMaxDrainBytes) co_return false;
  }
  co_return true;
}

/// Before closing: bytes that were not read would make the kernel reset the connection, and the
/// client might lose the answer.
Task<void> BeastServer::linger(ServerSocket& socket, BeastRequest& request) {
  socket.shut_down_writing();
  if (!request.is_all_read()) co_await request.read_to_the_end();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> serve_http(Loop& loop, HttpServerOptions options,
                                               HttpHandler handler) {
  UniqueFd listener(options.listening_socket);
  if (listener) {
    ::fcntl(listener.get(), F_SETFD, FD_CLOEXEC);
  } else {
    PAWL_TRY(listener, listen_on(options.address, options.port));
  }
  return std::unique_ptr<HttpServer>(std::make_unique<BeastServer>(
      loop, std::move(listener), std::move(options), std::move(handler)));
}

}  // namespace pawl
