#include "process/output.h"

#include <algorithm>
#include <utility>

namespace pawl {

void LineSplitter::take(std::string_view bytes) {
  while (!bytes.empty()) {
    // A full piece goes out only when more of its line comes: its newline may be next.
    if (partial_.size() == kMaxLineBytes && bytes[0] != '\n') end();
    const size_t room = kMaxLineBytes - partial_.size();
    const size_t length = std::min({bytes.find('\n'), bytes.size(), room});
    const bool whole = length < bytes.size() && bytes[length] == '\n';
    partial_ += bytes.substr(0, length);
    bytes.remove_prefix(length + (whole ? 1 : 0));
    if (whole) give(std::exchange(partial_, {}));
  }
}

void LineSplitter::end() {
  if (!partial_.empty()) give(std::exchange(partial_, {}));
}

void LineSplitter::give(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (on_line_) on_line_(stream_, line);
}

void append_head(std::string& kept, std::string_view bytes, size_t limit) {
  if (kept.size() < limit) kept += bytes.substr(0, limit - kept.size());
}

void append_tail(std::string& kept, std::string_view bytes, size_t limit) {
  kept += bytes.substr(bytes.size() - std::min(bytes.size(), limit));
  if (kept.size() > limit) kept.erase(0, kept.size() - limit);
}

}  // namespace pawl
