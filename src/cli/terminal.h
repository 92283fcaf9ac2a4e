// What the terminal can do, and the few escape codes that Pawl uses. Nothing is coloured in a pipe
// or when NO_COLOR is set (https://no-color.org).
#pragma once

#include <string>
#include <string_view>

#include "cli/globals.h"

namespace pawl {

struct Terminal {
  bool is_terminal = false;  // stdout is one and TERM is not "dumb"
  bool has_colour = false;
  int columns = 80;
  int rows = 24;

  static Terminal of_stdout(const ProcessEnvironment& environment);

  std::string bold(std::string_view text) const { return styled("1", text); }
  std::string dim(std::string_view text) const { return styled("2", text); }
  std::string red(std::string_view text) const { return styled("31", text); }
  std::string green(std::string_view text) const { return styled("32", text); }
  std::string yellow(std::string_view text) const { return styled("33", text); }

 private:
  std::string styled(std::string_view code, std::string_view text) const;
};

/// At most `columns` characters (UTF-8 code points), with "..." at the end when cut.
std::string fit(std::string_view text, size_t columns);
/// Control characters and escape sequences taken out: what a build or a server printed must not
/// drive the reader's terminal.
std::string printable(std::string_view text);

}  // namespace pawl
