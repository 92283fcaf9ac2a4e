// A small HTTP/1.1 server on loopback for the sandbox and for tests: Beast underneath, a coroutine
// handler on top, bodies streamed in both directions.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "base/task.h"
#include "net/http.h"

namespace pawl {

class Loop;

struct FileBody {
  std::string path;
  uint64_t offset = 0;
  uint64_t length = 0;
};

struct ServerResponse {
  int status = 200;
  Headers headers;
  std::variant<std::string, FileBody> body;
  /// Close the connection without sending anything (a dropped answer).
  bool drop = false;
};

class ServerRequest {
 public:
  virtual ~ServerRequest() = default;
  virtual const std::string& method() const = 0;
  /// Path and query as they came on the wire, nothing decoded.
  virtual const std::string& target() const = 0;
  virtual const Headers& headers() const = 0;
  /// "127.0.0.1:5000" of the client.
  virtual std::string peer() const = 0;
  /// 0 at the end of the body. "Expect: 100-continue" is answered at the first read.
  virtual Task<Result<size_t>> read_some(std::span<std::byte> buffer) = 0;
  Task<Result<std::string>> read_all(size_t max_bytes);

  /// target() before the "?", and after it.
  std::string_view raw_path() const;
  std::string_view raw_query() const;
  /// The first value of that query parameter, decoded; what is not valid ("%zz") stays as it came.
  std::optional<std::string> query(std::string_view name) const;
  /// Every query parameter in order, decoded.
  std::vector<std::pair<std::string, std::string>> query_list() const;
};

using HttpHandler = std::function<Task<ServerResponse>(ServerRequest& request)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  /// A listening socket that was made elsewhere (in a function's network namespace); taken over,
  /// and address and port are not looked at. -1: none.
  int listening_socket = -1;
  /// A head over it is answered with 431.
  size_t max_header_bytes = 64u << 10;
  /// How long a client may take for the whole head of its next request. One that has begun it is
  /// answered with 408; a connection that was idle is closed.
  std::chrono::milliseconds head_timeout{120'000};
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  /// Stops accepting, and ends open connections. Safe to call twice.
  virtual void close() = 0;
};

/// Serves until closed or destroyed. A handler that throws becomes a 500 with no details.
Result<std::unique_ptr<HttpServer>> serve_http(Loop& loop, HttpServerOptions options,
                                               HttpHandler handler);

}  // namespace pawl
