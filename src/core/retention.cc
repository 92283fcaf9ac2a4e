#include "core/retention.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace pawl {
namespace {

// Of more digits than Lambda gives, or no number at all: -1.
int64_t number_of(const std::string& version) {
  int64_t number = -1;
  const char* end = version.data() + version.size();
  const auto [stop, failure] = std::from_chars(version.data(), end, number);
  return failure == std::errc() && stop == end ? number : -1;
}

}  // namespace

std::vector<std::string> versions_to_delete(const std::vector<std::string>& versions, int keep,
                                            const std::set<std::string>& in_use) {
  std::vector<std::string> numbered;
  for (const auto& version : versions)
    if (number_of(version) > 0) numbered.push_back(version);
  std::sort(numbered.begin(), numbered.end(),
            [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
  const auto kept = static_cast<size_t>(std::max(keep, 1));
  numbered.resize(numbered.size() - std::min(kept, numbered.size()));
  std::erase_if(numbered, [&](const auto& version) { return in_use.count(version) > 0; });
  return numbered;
}

}  // namespace pawl
