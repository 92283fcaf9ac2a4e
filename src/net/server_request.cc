#include "net/server_request.h"

#include <algorithm>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstring>
#include <limits>

namespace pawl {
namespace {

namespace http = boost::beast::http;

Error connection_ended() {
  return {ErrorKind::unavailable, "the client closed the connection before the end of its request"};
}

}  // namespace

struct BeastRequest::Parser : http::request_parser<http::buffer_body> {};

Task<bool> ReceiveBuffer::fill(ServerSocket& socket) {
  if (begin == end) begin = end = 0;
  if (end == bytes.size() && begin > 0) {
    std::memmove(bytes.data(), bytes.data() + begin, end - begin);
    end -= begin;
    begin = 0;
  }
  // Only a head is ever kept whole, and Beast limits that.
  if (end == bytes.size()) bytes.resize(bytes.size() * 2);
  const size_t count =
      co_await socket.read_some(std::span<std::byte>(bytes.data() + end, bytes.size() - end));
  end += count;
  co_return count > 0;
}

BeastRequest::BeastRequest(ServerSocket& socket, ReceiveBuffer& buffer, size_t max_header_bytes)
    : socket_(socket), received_(buffer), parser_(std::make_unique<Parser>()) {
  const size_t limit = std::min<size_t>(max_header_bytes, std::numeric_limits<uint32_t>::max());
  parser_->header_limit(static_cast<uint32_t>(limit));
  parser_->body_limit(boost::none);
  parser_->eager(false);
}

BeastRequest::~BeastRequest() = default;

Task<BeastRequest::Head> BeastRequest::read_head() {
  while (!parser_->is_header_done()) {
    error_code failure = http::error::need_more;
    const auto unused = received_.unused();
    if (!unused.empty()) {
      failure = {};
      received_.consume(parser_->put(asio::buffer(unused.data(), unused.size()), failure));
    }
    if (failure == http::error::need_more) {
      const bool more = co_await received_.fill(socket_);
      if (!more) {
        const bool has_begun = parser_->got_some() || !received_.unused().empty();
        co_return socket_.is_overdue() && has_begun ? Head::too_slow : Head::closed;
      }
    } else if (failure) {
      const bool too_large =
          failure == http::error::header_limit || failure == http::error::buffer_overflow;
      co_return too_large ? Head::too_large : Head::bad;
    }
  }
  take_head();
  co_return Head::parsed;
}

void BeastRequest::take_head() {
  const auto& head = parser_->get();
  method_ = std::string(head.method_string());
  target_ = std::string(head.target());
  for (const auto& field : head)
    headers_.add(std::string(field.name_string()), std::string(field.value()));
  chunked_ = parser_->chunked();
  if (!chunked_) left_ = parser_->content_length().value_or(0);
  expects_continue_ = !body_is_complete() && !is_http_1_0() &&
                      equal_without_case(headers_.get_or("Expect", ""), "100-continue");
}

bool BeastRequest::is_all_read() const {
  return parser_->is_header_done() && body_is_complete() && received_.unused().empty();
}

Task<void> BeastRequest::read_to_the_end() {
  received_.consume(received_.unused().size());
  for (;;) {
    const bool more = co_await received_.fill(socket_);
    if (!more) co_return;
    received_.consume(received_.unused().size());
  }
}

bool BeastRequest::wants_keep_alive() const {
  return parser_->get().keep_alive();
}
bool BeastRequest::is_http_1_0() const {
  return parser_->get().version() < 11;
}
bool BeastRequest::body_is_complete() const {
  return chunked_ ? parser_->is_done() : left_ == 0;
}

Task<Result<size_t>> BeastRequest::read_some(std::span<std::byte> buffer) {
  if (body_is_complete() || buffer.empty()) co_return size_t{0};
  if (expects_continue_) {
    expects_continue_ = false;
    const bool written = co_await socket_.write("HTTP/1.1 100 Continue\r\n\r\n", {}, false);
    if (!written) co_return connection_ended();
  }
  // Not one co_await of a conditional: g++ 12 destroys the temporary of the branch not taken.
  if (chunked_) co_return co_await read_chunked(buffer);
  co_return co_await read_sized(buffer);
}

Task<Result<size_t>> BeastRequest::read_sized(std::span<std::byte> buffer) {
  buffer = buffer.first(static_cast<size_t>(std::min<uint64_t>(buffer.size(), left_)));
  const auto unused = received_.unused();
  size_t count = std::min(unused.size(), buffer.size());
  if (count > 0) {
    std::memcpy(buffer.data(), unused.data(), count);
    received_.consume(count);
  } else {
    // Straight into the handler's memory.
    count = co_await socket_.read_some(buffer);
    if (count == 0) co_return connection_ended();
  }
  left_ -= count;
  co_return count;
}

Task<Result<size_t>> BeastRequest::read_chunked(std::span<std::byte> buffer) {
  auto& body = parser_->get().body();
  body.data = buffer.data();
  body.size = buffer.size();
  body.more = true;
  while (!parser_->is_done() && body.size == buffer.size()) {
    error_code failure = http::error::need_more;
    const auto unused = received_.unused();
    if (!unused.empty()) {
      failure = {};
      received_.consume(parser_->put(asio::buffer(unused.data(), unused.size()), failure));
    }
    if (failure == http::error::need_more) {
      const bool more = co_await received_.fill(socket_);
      if (!more) co_return connection_ended();
    } else if (failure && failure != http::error::need_buffer) {
      co_return Error(ErrorKind::corrupt, "the body of the request is not well formed");
    }
  }
  co_return buffer.size() - body.size;
}

}  // namespace pawl
