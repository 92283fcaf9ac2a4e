#include "process/output.h"

#include <algorithm>

namespace pawl {

void LineSplitter::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    const size_t room = kMaxLineBytes - partial_.size();
    const size_t length =
        std::min(newline == std::string_view::npos ? bytes.size() : newline, room);
    const bool whole = length < bytes.size() && bytes[length] == '\n';
    const std::string_view piece = bytes.substr(0, length);
    bytes.remove_prefix(length + (whole ? 1 : 0));
    if (whole && partial_.empty()) {
      give(piece);
      continue;
    }
    partial_ += piece;
    if (whole || partial_.size() == kMaxLineBytes) end();
  }
}

void LineSplitter::end() {
  if (partial_.empty()) return;
  const std::string line = std::exchange(partial_, {});
  give(line);
}

void LineSplitter::give(std::string_view line) {
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
