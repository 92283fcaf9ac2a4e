// What a finished transfer came to, in our words: curl's codes become kinds, and whether the server
// may have done what it was asked is decided here.
#include <fmt/format.h>

#include "net/curl_transfer.h"

namespace pawl {

Result<HttpResponse> CurlTransfer::take_result(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  // No version of curl is known to end a paused transfer; a body must not lose its end to one.
  if (code == CURLE_OK && !held_.empty()) code = CURLE_WRITE_ERROR;
  if (code == CURLE_OK) return std::move(response_);
  return failure(code).with_outcome_unknown(sent_ && changes_something());
}

std::string CurlTransfer::story() const {
  return fmt::format("{} {}", request_.method, url_for_people(request_.url));
}

Error CurlTransfer::interrupted() const {
  return Error(ErrorKind::interrupted, fmt::format("{} was stopped", story()))
      .with_outcome_unknown(sent_ && changes_something());
}

Error CurlTransfer::timed_out() const {
  if (!sent_) {
    return Error(ErrorKind::timeout, fmt::format("{}: no connection within {}", story(),
                                                 format_duration(request_.connect_timeout)));
  }
  curl_off_t elapsed_us = 0;
  curl_easy_getinfo(easy_, CURLINFO_TOTAL_TIME_T, &elapsed_us);
  const bool whole = request_.timeout.count() > 0 && elapsed_us / 1000 >= request_.timeout.count();
  if (whole) {
    return Error(ErrorKind::timeout, fmt::format("{}: no complete answer within {}", story(),
                                                 format_duration(request_.timeout)));
  }
  return Error(ErrorKind::timeout, fmt::format("{}: nothing was received or sent for {}", story(),
                                               format_duration(request_.stall_timeout)));
}

Error CurlTransfer::failure(CURLcode code) const {
  switch (reason_) {
    case Reason::body_over_limit:
      return Error(ErrorKind::corrupt, fmt::format("{}: the answer is larger than {} bytes",
                                                   story(), request_.max_body_bytes));
    case Reason::sink_refused:
      // Whoever was to have the bytes is gone: that is no failure of the server that sends them.
      if (request_.sink->is_closed())
        return Error(ErrorKind::interrupted,
                     fmt::format("{}: nobody waits for the answer any more", story()));
      return Error(ErrorKind::failed,
                   fmt::format("{}: the receiver of the answer gave up", story()));
    case Reason::source_failed:
      return Error(ErrorKind::failed, fmt::format("{}: what was to be sent ended early", story()));
    case Reason::not_sent_again:
      return Error(ErrorKind::unavailable,
                   fmt::format("{}: the connection was closed before an answer came", story()));
    case Reason::none:
      break;
  }
  const char* words = curl_words_[0] != '\0' ? curl_words_ : curl_easy_strerror(code);
  const auto with_words = [&](ErrorKind kind) {
    return Error(kind, fmt::format("{}: {}", story(), words));
  };
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return timed_out();
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return with_words(ErrorKind::usage);
    case CURLE_PEER_FAILED_VERIFICATION:
      if (std::string_view(words).find("expired") != std::string_view::npos)
        return with_words(ErrorKind::failed)
            .with_hint(
                "the server's certificate has to be renewed, or this machine's clock is wrong");
      [[fallthrough]];
    case CURLE_SSL_CACERT_BADFILE:
      return with_words(ErrorKind::failed)
          .with_hint("the server's certificate is not trusted; SSL_CERT_FILE names other roots");
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
      return with_words(ErrorKind::corrupt);
    default:
      return with_words(ErrorKind::unavailable);
  }
}

}  // namespace pawl
