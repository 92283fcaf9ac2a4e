// Stands between libpq and a server's socket, and cuts the connection at a chosen place: before a
// statement reaches the server, or after the server has answered it and before the answer arrives.
#pragma once

#include <fmt/format.h>
#include <sys/un.h>

#include <cstring>
#include <mutex>

#include "support/relay.h"
#include "support/temp_folder.h"

namespace pawl::test {

struct Doomed {
  bool is_doomed = false;  // what the server says next is not passed on
};

class CuttingProxy : public Relay<Doomed> {
 public:
  enum class Cut { never, before, after };

  explicit CuttingProxy(std::string server_folder)
      : CuttingProxy(std::move(server_folder), ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~CuttingProxy() override { stop(); }

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
  CuttingProxy(std::string server_folder, int listener)
      : Relay(listener, false), server_folder_(std::move(server_folder)) {
    const sockaddr_un address = address_in(folder_.path().string());
    ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    ::listen(listener, 16);
    start();
  }

  static sockaddr_un address_in(const std::string& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (folder + "/.s.PGSQL.5432").c_str(),
                 sizeof(address.sun_path) - 1);
    return address;
  }

  int connect() override {
    if (stays_away_ && cuts_ > 0) return -1;
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_in(server_folder_);
    ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    return server;
  }

  bool passes_request(Doomed& state, std::string& bytes) override {
    const std::lock_guard lock(mutex_);
    if (cut_ == Cut::never || bytes.find(text_) == std::string::npos) return true;
    state.is_doomed = cut_ == Cut::after;
    cut_ = Cut::never;
    ++cuts_;
    return state.is_doomed;
  }
  bool passes_answer(Doomed& state, std::string&) override { return !state.is_doomed; }

  std::string server_folder_;
  TempFolder folder_;
  std::mutex mutex_;
  Cut cut_ = Cut::never;
  std::string text_;
  std::atomic<bool> stays_away_ = false;
  std::atomic<int> cuts_ = 0;
};

}  // namespace pawl::test
