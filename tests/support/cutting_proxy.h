// Stands between libpq and a server's socket, and cuts the connection at a chosen place: before a
// statement reaches the server, or after the server has answered it and before the answer arrives.
#pragma once

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "support/temp_folder.h"

namespace pawl::test {

class CuttingProxy {
 public:
  enum class Cut { never, before, after };

  explicit CuttingProxy(std::string server_folder) : server_folder_(std::move(server_folder)) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_in(folder_.path().string());
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    ::listen(listener_, 16);
    thread_ = std::thread([this] { relay(); });
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;
  ~CuttingProxy() {
    is_over_ = true;
    thread_.join();
    for (const Pair& pair : pairs_) close(pair);
    ::close(listener_);
  }

  std::string url(const std::string& database) const {
    std::string host;
    for (const char c : folder_.path().string()) host += c == '/' ? "%2F" : std::string(1, c);
    return fmt::format("postgresql://pawl@{}/{}", host, database);
  }
  /// At the next time that `text` is sent; once.
  void cut(Cut where, std::string text) {
    const std::lock_guard lock(mutex_);
    cut_ = where;
    text_ = std::move(text);
  }
  /// From the next cut on nobody is let in any more.
  void then_stay_away() { stays_away_ = true; }
  int cuts() const { return cuts_; }

 private:
  struct Pair {
    int client;
    int server;
    bool is_doomed;  // what the server says next is not passed on
  };

  static sockaddr_un address_in(const std::string& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (folder + "/.s.PGSQL.5432").c_str(),
                 sizeof(address.sun_path) - 1);
    return address;
  }
  static void close(const Pair& pair) {
    ::close(pair.client);
    ::close(pair.server);
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
        bool lives = !from_client || pass_question(*pair);
        lives = lives && (!from_server || pass_answer(*pair));
        if (!lives) close(*pair);
        pair = lives ? std::next(pair) : pairs_.erase(pair);
      }
      if (waiting[0].revents != 0) let_in();
    }
  }
  void let_in() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (stays_away_ && cuts_ > 0) {
      ::close(client);
      return;
    }
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_in(server_folder_);
    ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    pairs_.push_back({client, server, false});
  }
  bool pass_question(Pair& pair) {
    char buffer[65536];
    const ssize_t size = ::read(pair.client, buffer, sizeof(buffer));
    if (size <= 0) return false;
    const std::string bytes(buffer, static_cast<size_t>(size));
    {
      const std::lock_guard lock(mutex_);
      if (cut_ != Cut::never && bytes.find(text_) != std::string::npos) {
        pair.is_doomed = cut_ == Cut::after;
        cut_ = Cut::never;
        ++cuts_;
        if (!pair.is_doomed) return false;
      }
    }
    return ::write(pair.server, bytes.data(), bytes.size()) == size;
  }
  static bool pass_answer(const Pair& pair) {
    char buffer[65536];
    const ssize_t size = ::read(pair.server, buffer, sizeof(buffer));
    if (size <= 0 || pair.is_doomed) return false;
    return ::write(pair.client, buffer, static_cast<size_t>(size)) == size;
  }

  std::string server_folder_;
  TempFolder folder_;
  int listener_ = -1;
  std::list<Pair> pairs_;
  std::mutex mutex_;
  Cut cut_ = Cut::never;
  std::string text_;
  std::atomic<bool> stays_away_ = false;
  std::atomic<bool> is_over_ = false;
  std::atomic<int> cuts_ = 0;
  std::thread thread_;
};

}  // namespace pawl::test
