#include "github/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pawl {
namespace {

// "Continue to wait ... at least one minute", then "an exponentially increasing amount of time".
constexpr std::chrono::seconds kUnsaidWait{60};
constexpr int kMaxDoublings = 6;
constexpr int64_t kMaxResetSeconds = 3'600;

int64_t number_in(const Headers& headers, std::string_view name) {
  const std::string text = headers.get_or(name, "");
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool says(const HttpResponse& response, std::string_view words) {
  return response.body.find(words) != std::string::npos;
}

}  // namespace

std::optional<RateLimit> rate_limit_of(const HttpResponse& response, int limits_before,
                                       WallTime now) {
  if (response.status != 403 && response.status != 429) return std::nullopt;
  const bool used_up = response.headers.get_or("x-ratelimit-remaining", "") == "0";
  const bool is_secondary =
      says(response, "secondary rate limit") || says(response, "abuse detection");
  const int64_t asked = number_in(response.headers, "retry-after");
  if (response.status == 403 && !used_up && !is_secondary && asked <= 0) return std::nullopt;
  RateLimit limit;
  limit.is_primary = used_up && !is_secondary;
  if (asked > 0) {
    limit.wait = std::chrono::seconds(asked);
    return limit;
  }
  if (used_up) {
    const auto date = parse_http_date(response.headers.get_or("date", ""));
    const int64_t left =
        number_in(response.headers, "x-ratelimit-reset") - date.value_or(now).unix_ms / 1000;
    if (left > 0) {
      limit.wait = std::chrono::seconds(std::min(left, kMaxResetSeconds));
      return limit;
    }
  }
  limit.wait = kUnsaidWait * (1 << std::clamp(limits_before, 0, kMaxDoublings));
  return limit;
}

std::string describe(const RateLimit& limit, const HttpResponse& response) {
  if (!limit.is_primary) return "GitHub asks for fewer requests at once";
  const int64_t an_hour = number_in(response.headers, "x-ratelimit-limit");
  return an_hour > 0 ? fmt::format("GitHub's rate limit is used up ({} requests an hour)", an_hour)
                     : "GitHub's rate limit is used up";
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT": every part at its place.
  constexpr size_t kLength = 29;
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != kLength || text.substr(25) != " GMT") return std::nullopt;
  const size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const auto made = fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1,
                                text.substr(5, 2), text.substr(17, 8));
  auto time = parse_iso8601(made);
  if (!time.ok()) return std::nullopt;
  return *time;
}

}  // namespace pawl
