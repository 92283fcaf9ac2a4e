#include "core/config.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl {
namespace {

// Insertions, deletions, substitutions, and neighbours that changed places.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substitution});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view to_string(HookWhen when) {
  return when == HookWhen::after_traffic ? "after_traffic" : "before_traffic";
}

std::string_view to_string(OnCancel on_cancel) {
  return on_cancel == OnCancel::leave ? "leave" : "undo";
}

std::optional<OnCancel> on_cancel_from(std::string_view name) {
  for (const auto each : {OnCancel::undo, OnCancel::leave})
    if (to_string(each) == name) return each;
  return std::nullopt;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestWord = 64;
  if (word.empty() || word.size() > kLongestWord) return "";
  std::string best;
  size_t best_distance = 0;
  for (const auto& candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    // Two of three letters right: "heath" is health, "port" is not path.
    const size_t allowed = std::max(word.size(), candidate.size()) / 3;
    const size_t distance = edit_distance(word, candidate);
    if (distance > std::max<size_t>(allowed, 1) || distance >= candidate.size()) continue;
    if (!best.empty() && distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

Result<const EnvironmentConfig*> Config::environment(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& candidate : environments) {
    if (candidate.name == name) return &candidate;
    names.push_back(candidate.name);
  }
  const std::string near = nearest(name, names);
  return Error(ErrorKind::usage,
               fmt::format("there is no environment '{}' in the configuration; there are: {}",
                           name.substr(0, 100), fmt::join(names, ", ")))
      .with_hint(near.empty() ? "name one of them, or add it under `environments`"
                              : fmt::format("did you mean {}?", near));
}

}  // namespace pawl
