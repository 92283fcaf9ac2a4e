#include "aws/http_date.h"

#include <fmt/format.h>

namespace pawl::aws {

std::optional<WallTime> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr size_t kLength = 29;
  if (text.size() != kLength || text.substr(3, 2) != ", " || text.substr(25) != " GMT")
    return std::nullopt;
  const size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  auto time = parse_iso8601(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1,
                                        text.substr(5, 2), text.substr(17, 8)));
  if (!time.ok()) return std::nullopt;
  return *time;
}

}  // namespace pawl::aws
