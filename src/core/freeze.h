// Times of the week in which an environment must not be changed: "Fri 16:00-Mon 08:00
// Europe/Berlin".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/config.h"

namespace pawl {

/// "DAY HH:MM-DAY HH:MM [ZONE]"; a window may run over the end of the week. No value when it does
/// not read so, or when it would last no time at all. Whether the zone exists is not checked here.
std::optional<FreezeWindow> parse_freeze_window(std::string_view text);

/// Whether `now` lies in it, in a zone that is that far east of UTC. The end is not in it.
bool is_in_window(const FreezeWindow& window, WallTime now, int utc_offset_minutes);

/// "Mon 08:00 Europe/Berlin"
std::string end_of(const FreezeWindow& window);

}  // namespace pawl
