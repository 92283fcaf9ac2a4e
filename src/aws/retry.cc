#include "aws/retry.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "aws/http_date.h"

namespace pawl::aws {
namespace {

// As botocore has them (retries/standard.py), which is held against these by a test.
constexpr std::array<std::string_view, 14> kThrottling = {"Throttling",
                                                          "ThrottlingException",
                                                          "ThrottledException",
                                                          "RequestThrottledException",
                                                          "TooManyRequestsException",
                                                          "ProvisionedThroughputExceededException",
                                                          "TransactionInProgressException",
                                                          "RequestLimitExceeded",
                                                          "BandwidthLimitExceeded",
                                                          "LimitExceededException",
                                                          "RequestThrottled",
                                                          "SlowDown",
                                                          "PriorRequestNotComplete",
                                                          "EC2ThrottledException"};
// The identity provider that STS asks may be slow (its special case in every SDK).
constexpr std::array<std::string_view, 4> kTransient = {"RequestTimeout", "RequestTimeoutException",
                                                        "IDPCommunicationError",
                                                        "IDPCommunicationErrorException"};

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

int seconds_of(int64_t milliseconds) {
  constexpr int64_t kMost = int64_t{365} * 24 * 3600;
  return static_cast<int>(std::clamp<int64_t>((milliseconds + 999) / 1000, 0, kMost));
}

}  // namespace

bool is_throttling_code(std::string_view code) {
  return std::find(kThrottling.begin(), kThrottling.end(), code) != kThrottling.end();
}

bool is_transient_code(std::string_view code) {
  return std::find(kTransient.begin(), kTransient.end(), code) != kTransient.end();
}

bool RetryTokens::take(int cost) {
  if (cost > left_) return false;
  left_ -= cost;
  return true;
}

void RetryTokens::give_back(int amount) {
  left_ = std::min(left_ + amount, kRetryTokens);
}

int cost_of_retry(const Error& error) {
  return error.kind() == ErrorKind::timeout ? kTimeoutCost : kRetryCost;
}

std::chrono::milliseconds retry_pause(int retry, const Error& error, Entropy& entropy) {
  const int doublings = std::clamp(retry - 1, 0, 30);
  const int64_t bound = std::min<int64_t>(kMaxBackoff.count(), int64_t{1000} << doublings);
  const auto jittered = static_cast<int64_t>(entropy.next() % static_cast<uint64_t>(bound + 1));
  return std::max<std::chrono::milliseconds>(std::chrono::milliseconds(jittered),
                                             std::chrono::seconds(error.retry_after_seconds()));
}

int retry_after_seconds(const Headers& headers) {
  if (const auto asked = whole_number(headers.get_or("x-amz-retry-after", "")))
    return seconds_of(*asked);
  const std::string text = headers.get_or("Retry-After", "");
  constexpr int64_t kMostSeconds = int64_t{1} << 40;
  if (const auto asked = whole_number(text))
    return seconds_of(std::min(*asked, kMostSeconds) * 1000);
  const auto until = parse_http_date(text);
  const auto sent = parse_http_date(headers.get_or("Date", ""));
  return until && sent ? seconds_of((*until - *sent).count()) : 0;
}

}  // namespace pawl::aws
