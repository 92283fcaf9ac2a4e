#include "sandbox/runner/function_logs.h"

namespace pawl::sandbox {

void FunctionLogs::add(const std::string& function, const std::string& version,
                       std::string_view text) {
  auto& lines = lines_[function];
  lines.push_back(
      {++last_sequence_, clock_.now(), version, std::string(text.substr(0, kMaxLineBytes))});
  if (lines.size() > kMaxLines) lines.pop_front();
}

std::vector<FunctionLogLine> FunctionLogs::read(const std::string& function, int64_t after) const {
  std::vector<FunctionLogLine> found;
  const auto lines = lines_.find(function);
  if (lines == lines_.end()) return found;
  for (const auto& line : lines->second)
    if (line.sequence > after) found.push_back(line);
  return found;
}

std::vector<std::string> FunctionLogs::functions() const {
  std::vector<std::string> names;
  for (const auto& [name, lines] : lines_) names.push_back(name);
  return names;
}

}  // namespace pawl::sandbox
