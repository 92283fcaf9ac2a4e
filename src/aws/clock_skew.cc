#include "aws/clock_skew.h"

#include "aws/http_date.h"
#include "base/log.h"

namespace pawl::aws {

bool ClockSkew::learn(const Headers& answer, WallTime sent, WallTime received) {
  const auto date = parse_http_date(answer.get_or("Date", ""));
  if (!date) return false;
  // A long body, or a slow service, is no skew: the Date need only lie between the two.
  const bool is_near =
      *date - corrected(sent) > -kNoticedSkew && *date - corrected(received) < kNoticedSkew;
  if (is_near) return false;
  offset_ = *date - received;
  log_debug("the clock here is {} from AWS's, which is corrected for",
            format_duration(offset_.count() < 0 ? -offset_ : offset_));
  return true;
}

}  // namespace pawl::aws
