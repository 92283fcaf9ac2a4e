// As much of HTTP/1.1 as this needs, over blocking sockets: one message is read from or written to
// a connection, which is then closed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace meals::http {

struct Message {
  std::string start_line;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const;
};

// A connected socket; closes it at the end.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(Connection&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // `address` is HOST:PORT, where HOST is an IPv4 address or localhost: a static binary has no
  // resolver.
  static std::optional<Connection> open(const std::string& address);

  void limit_waiting(int seconds);
  bool write(const std::string& bytes);

  // The next message; nothing when the peer closes early or sends what is no HTTP or too long.
  std::optional<Message> read_message();

 private:
  bool read_more();
  bool read_line(std::string& line);
  bool read_exactly(size_t count, std::string& out);
  bool read_chunks(std::string& out);
  bool read_body(Message& message);

  int fd_;
  std::string buffer_;
};

// One exchange with an HTTP server, over a connection of its own.
std::optional<Message> call(const std::string& address, const std::string& method,
                            const std::string& path, const std::string& body,
                            const std::string& extra_headers = "");

// The status of an answer; 0 when its start line is not one of HTTP/1.
int status(const Message& answer);

}  // namespace meals::http
