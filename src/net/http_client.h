// The HTTP client: libcurl's multi interface driven by the loop. One client keeps one pool of
// connections. Requests end early when the task's stop token is triggered.
//
// Large bodies are streamed: a BodySource is asked for bytes when the socket takes some, a BodySink
// is given bytes when some arrived, and either may say "not now" (would_block) and call its waker
// later. BytePipe joins the two, so that a download feeds an upload in constant memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "net/http.h"

namespace pawl {

class Loop;

enum class Flow { ready, would_block, end, abort };

/// Where a request body comes from. Read calls come from the loop's thread.
class BodySource {
 public:
  virtual ~BodySource() = default;
  struct Chunk {
    Flow flow = Flow::end;
    size_t bytes = 0;
  };
  /// Fills some of `buffer`. `would_block`: nothing now, the waker will be called.
  virtual Chunk read(std::span<std::byte> buffer) = 0;
  virtual void on_ready(std::function<void()> waker) { (void)waker; }
  /// Sent as Content-Length; chunked when absent.
  virtual std::optional<uint64_t> size() const { return std::nullopt; }
  /// Starts again from the first byte, for a redirect or a second try; false when that cannot be.
  virtual bool rewind() { return false; }
};

/// Where a response body goes. Write calls come from the loop's thread.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Takes all of `bytes` (ready), none now (would_block; the waker will be called), or ends the
  /// transfer (abort).
  virtual Flow write(std::span<const std::byte> bytes) = 0;
  /// Whether `bytes` more would be taken now; asked after a write, so that the transfer can pause
  /// before it has to keep a copy of what was refused. False: the waker will be called. What has
  /// arrived by then is still offered, until a write is refused.
  virtual bool wants_more(size_t bytes) { return (void)bytes, true; }
  /// Whatever comes would be in vain; asked when the waker is called, and true ends the transfer.
  virtual bool is_closed() const { return false; }
  virtual void on_ready(std::function<void()> waker) { (void)waker; }
};

enum class Redirects {
  none,    // a 3xx is the answer
  follow,  // GET and HEAD only, 5 at most; Authorization is left behind on another host
};

/// Whom to trust and who to be with one server, instead of the client's own ways: what Docker's
/// certs.d folders hold for a registry. An empty one changes nothing.
struct TlsFiles {
  std::string ca_pem;       // roots themselves; those of the system's folder stay trusted as well
  std::string client_cert;  // a file in PEM
  std::string client_key;   // a file in PEM
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;                    // small bodies
  std::shared_ptr<BodySource> source;  // large ones; wins over body
  std::shared_ptr<BodySink> sink;      // given the body of a 2xx answer instead of response.body
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{60'000};        // whole request; 0 = no limit (streams)
  std::chrono::milliseconds stall_timeout{60'000};  // less than 1 byte/s for so long: give up
  Redirects redirects = Redirects::none;
  size_t max_body_bytes = 8u << 20;  // of response.body
  /// Lets the server compress the body, and hands it on decompressed. Off by default: the bytes of
  /// a stored object must come as they are stored.
  bool accept_compressed = false;
  /// May share one connection with others like it, where the server speaks HTTP/2 over TLS. For
  /// questions with small answers; ignored for streamed bodies, which go faster over connections
  /// of their own.
  bool multiplex = false;
  /// Of the transfer's own buffer in each direction. Measured with eight copies of 25 MB side by
  /// side: larger ones gain nothing on loopback and cost memory for each transfer.
  size_t buffer_bytes = 256u << 10;
  /// For this server alone: a redirect to another leaves them behind. May be nullptr.
  std::shared_ptr<const TlsFiles> tls;
  /// Never through a proxy: for addresses of this machine or link alone, whose answers are secrets.
  bool is_direct = false;
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;
  std::string url;  // the one that answered, after redirects
  bool is_success() const { return status >= 200 && status < 300; }
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// Any status is a response; an Error is a failure of the transport (kinds: unavailable, timeout,
  /// interrupted, corrupt for a body over its limit). outcome_unknown() is set when the request may
  /// have reached the server. URLs in errors carry no query values.
  virtual Task<Result<HttpResponse>> send(HttpRequest request) = 0;
};

struct HttpClientOptions {
  std::string user_agent = "pawl";
  std::string ca_bundle;  // a file; empty: the system's (the CLI hands down SSL_CERT_FILE)
  /// Transfers at once to one origin; more wait their turn, and their time limits start with it.
  /// Requests with a BodySource are counted apart from the others: else downloads that wait for
  /// their uploads to the same host could hold every place.
  size_t max_connections_per_host = 48;
};
std::unique_ptr<HttpClient> make_http_client(Loop& loop, HttpClientOptions options = {});

/// An Error for an answer that was not a success: kind from the status (401/403 denied, 404
/// not_found, 409/412 conflict, 429 throttled, 5xx unavailable with outcome unknown for requests
/// that change something, else failed), Retry-After kept, the first `kQuotedBodyBytes` of the body
/// quoted.
constexpr size_t kQuotedBodyBytes = 300;
/// `url` without what may be a secret: query values and user information.
std::string url_for_people(std::string_view url);
Error error_from_response(const HttpResponse& response, std::string_view method);

/// A bounded buffer of bytes with a sink at one end and a source at the other.
class BytePipe {
 public:
  /// `expected_size` becomes the Content-Length of the request that reads.
  BytePipe(size_t capacity_bytes, std::optional<uint64_t> expected_size);
  BytePipe(BytePipe&&) = default;
  BytePipe& operator=(BytePipe&&) = delete;
  /// Fails the reader when neither close() nor fail() was called.
  ~BytePipe();
  std::shared_ptr<BodySink> sink();
  std::shared_ptr<BodySource> source();
  /// The writer is done; the reader sees the end after the last byte. When the reader's request
  /// ends before that, the writer's is aborted at once, also when nothing arrives for it.
  void close();
  /// The writer failed; the reader's request is aborted (never ended as if complete).
  void fail();
  /// Called with each chunk before the reader can see it: hashing, progress. Returning false aborts
  /// the writer; the reader is not told of the end.
  void on_bytes(std::function<bool(std::span<const std::byte>)> observer);

 private:
  struct State;
  class Sink;
  class Source;
  std::shared_ptr<State> state_;
};

/// Retries `attempt` while it fails with a transient error: full jitter, base 200 ms, doubling, at
/// most `max_wait`, honouring Retry-After. Only for calls that may be repeated.
struct RetryPolicy {
  int attempts = 4;
  std::chrono::milliseconds base{200};
  std::chrono::milliseconds max_wait{10'000};
  /// A server that asks for a longer pause than this is not waited for: its error is returned.
  std::chrono::seconds max_retry_after{120};
};
/// Whether a failed try is followed by another one.
inline bool is_retried(const RetryPolicy& policy, int attempt_done, const Error& error) {
  return is_transient(error.kind()) && attempt_done < policy.attempts &&
         std::chrono::seconds(error.retry_after_seconds()) <= policy.max_retry_after;
}
std::chrono::milliseconds retry_wait(const RetryPolicy& policy, int attempt_done,
                                     const Error& error, Entropy& entropy);

template <class T>
Task<Result<T>> with_retry(Clock& clock, Entropy& entropy, RetryPolicy policy,
                           std::function<Task<Result<T>>()> attempt) {
  for (int number = 1;; ++number) {
    Result<T> result = co_await attempt();
    if (result.ok() || !is_retried(policy, number, result.error())) co_return result;
    auto slept = co_await clock.sleep_for(retry_wait(policy, number, result.error(), entropy));
    if (!slept.ok()) co_return std::move(slept).error();
  }
}

}  // namespace pawl
