// Diagnostics for --verbose: one line to stderr, redacted. What a user must see goes through the
// events and the view, never through here.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace pawl {

void set_verbose(bool verbose);
bool is_verbose();
void write_debug(std::string_view line);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (is_verbose()) write_debug(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace pawl
