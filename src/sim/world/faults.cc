#include "sim/world/faults.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl::sim {

Faults Faults::all() {
  Faults faults;
  faults.rates_.fill(1);
  return faults;
}

Faults Faults::swarm(const Faults& allowed, Chance& chance) {
  constexpr double kSmallest = 0.002, kLargest = 0.04;
  Faults drawn;
  for (size_t i = 0; i < kFaults; ++i) {
    const bool is_on = chance.of(0.5);
    const double part = chance.part();
    // Drawn whether allowed or not: the other draws of a seed stay what they are.
    if (is_on && allowed.rates_[i] > 0)
      drawn.rates_[i] = kSmallest + (kLargest - kSmallest) * part * part;
  }
  return drawn;
}

Result<Faults> Faults::parse(std::string_view text) {
  if (text == "all") return all();
  Faults faults;
  if (text == "none") return faults;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t at = 0;
    while (at < kFaults && kFaultNames[at] != name) ++at;
    if (at == kFaults)
      return Error(ErrorKind::usage, fmt::format("there is no fault '{}'", name))
          .with_hint(fmt::format("all, none, or some of: {}", fmt::join(kFaultNames, ",")));
    faults.rates_[at] = 1;
  }
  return faults;
}

std::string Faults::str() const {
  std::string text;
  for (size_t i = 0; i < kFaults; ++i)
    if (rates_[i] > 0) text += fmt::format("{}{}", text.empty() ? "" : ",", kFaultNames[i]);
  return text.empty() ? "none" : text;
}

}  // namespace pawl::sim
