// One request on one curl handle: what goes out, what came back, and why it ended. Callbacks of
// curl end here; none of them resumes a coroutine.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "net/http_client.h"

namespace pawl {

class CurlTransfer : public std::enable_shared_from_this<CurlTransfer> {
 public:
  CurlTransfer(HttpRequest& request, const HttpClientOptions& options);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer();

  static CurlTransfer* of(CURL* easy);
  CURL* easy() const { return easy_; }
  /// Set once, from the loop and outside of curl.
  const OneShot<CURLcode>& ended() const { return ended_; }
  /// What the request came to; call once, after it ended.
  Result<HttpResponse> take_result(CURLcode code);
  /// The task was asked to stop.
  Error interrupted() const;

  enum class Direction { receive, send };
  /// Lets curl go on in that direction. Not to be called from a callback of curl.
  CURLcode unpause(Direction direction);
  /// The sink wants nothing more: what curl is to end with.
  CURLcode close_sink();
  /// Called from inside curl when an answer makes the rest of a paused upload needless.
  void on_early_answer(std::function<void()> waker) { early_answer_ = std::move(waker); }
  bool is_paused(Direction direction) const {
    return direction == Direction::receive ? receive_paused_ : send_paused_;
  }
  /// Nobody waits for it any more: its callbacks touch neither source nor sink.
  void abandon() { abandoned_ = true; }
  /// Whether the request, with its source and sink, is there still: somebody waits for its end.
  bool is_under_way() const { return in_multi && !abandoned_; }
  BodySource* source() const { return request_.source.get(); }
  BodySink* sink() const { return request_.sink.get(); }

  bool in_multi = false;

 private:
  enum class Reason { none, body_over_limit, sink_refused, source_failed, not_sent_again };
  struct Callbacks;

  void set_options(const HttpClientOptions& options);
  void set_version();
  void set_tls_files();
  void set_body();
  void set_headers();
  void set_callbacks();
  int pause_mask() const;
  size_t receive(std::span<const std::byte> bytes);
  Flow offer(std::span<const std::byte> bytes);
  size_t give(std::span<std::byte> buffer);
  void take_header_line(std::string_view line);
  bool changes_something() const { return request_.method != "GET" && request_.method != "HEAD"; }
  Error failure(CURLcode code) const;
  Error timed_out() const;
  std::string story() const;

  HttpRequest& request_;
  HttpResponse response_;
  CURL* easy_ = nullptr;
  curl_slist* header_list_ = nullptr;
  OneShot<CURLcode> ended_;
  Reason reason_ = Reason::none;
  bool sent_ = false;  // the request began to go out on a connection
  bool receive_paused_ = false;
  bool send_paused_ = false;
  std::vector<std::byte> held_;  // what the sink refused, and what came behind it
  std::function<void()> early_answer_;
  bool abandoned_ = false;
  char curl_words_[CURL_ERROR_SIZE] = {};
};

}  // namespace pawl
