// One request on a connection: its head is parsed by Beast, its body is read as the handler asks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/http_server.h"
#include "net/server_socket.h"

namespace pawl {

/// Bytes that arrived and were not used yet; kept from one request to the next.
struct ReceiveBuffer {
  std::vector<std::byte> bytes = std::vector<std::byte>(16u << 10);
  size_t begin = 0;
  size_t end = 0;
  std::span<const std::byte> unused() const { return {bytes.data() + begin, end - begin}; }
  void consume(size_t count) { begin += count; }
  /// Receives more behind what is there; false at the end of the stream.
  Task<bool> fill(ServerSocket& socket);
};

class BeastRequest : public ServerRequest {
 public:
  enum class Head { parsed, closed, bad, too_large, too_slow };

  BeastRequest(ServerSocket& socket, ReceiveBuffer& buffer, size_t max_header_bytes);
  ~BeastRequest() override;

  Task<Head> read_head();

  const std::string& method() const override { return method_; }
  const std::string& target() const override { return target_; }
  const Headers& headers() const override { return headers_; }
  std::string peer() const override { return socket_.peer(); }
  Task<Result<size_t>> read_some(std::span<std::byte> buffer) override;

  bool wants_keep_alive() const;
  bool is_http_1_0() const;
  bool body_is_complete() const;
  /// The client still waits for "100 Continue": it may send the body or not, so that the connection
  /// cannot be used again.
  bool client_waits_to_send() const { return expects_continue_; }
  /// Of a body whose length was told.
  uint64_t bytes_left() const { return left_; }
  /// Nothing that the client has sent is left, as far as its request was understood.
  bool is_all_read() const;
  /// Throws away what the client sends until it closes; after that the connection is at its end.
  Task<void> read_to_the_end();

 private:
  struct Parser;
  void take_head();
  Task<Result<size_t>> read_sized(std::span<std::byte> buffer);
  Task<Result<size_t>> read_chunked(std::span<std::byte> buffer);

  ServerSocket& socket_;
  ReceiveBuffer& received_;
  std::unique_ptr<Parser> parser_;
  std::string method_;
  std::string target_;
  Headers headers_;
  uint64_t left_ = 0;  // of a body whose length is known
  bool chunked_ = false;
  bool expects_continue_ = false;
};

}  // namespace pawl
