// The one date format of HTTP that servers still send.
// https://www.rfc-editor.org/rfc/rfc9110#date.http
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace pawl::aws {

/// "Sun, 06 Nov 1994 08:49:37 GMT"; nothing for any other text.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace pawl::aws
