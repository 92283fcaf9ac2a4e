// From an answer that was not wanted to an Error, and from an Error to the wait before the next
// try.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "net/http_client.h"

namespace pawl {
namespace {

/// Seconds only: the other form of Retry-After, a date, depends on two clocks that agree.
int retry_after_of(const Headers& headers) {
  const std::string text = headers.get_or("Retry-After", "");
  int seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failure != std::errc() || end != text.data() + text.size()) return 0;
  return std::max(seconds, 0);
}

/// One line of printable text, whatever the server sent.
std::string quoted(std::string_view body) {
  std::string text;
  for (const char c : body.substr(0, kQuotedBodyBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool blank = byte <= ' ' || byte == 0x7f;
    if (!blank)
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  // A cut must not leave half a UTF-8 character behind.
  if (body.size() > kQuotedBodyBytes) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80)
      text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
    text += "...";
  }
  return text;
}

}  // namespace

Error error_from_response(const HttpResponse& response, std::string_view method) {
  const std::string body = quoted(response.body);
  const auto url = url_for_people(response.url);
  auto what = fmt::format("{} {} answered {}", method, url, response.status);
  if (!body.empty()) what += fmt::format(": {}", body);
  const bool changes_something = method != "GET" && method != "HEAD";
  return Error(error_kind_of_status(response.status), std::move(what))
      .with_http_status(response.status)
      .with_retry_after(retry_after_of(response.headers))
      .with_outcome_unknown(response.status >= 500 && changes_something);
}

std::string url_for_people(std::string_view url) {
  // Query values may be credentials (presigned URLs), and so may what stands before an "@".
  const auto query = url.find_first_of("?#");
  std::string shown(url.substr(0, query));
  const auto scheme = shown.find("://");
  const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const auto at = shown.substr(0, shown.find('/', begin)).rfind('@');
  if (at != std::string::npos && at >= begin) shown.erase(begin, at + 1 - begin);
  if (query != std::string_view::npos && url[query] == '?') shown += "?...";
  return shown;
}

std::chrono::milliseconds retry_wait(const RetryPolicy& policy, int attempt_done,
                                     const Error& error, Entropy& entropy) {
  // Full jitter: anything from nothing to the exponential bound, so that many clients spread out.
  const int doublings = std::clamp(attempt_done - 1, 0, 30);
  const auto bound = std::min(policy.max_wait, policy.base * (int64_t{1} << doublings));
  const auto span = static_cast<uint64_t>(std::max<int64_t>(bound.count(), 0)) + 1;
  const std::chrono::milliseconds jittered(static_cast<int64_t>(entropy.next() % span));
  // What the server asked for is a floor, and the policy's own limit does not undercut it.
  return std::max<std::chrono::milliseconds>(jittered,
                                             std::chrono::seconds(error.retry_after_seconds()));
}

}  // namespace pawl
