// What functions print, with Lambda's START, END and REPORT lines, as one finds it in CloudWatch:
// kept in memory, the latest of it, for each function.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace pawl::sandbox {

struct FunctionLogLine {
  int64_t sequence = 0;  // over all functions, from 1: where a reader goes on
  WallTime time;
  std::string version;
  std::string text;
};

class FunctionLogs {
 public:
  static constexpr size_t kMaxLines = 5000;  // of each function
  static constexpr size_t kMaxLineBytes = 16u << 10;

  explicit FunctionLogs(Clock& clock) : clock_(clock) {}
  void add(const std::string& function, const std::string& version, std::string_view text);
  /// Lines after that sequence number, oldest first.
  std::vector<FunctionLogLine> read(const std::string& function, int64_t after) const;
  std::vector<std::string> functions() const;
  void clear() { lines_.clear(); }

 private:
  Clock& clock_;
  int64_t last_sequence_ = 0;
  std::map<std::string, std::deque<FunctionLogLine>> lines_;
};

}  // namespace pawl::sandbox
