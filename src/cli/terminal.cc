#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace pawl {

Terminal Terminal::of_stdout(const ProcessEnvironment& environment) {
  Terminal terminal;
  terminal.is_terminal = isatty(STDOUT_FILENO) == 1 && environment.get("TERM") != "dumb";
  terminal.has_colour = terminal.is_terminal && environment.get("NO_COLOR").empty();
  winsize size{};
  if (terminal.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

std::string Terminal::styled(std::string_view code, std::string_view text) const {
  if (!has_colour) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string fit(std::string_view text, size_t columns) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  size_t characters = 0;
  for (const char c : text) characters += is_start(c) ? 1 : 0;
  if (characters <= columns) return std::string(text);
  if (columns <= 3) return std::string(columns, '.');
  size_t kept = 0;
  size_t end = 0;
  while (end < text.size()) {
    if (is_start(text[end]) && kept++ == columns - 3) break;
    ++end;
  }
  return std::string(text.substr(0, end)) + "...";
}

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == 0x1b) {
      // CSI sequences end with a byte from @ to ~; anything else after ESC is one byte.
      if (i + 1 < text.size() && text[i + 1] == '[') {
        i += 2;
        while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
      } else {
        ++i;
      }
    } else if (c == '\t') {
      clean += "    ";
    } else if (c >= 0x20 && c != 0x7f) {
      clean += text[i];
    }
  }
  return clean;
}

}  // namespace pawl
