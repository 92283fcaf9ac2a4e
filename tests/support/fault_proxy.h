// Stands before an HTTP server on loopback and does what networks do: resets in the middle of a
// body, answers that end early, other answers than the server's, silence. One request for each
// connection, so that a fault hits exactly the request that it was meant for.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace pawl::test {

class FaultProxy {
 public:
  struct Fault {
    std::optional<std::string> answer;           // head and body, instead of the server's
    std::optional<size_t> reset_response_after;  // bytes of the body, then a reset
    std::optional<size_t> end_response_after;    // bytes of the body, then an orderly end
    std::optional<size_t> reset_request_after;   // bytes of the body, then a reset to both
    bool is_silent = false;                      // nothing comes back, ever
  };
  /// Asked for each request with "GET /v2/...", from threads of the proxy, one at a time.
  using Rule = std::function<Fault(const std::string& request_line)>;

  FaultProxy(uint16_t server_port, Rule rule)
      : server_port_(server_port), rule_(std::move(rule)), listener_(listen_on(port_)) {
    thread_ = std::thread([this] { accept_all(); });
  }
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;
  ~FaultProxy() {
    is_over_ = true;
    thread_.join();
    for (auto& each : connections_) each.join();
    ::close(listener_);
  }

  /// What was asked for with CONNECT: "registry.test:443".
  std::vector<std::string> tunnels() const {
    const std::lock_guard lock(mutex_);
    return tunnels_;
  }
  std::string host() const { return fmt::format("127.0.0.1:{}", port_); }
  static std::string answer(int status, std::string_view headers = "", std::string_view body = "") {
    return fmt::format("HTTP/1.1 {} Said-By-The-Proxy\r\n{}Content-Length: {}\r\n\r\n{}", status,
                       headers, body.size(), body);
  }

 private:
  static constexpr int kLookMs = 20;

  static sockaddr_in loopback_at(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static int listen_on(uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback_at(0);
    socklen_t size = sizeof(address);
    PAWL_ASSERT(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    PAWL_ASSERT(::listen(fd, 64) == 0);
    PAWL_ASSERT(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
    return fd;
  }
  static void reset(int fd) {
    const linger hard{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }
  static bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  /// Empty at the end, at a failure, and when the test is over.
  std::string receive(int fd) const {
    char buffer[16384];
    pollfd waiting{fd, POLLIN, 0};
    while (!is_over_)
      if (::poll(&waiting, 1, kLookMs) > 0) {
        const ssize_t size = ::recv(fd, buffer, sizeof(buffer), 0);
        return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : std::string();
      }
    return "";
  }
  /// Head and what has come of the body behind it.
  std::pair<std::string, std::string> receive_head(int fd) const {
    std::string bytes;
    while (bytes.find("\r\n\r\n") == std::string::npos) {
      const std::string more = receive(fd);
      if (more.empty()) return {};
      bytes += more;
    }
    const size_t end = bytes.find("\r\n\r\n") + 4;
    return {bytes.substr(0, end), bytes.substr(end)};
  }
  static size_t body_size(const std::string& head) {
    const size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  void accept_all() {
    pollfd waiting{listener_, POLLIN, 0};
    while (!is_over_)
      if (::poll(&waiting, 1, kLookMs) > 0) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        connections_.emplace_back([this, client] {
          serve(client);
          ::close(client);
        });
      }
  }

  void serve(int client) {
    auto [head, body] = receive_head(client);
    if (head.empty()) return;
    if (head.starts_with("CONNECT ")) return tunnel(client, head);
    Fault fault;
    {
      const std::lock_guard lock(mutex_);
      fault = rule_(head.substr(0, head.find(" HTTP/")));
    }
    if (fault.is_silent)
      while (!is_over_ && !receive(client).empty()) continue;
    if (fault.is_silent) return;
    if (fault.answer) {
      for (size_t got = body.size(); got < body_size(head);) {
        const std::string more = receive(client);
        if (more.empty()) break;
        got += more.size();
      }
      (void)send_all(client, *fault.answer);
      return;
    }
    pass_on(client, std::move(head), std::move(body), fault);
  }

  /// As a company's proxy does it, except that every name leads to the one server.
  void tunnel(int client, const std::string& head) {
    {
      const std::lock_guard lock(mutex_);
      tunnels_.push_back(head.substr(8, head.find(" HTTP/") - 8));
    }
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback_at(server_port_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        send_all(client, "HTTP/1.1 200 Connected\r\n\r\n"))
      relay(client, server);
    ::close(server);
  }
  void relay(int client, int server) const {
    char buffer[16384];
    pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    while (!is_over_) {
      ::poll(both, 2, kLookMs);
      for (const auto& [from, to] : {std::pair(both[0], both[1]), std::pair(both[1], both[0])}) {
        if (from.revents == 0) continue;
        const ssize_t size = ::recv(from.fd, buffer, sizeof(buffer), 0);
        if (size <= 0 || !send_all(to.fd, {buffer, static_cast<size_t>(size)})) return;
      }
    }
  }

  void pass_on(int client, std::string head, std::string body, const Fault& fault) {
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback_at(server_port_);
    const size_t size = body_size(head);
    head.insert(head.size() - 2, "Connection: close\r\n");
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        send_all(server, head) && pass_request(client, server, std::move(body), size, fault))
      pass_response(client, server, fault);
    ::close(server);
  }

  bool pass_request(int client, int server, std::string body, size_t size, const Fault& fault) {
    for (size_t sent = 0; sent < size || !body.empty();) {
      if (body.empty()) body = receive(client);
      if (body.empty()) return false;
      if (fault.reset_request_after && sent + body.size() > *fault.reset_request_after) {
        (void)send_all(server, body.substr(0, *fault.reset_request_after - sent));
        reset(client);
        reset(server);
        return false;
      }
      if (!send_all(server, body)) return false;
      sent += body.size();
      body.clear();
    }
    return true;
  }

  void pass_response(int client, int server, const Fault& fault) {
    auto [head, body] = receive_head(server);
    if (head.empty() || !send_all(client, head)) return;
    const auto limit =
        fault.reset_response_after ? fault.reset_response_after : fault.end_response_after;
    for (size_t sent = 0; !body.empty(); body = receive(server)) {
      const bool is_last = limit && sent + body.size() > *limit;
      if (is_last) body.resize(*limit - sent);
      if (!send_all(client, body) || is_last) break;
      sent += body.size();
    }
    if (fault.reset_response_after) reset(client);
  }

  uint16_t server_port_;
  Rule rule_;
  uint16_t port_ = 0;
  int listener_;
  mutable std::mutex mutex_;
  std::vector<std::string> tunnels_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
  std::list<std::thread> connections_;
};

}  // namespace pawl::test
