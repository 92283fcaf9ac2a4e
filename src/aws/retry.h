// When a call is tried again, and after how long: the AWS SDKs' standard mode.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
//
// A bucket of tokens, shared by all calls of a client, stops the tries when a service is down for
// good: each costs some, and what succeeds gives back.
#pragma once

#include <chrono>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "net/http_client.h"

namespace pawl::aws {

constexpr int kRetryTokens = 500;
constexpr int kRetryCost = 5;
constexpr int kTimeoutCost = 10;
constexpr int kGivenBackWithoutRetry = 1;
constexpr std::chrono::milliseconds kMaxBackoff{20'000};
/// A service that asks for a longer pause is not waited for: its error is returned.
constexpr std::chrono::seconds kMaxRetryAfter{120};

/// The codes by which a service says that it is asked too much.
bool is_throttling_code(std::string_view code);
/// The codes of failures that pass by themselves.
bool is_transient_code(std::string_view code);

class RetryTokens {
 public:
  /// False, and nothing taken, when there are not enough.
  bool take(int cost);
  void give_back(int amount);
  int left() const { return left_; }

 private:
  int left_ = kRetryTokens;
};

int cost_of_retry(const Error& error);
/// Anything from nothing to 2^(retry - 1) seconds, at most kMaxBackoff; `retry` counts from 1. What
/// the service asked for is the least.
std::chrono::milliseconds retry_pause(int retry, const Error& error, Entropy& entropy);

/// Of x-amz-retry-after (milliseconds) or Retry-After (seconds, or a date: its distance from the
/// answer's own Date); whole seconds, rounded up; 0: not asked.
int retry_after_seconds(const Headers& headers);

}  // namespace pawl::aws
