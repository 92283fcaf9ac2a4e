// GitHub's rate limits: told apart from refusals, and how long to wait. Pure.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http_client.h"

namespace pawl {

struct RateLimit {
  bool is_primary = false;  // the hour's requests are used up; else too many at once
  std::chrono::seconds wait{0};
};

/// No value when the answer is no rate limit. `limits_before`: how many this call has met already:
/// without a word on how long to wait it is 60 s, doubled each time. A reset is measured from the
/// answer's own Date: the two clocks need not agree.
std::optional<RateLimit> rate_limit_of(const HttpResponse& response, int limits_before,
                                       WallTime now);

/// "GitHub's rate limit is used up (5000 an hour)" or "GitHub asks for fewer requests at once".
std::string describe(const RateLimit& limit, const HttpResponse& response);

/// "Fri, 27 Nov 2026 18:35:29 GMT" (RFC 9110, section 5.6.7); no value for anything else.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace pawl
