// One accepted connection as the server sees it: bytes in, bytes out, with an idle limit. Every
// wait may be given up by destroying the task that waits.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/task.h"
#include "net/loop_asio.h"

namespace pawl {

class ServerSocket {
 public:
  ServerSocket(Loop& loop, UniqueFd fd, std::string peer);

  const std::string& peer() const { return peer_; }
  /// 0: the client has closed, failed, or was shut down.
  Task<size_t> read_some(std::span<std::byte> buffer);
  /// False when the client has gone.
  Task<bool> write(std::string_view first, std::string_view second, bool more_follows);
  Task<bool> send_file(int file, uint64_t offset, uint64_t length);

  /// Reads give 0 when nothing calls this again for so long; what is to be said is still written.
  void expect_within(std::chrono::milliseconds limit);
  void expect_nothing();
  /// The limit was reached.
  bool is_overdue() const { return overdue_; }
  void shut_down_writing();
  /// Wakes whoever waits on it; reads give 0 from then on.
  void shut_down();

 private:
  Task<bool> wait(WaitableFd::Ready what);
  Task<void> after_progress();

  Loop& loop_;
  WaitableFd fd_;
  std::string peer_;
  asio::steady_timer idle_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  int without_wait_ = 0;
  bool overdue_ = false;
  uint64_t expectation_ = 0;
};

/// A listening socket, or why there is none.
Result<UniqueFd> listen_on(const std::string& address, uint16_t port);
uint16_t local_port(int fd);

}  // namespace pawl
