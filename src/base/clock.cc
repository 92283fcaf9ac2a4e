#include "base/clock.h"

#include <fmt/format.h>

#include <ctime>

namespace pawl {

std::string to_iso8601(WallTime time) {
  auto seconds = static_cast<std::time_t>(time.unix_ms / 1000);
  auto fraction_ms = time.unix_ms % 1000;
  if (fraction_ms < 0) {
    fraction_ms += 1000;
    --seconds;
  }
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     fraction_ms);
}

Result<WallTime> parse_iso8601(std::string_view text) {
  const auto bad = [&] {
    return Error(ErrorKind::corrupt,
                 fmt::format("'{}' is not an ISO 8601 time", text.substr(0, 40)));
  };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, consumed = 0;
  const std::string copy(text.substr(0, 40));
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
                  &second, &consumed) != 6)
    return bad();
  std::string_view rest = std::string_view(copy).substr(static_cast<size_t>(consumed));
  int64_t fraction_ms = 0;
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    int64_t scale = 100;
    while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
      fraction_ms += (rest[0] - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
    }
  }
  if (rest != "Z" && rest != "+00:00" && rest != "+0000") return bad();
  const bool has_sign =
      copy.substr(0, static_cast<size_t>(consumed)).find_first_of("+ ") != std::string::npos ||
      copy.find("--") != std::string::npos;
  if (has_sign || year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60)
    return bad();
  std::tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  const std::time_t seconds = timegm(&parts);
  // timegm makes the 30th of February a day of March.
  if (parts.tm_mday != day) return bad();
  return WallTime{static_cast<int64_t>(seconds) * 1000 + fraction_ms};
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 59'950) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const auto seconds = (ms + 500) / 1000;
  const auto minutes = seconds / 60;
  if (minutes < 60) return fmt::format("{} min {} s", minutes, seconds % 60);
  return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

namespace detail {

Task<void> stop_after(Clock& clock, std::chrono::milliseconds limit, std::stop_source source,
                      bool* expired) {
  auto slept = co_await clock.sleep_for(limit);
  if (!slept.ok()) co_return;
  *expired = true;
  source.request_stop();
}

Error timed_out(std::chrono::milliseconds limit, Error inner) {
  return Error(ErrorKind::timeout,
               fmt::format("no answer within {} ({})", format_duration(limit), inner.message()))
      .with_outcome_unknown(inner.outcome_unknown());
}

}  // namespace detail
}  // namespace pawl
