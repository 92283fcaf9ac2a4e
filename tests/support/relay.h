// Stands between clients and a server: hands on what each of them says, on a thread of its own.
// What becomes of the bytes, and how the server is reached, is up to whoever derives from it.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <string>
#include <thread>
#include <vector>

namespace pawl::test {

/// `State` is what is kept for each connection.
template <class State>
class Relay {
 public:
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

 protected:
  /// Takes a socket that listens. `resets`: both ends see a reset when a connection is cut, not an
  /// end.
  Relay(int listener, bool resets) : listener_(listener), resets_(resets) {}
  virtual ~Relay() = default;

  /// From the constructor and the destructor of whoever derives, so that its own parts are there.
  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void stop() {
    is_over_ = true;
    thread_.join();
    for (const Pair& pair : pairs_) cut(pair);
    ::close(listener_);
  }

  /// To the server; less than 0: the client is sent away.
  virtual int connect() = 0;
  /// They may change the bytes. false: the connection is cut, and the bytes are not handed on.
  virtual bool passes_request(State& state, std::string& bytes) = 0;
  virtual bool passes_answer(State& state, std::string& bytes) = 0;

 private:
  struct Pair {
    int client = -1;
    int server = -1;
    State state = {};
  };
  using Passes = bool (Relay::*)(State&, std::string&);

  void cut(const Pair& pair) const {
    const linger at_once{1, 0};
    for (const int fd : {pair.client, pair.server}) {
      if (resets_) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(fd);
    }
  }

  void run() {
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
        const bool lives =
            (!from_client ||
             pass(pair->client, pair->server, pair->state, &Relay::passes_request)) &&
            (!from_server || pass(pair->server, pair->client, pair->state, &Relay::passes_answer));
        if (!lives) cut(*pair);
        pair = lives ? std::next(pair) : pairs_.erase(pair);
      }
      if (waiting[0].revents != 0) let_in();
    }
  }

  void let_in() {
    Pair pair;
    pair.client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    pair.server = connect();
    if (pair.server < 0)
      ::close(pair.client);
    else
      pairs_.push_back(pair);
  }

  bool pass(int from, int to, State& state, Passes passes) {
    std::string bytes(65536, '\0');
    const ssize_t size = ::read(from, bytes.data(), bytes.size());
    if (size <= 0) return false;
    bytes.resize(static_cast<size_t>(size));
    if (!(this->*passes)(state, bytes)) return false;
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t sent = ::send(to, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += static_cast<size_t>(sent);
    }
    return true;
  }

  int listener_;
  bool resets_;
  std::list<Pair> pairs_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

}  // namespace pawl::test
