#include "core/freeze.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pawl {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr int kMinutesPerDay = 24 * 60;
constexpr int kMinutesPerWeek = 7 * kMinutesPerDay;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "Fri 16:00"
std::optional<int> parse_minute_of_week(std::string_view text) {
  if (text.size() != 9 || text[3] != ' ' || text[6] != ':') return std::nullopt;
  for (const size_t i : {4u, 5u, 7u, 8u})
    if (!is_digit(text[i])) return std::nullopt;
  const auto day = std::find(kDays.begin(), kDays.end(), text.substr(0, 3));
  const int hour = (text[4] - '0') * 10 + (text[5] - '0');
  const int minute = (text[7] - '0') * 10 + (text[8] - '0');
  if (day == kDays.end() || hour > 23 || minute > 59) return std::nullopt;
  return static_cast<int>(day - kDays.begin()) * kMinutesPerDay + hour * 60 + minute;
}

// IANA names: letters, digits and _ + - between slashes, a letter first.
bool is_zone_name(std::string_view zone) {
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (zone.empty() || zone.size() > 64 || zone.back() == '/') return false;
  bool at_start = true;
  for (const char c : zone) {
    if (at_start && !is_letter(c)) return false;
    at_start = c == '/';
    if (!is_letter(c) && !is_digit(c) && c != '/' && c != '_' && c != '+' && c != '-') return false;
  }
  return true;
}

}  // namespace

std::optional<FreezeWindow> parse_freeze_window(std::string_view text) {
  constexpr size_t kTimeLength = 9;
  constexpr size_t kBothLength = 2 * kTimeLength + 1;
  if (text.size() < kBothLength || text[kTimeLength] != '-') return std::nullopt;
  const auto start = parse_minute_of_week(text.substr(0, kTimeLength));
  const auto end = parse_minute_of_week(text.substr(kTimeLength + 1, kTimeLength));
  if (!start || !end || *start == *end) return std::nullopt;
  std::string_view zone = "UTC";
  if (text.size() > kBothLength) {
    if (text[kBothLength] != ' ') return std::nullopt;
    zone = text.substr(kBothLength + 1);
  }
  if (!is_zone_name(zone)) return std::nullopt;
  FreezeWindow window;
  window.text = std::string(text);
  window.start_minute_of_week = *start;
  window.end_minute_of_week = *end;
  window.zone = std::string(zone);
  return window;
}

bool is_in_window(const FreezeWindow& window, WallTime now, int utc_offset_minutes) {
  // 1970-01-01 was a Thursday: three days after a Monday.
  constexpr int64_t kEpochMinuteOfWeek = int64_t{3} * kMinutesPerDay;
  constexpr int64_t kMsPerMinute = 60'000;
  int64_t minutes = now.unix_ms / kMsPerMinute;
  if (now.unix_ms % kMsPerMinute < 0) --minutes;
  int64_t minute_of_week = (minutes + kEpochMinuteOfWeek + utc_offset_minutes) % kMinutesPerWeek;
  if (minute_of_week < 0) minute_of_week += kMinutesPerWeek;
  const int64_t start = window.start_minute_of_week;
  const int64_t end = window.end_minute_of_week;
  if (start < end) return start <= minute_of_week && minute_of_week < end;
  return minute_of_week >= start || minute_of_week < end;
}

std::string end_of(const FreezeWindow& window) {
  const int minute = window.end_minute_of_week % kMinutesPerDay;
  const auto day = static_cast<size_t>(window.end_minute_of_week / kMinutesPerDay) % kDays.size();
  return fmt::format("{} {:02}:{:02} {}", kDays[day], minute / 60, minute % 60, window.zone);
}

}  // namespace pawl
