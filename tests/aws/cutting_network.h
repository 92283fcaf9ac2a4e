// Stands between a client and a server on loopback ports, and does once what networks do: reset in
// the middle of a request or of an answer, lose an answer, damage a byte.
#pragma once

#include <netinet/in.h>

#include <mutex>

#include "support/relay.h"

namespace pawl::aws::test {

enum class Harm { none, reset_request, reset_answer, lose_answer, damage_request };

struct Harmed {
  Harm harm = Harm::none;
  size_t left = 0;  // bytes until then
};

class CuttingNetwork : public pawl::test::Relay<Harmed> {
 public:
  using Harm = test::Harm;

  explicit CuttingNetwork(uint16_t server_port)
      : CuttingNetwork(server_port, ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~CuttingNetwork() override { stop(); }

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
  CuttingNetwork(uint16_t server_port, int listener)
      : Relay(listener, true), server_port_(server_port) {
    sockaddr_in address = loopback(0);
    ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    start();
  }

  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int connect() override {
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return server;
  }

  bool is_due(Harmed& state, size_t bytes) {
    if (state.left >= bytes) {
      state.left -= bytes;
      return false;
    }
    state.harm = Harm::none;
    ++harms_;
    return true;
  }

  bool passes_request(Harmed& state, std::string& bytes) override {
    {
      const std::lock_guard lock(mutex_);
      if (kind_ != Harm::none && bytes.find(text_) != std::string::npos) {
        state = {kind_, after_};
        kind_ = Harm::none;
      }
    }
    if (state.harm == Harm::reset_request && is_due(state, bytes.size())) return false;
    if (state.harm == Harm::damage_request && is_due(state, bytes.size())) bytes.back() ^= 1;
    return true;
  }

  bool passes_answer(Harmed& state, std::string& bytes) override {
    // "100 Continue" is no answer yet.
    if (state.harm == Harm::lose_answer && bytes.find(" 100 ") == std::string::npos) {
      ++harms_;
      return false;
    }
    return state.harm != Harm::reset_answer || !is_due(state, bytes.size());
  }

  uint16_t server_port_;
  uint16_t port_ = 0;
  std::mutex mutex_;
  Harm kind_ = Harm::none;
  std::string text_;
  size_t after_ = 0;
  std::atomic<int> harms_ = 0;
};

}  // namespace pawl::aws::test
