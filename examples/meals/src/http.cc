#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>

namespace meals::http {
namespace {

constexpr size_t kMaxHead = 64 * 1024;
constexpr size_t kMaxBody = 8 * 1024 * 1024;  // Lambda's own limit on an event is 6 MB

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A size in the given base, or nothing when `text` is not wholly a number up to kMaxBody.
std::optional<size_t> parse_size(const std::string& text, int base) {
  if (text.empty() || !std::isxdigit(static_cast<unsigned char>(text[0]))) return std::nullopt;
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, base);
  if (*end != '\0' || value > kMaxBody) return std::nullopt;
  return static_cast<size_t>(value);
}

bool parse_address(const std::string& address, sockaddr_in& out) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return false;
  std::string host = address.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  const auto port = parse_size(address.substr(colon + 1), 10);
  if (!port || *port > 65535) return false;
  out = {};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<uint16_t>(*port));
  return inet_pton(AF_INET, host.c_str(), &out.sin_addr) == 1;
}

}  // namespace

std::string Message::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<Connection> Connection::open(const std::string& address) {
  sockaddr_in target;
  if (!parse_address(address, target)) return std::nullopt;
  Connection connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* name = reinterpret_cast<const sockaddr*>(&target);
  if (connection.fd_ < 0 || ::connect(connection.fd_, name, sizeof target) != 0)
    return std::nullopt;
  return connection;
}

void Connection::limit_waiting(int seconds) {
  const timeval limit{seconds, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

bool Connection::write(const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

std::optional<Message> Connection::read_message() {
  Message message;
  size_t head = 0;
  if (!read_line(message.start_line)) return std::nullopt;
  for (std::string line; read_line(line);) {
    if (line.empty()) return read_body(message) ? std::optional(std::move(message)) : std::nullopt;
    head += line.size();
    const size_t colon = line.find(':');
    if (colon == std::string::npos || head > kMaxHead) break;
    std::string name = line.substr(0, colon);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    message.headers[name] = trimmed(line.substr(colon + 1));
  }
  return std::nullopt;
}

bool Connection::read_body(Message& message) {
  if (!message.header("transfer-encoding").empty()) {
    return ::strcasecmp(message.header("transfer-encoding").c_str(), "chunked") == 0 &&
           read_chunks(message.body);
  }
  // Without a length there is no body: a server that means "until I close" is none that we talk to.
  const std::string length = message.header("content-length");
  if (length.empty()) return true;
  const auto size = parse_size(length, 10);
  return size && read_exactly(*size, message.body);
}

bool Connection::read_chunks(std::string& out) {
  for (std::string line; read_line(line);) {
    const auto size = parse_size(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size || out.size() + *size > kMaxBody) return false;
    if (*size == 0) {
      while (read_line(line)) {
        if (line.empty()) return true;
      }
      return false;
    }
    std::string chunk;
    if (!read_exactly(*size, chunk) || !read_line(line) || !line.empty()) return false;
    out += chunk;
  }
  return false;
}

bool Connection::read_line(std::string& line) {
  size_t end;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (buffer_.size() > kMaxHead || !read_more()) return false;
  }
  line = buffer_.substr(0, end > 0 && buffer_[end - 1] == '\r' ? end - 1 : end);
  buffer_.erase(0, end + 1);
  return true;
}

bool Connection::read_exactly(size_t count, std::string& out) {
  while (buffer_.size() < count) {
    if (!read_more()) return false;
  }
  out = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return true;
}

bool Connection::read_more() {
  char chunk[16 * 1024];
  ssize_t count;
  do {
    count = ::recv(fd_, chunk, sizeof chunk, 0);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(count));
  return true;
}

std::optional<Message> call(const std::string& address, const std::string& method,
                            const std::string& path, const std::string& body,
                            const std::string& extra_headers) {
  auto connection = Connection::open(address);
  if (!connection) return std::nullopt;
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: " + address +
                        "\r\nConnection: close\r\n" + extra_headers;
  if (method != "GET") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  if (!connection->write(request + "\r\n" + body)) return std::nullopt;
  return connection->read_message();
}

int status(const Message& answer) {
  if (answer.start_line.compare(0, 7, "HTTP/1.") != 0 || answer.start_line.size() < 12) return 0;
  return std::atoi(answer.start_line.c_str() + 9);
}

}  // namespace meals::http
