// What a program wrote: split into lines as it comes, and kept up to a limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "process/child.h"

namespace pawl {

constexpr size_t kMaxLineBytes = 64u << 10;
constexpr size_t kKeptErrorBytes = 8u << 10;

/// Gives whole lines, and what is over kMaxLineBytes in pieces.
class LineSplitter {
 public:
  LineSplitter(Stream stream, const LineHandler& on_line) : stream_(stream), on_line_(on_line) {}
  void take(std::string_view bytes);
  /// The last line may have no newline.
  void end();

 private:
  void give(std::string_view line);
  Stream stream_;
  const LineHandler& on_line_;
  std::string partial_;
};

/// Keeps the first `limit` bytes.
void append_head(std::string& kept, std::string_view bytes, size_t limit);
/// Keeps the last `limit` bytes.
void append_tail(std::string& kept, std::string_view bytes, size_t limit);

}  // namespace pawl
