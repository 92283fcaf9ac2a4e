#include "net/server_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace pawl {
namespace {

constexpr int kBacklog = 1024;
/// A connection that always has something to do lets others have a turn after so many calls.
constexpr int kTurnsAtOnce = 16;
constexpr size_t kMaxSendfileBytes = 1u << 20;

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

}  // namespace

ServerSocket::ServerSocket(Loop& loop, UniqueFd fd, std::string peer)
    : loop_(loop), fd_(loop, std::move(fd)), peer_(std::move(peer)), idle_(loop.impl().io) {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

Task<bool> ServerSocket::wait(WaitableFd::Ready what) {
  without_wait_ = 0;
  return fd_.wait(what);
}

Task<void> ServerSocket::after_progress() {
  if (++without_wait_ < kTurnsAtOnce) co_return;
  without_wait_ = 0;
  co_await yield_to_loop(loop_);
}

Task<size_t> ServerSocket::read_some(std::span<std::byte> buffer) {
  for (;;) {
    if (overdue_) co_return 0;
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (count >= 0) {
      co_await after_progress();
      co_return static_cast<size_t>(count);
    }
    if (errno == EINTR) continue;
    if (!would_block() || !co_await wait(WaitableFd::Ready::read)) co_return 0;
  }
}

Task<bool> ServerSocket::write(std::string_view first, std::string_view second, bool more_follows) {
  while (!first.empty() || !second.empty()) {
    std::array<iovec, 2> pieces{};
    pieces[0] = {const_cast<char*>(first.data()), first.size()};
    pieces[1] = {const_cast<char*>(second.data()), second.size()};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const int flags = MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0);
    const ssize_t count = ::sendmsg(fd_.get(), &message, flags);
    if (count >= 0) {
      const auto from_first = std::min(static_cast<size_t>(count), first.size());
      first.remove_prefix(from_first);
      second.remove_prefix(static_cast<size_t>(count) - from_first);
      co_await after_progress();
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block() || !co_await wait(WaitableFd::Ready::write)) co_return false;
  }
  co_return true;
}

Task<bool> ServerSocket::send_file(int file, uint64_t offset, uint64_t length) {
  auto at = static_cast<off_t>(offset);
  while (length > 0) {
    const auto piece = std::min<uint64_t>(length, kMaxSendfileBytes);
    const ssize_t count = ::sendfile(fd_.get(), file, &at, piece);
    // Shorter than what was promised: only closing the connection tells the client.
    if (count == 0) co_return false;
    if (count > 0) {
      length -= static_cast<uint64_t>(count);
      co_await after_progress();
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block() || !co_await wait(WaitableFd::Ready::write)) co_return false;
  }
  co_return true;
}

void ServerSocket::expect_within(std::chrono::milliseconds limit) {
  idle_.expires_after(limit);
  // The wait may be over and its handler under way when this is destroyed, or expects nothing more.
  const uint64_t number = ++expectation_;
  idle_.async_wait([this, number, alive = std::weak_ptr<bool>(alive_)](error_code failure) {
    if (failure || alive.expired() || number != expectation_) return;
    overdue_ = true;
    ::shutdown(fd_.get(), SHUT_RD);
  });
}

void ServerSocket::expect_nothing() {
  ++expectation_;
  idle_.cancel();
}

void ServerSocket::shut_down_writing() {
  ::shutdown(fd_.get(), SHUT_WR);
}
void ServerSocket::shut_down() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

Result<UniqueFd> listen_on(const std::string& address, uint16_t port) {
  SocketAddress where{};
  socklen_t length = sizeof(where.v4);
  if (::inet_pton(AF_INET, address.c_str(), &where.v4.sin_addr) == 1) {
    where.v4.sin_family = AF_INET;
    where.v4.sin_port = htons(port);
  } else if (::inet_pton(AF_INET6, address.c_str(), &where.v6.sin6_addr) == 1) {
    where.v6.sin6_family = AF_INET6;
    where.v6.sin6_port = htons(port);
    length = sizeof(where.v6);
  } else {
    return Error(ErrorKind::usage, fmt::format("'{}' is not an IP address to listen on", address));
  }
  UniqueFd fd(::socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (!fd || ::bind(fd.get(), &where.any, length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const ErrorKind kind = errno == EADDRINUSE ? ErrorKind::conflict : ErrorKind::unavailable;
    return Error(kind,
                 fmt::format("cannot listen on {}:{}: {}", address, port, std::strerror(errno)));
  }
  return fd;
}

uint16_t local_port(int fd) {
  SocketAddress where{};
  socklen_t length = sizeof(where);
  if (::getsockname(fd, &where.any, &length) != 0) return 0;
  if (where.any.sa_family == AF_INET) return ntohs(where.v4.sin_port);
  return where.any.sa_family == AF_INET6 ? ntohs(where.v6.sin6_port) : uint16_t{0};
}

}  // namespace pawl
