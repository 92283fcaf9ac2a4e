// Stands between a client and a server on loopback ports, and does once what networks do: reset in
// the middle of a request or of an answer, lose an answer, damage a byte.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pawl::aws::test {

class CuttingNetwork {
 public:
  enum class Harm { none, reset_request, reset_answer, lose_answer, damage_request };

  explicit CuttingNetwork(uint16_t server_port) : server_port_(server_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { relay(); });
  }
  CuttingNetwork(const CuttingNetwork&) = delete;
  CuttingNetwork& operator=(const CuttingNetwork&) = delete;
  ~CuttingNetwork() {
    is_over_ = true;
    thread_.join();
    for (const Pair& pair : pairs_) close(pair);
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// Once, on a connection that has sent `text`: after so many bytes from then on.
  void harm(Harm kind, std::string text, size_t after_bytes = 0) {
    const std::lock_guard lock(mutex_);
    kind_ = kind;
    text_ = std::move(text);
    after_ = after_bytes;
  }
  int harms() const { return harms_; }

 private:
  struct Pair {
    int client = -1;
    int server = -1;
    Harm harm = Harm::none;
    size_t left = 0;
  };

  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  // Both ends see a reset, not an end.
  static void close(const Pair& pair) {
    const linger at_once{1, 0};
    for (const int fd : {pair.client, pair.server}) {
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(fd);
    }
  }
  static bool pass(int to, const std::string& bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t sent = ::send(to, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += static_cast<size_t>(sent);
    }
    return true;
  }

  void relay() {
    constexpr int kLookMs = 20;
    while (!is_over_) {
      std::vector<pollfd> waiting = {{listener_, POLLIN, 0}};
      for (const Pair& pair : pairs_) {
        waiting.push_back({pair.client, POLLIN, 0});
        waiting.push_back({pair.server, POLLIN, 0});
      }
      ::poll(waiting.data(), waiting.size(), kLookMs);
      size_t next = 1;
      for (auto pair = pairs_.begin(); pair != pairs_.end();) {
        const bool from_client = waiting[next++].revents != 0;
        const bool from_server = waiting[next++].revents != 0;
        bool lives = !from_client || pass_request(*pair);
        lives = lives && (!from_server || pass_answer(*pair));
        if (!lives) close(*pair);
        pair = lives ? std::next(pair) : pairs_.erase(pair);
      }
      if (waiting[0].revents != 0) let_in();
    }
  }
  void let_in() {
    Pair pair;
    pair.client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    pair.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    ::connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    pairs_.push_back(pair);
  }
  bool is_due(Pair& pair, size_t bytes) {
    if (pair.left >= bytes) {
      pair.left -= bytes;
      return false;
    }
    pair.harm = Harm::none;
    ++harms_;
    return true;
  }
  bool pass_request(Pair& pair) {
    std::string bytes(65536, '\0');
    const ssize_t size = ::read(pair.client, bytes.data(), bytes.size());
    if (size <= 0) return false;
    bytes.resize(static_cast<size_t>(size));
    {
      const std::lock_guard lock(mutex_);
      if (kind_ != Harm::none && bytes.find(text_) != std::string::npos) {
        pair.harm = kind_;
        pair.left = after_;
        kind_ = Harm::none;
      }
    }
    if (pair.harm == Harm::reset_request && is_due(pair, bytes.size())) return false;
    if (pair.harm == Harm::damage_request && is_due(pair, bytes.size())) bytes.back() ^= 1;
    return pass(pair.server, bytes);
  }
  bool pass_answer(Pair& pair) {
    std::string bytes(65536, '\0');
    const ssize_t size = ::read(pair.server, bytes.data(), bytes.size());
    if (size <= 0) return false;
    bytes.resize(static_cast<size_t>(size));
    // "100 Continue" is no answer yet.
    if (pair.harm == Harm::lose_answer && bytes.find(" 100 ") == std::string::npos) {
      ++harms_;
      return false;
    }
    if (pair.harm == Harm::reset_answer && is_due(pair, bytes.size())) return false;
    return pass(pair.client, bytes);
  }

  uint16_t server_port_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::list<Pair> pairs_;
  std::mutex mutex_;
  Harm kind_ = Harm::none;
  std::string text_;
  size_t after_ = 0;
  std::atomic<bool> is_over_ = false;
  std::atomic<int> harms_ = 0;
  std::thread thread_;
};

}  // namespace pawl::aws::test
