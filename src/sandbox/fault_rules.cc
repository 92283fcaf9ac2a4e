#include "sandbox/fault_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pawl::sandbox {
namespace {

constexpr const char* kKinds = "slow[:250ms], throttle, drop, or an HTTP status from 400 to 599";
constexpr int64_t kMaxDelayMs = int64_t{10} * 60'000;

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "250ms", "2s", "2"
std::optional<std::chrono::milliseconds> parse_delay(std::string_view text) {
  int64_t unit_ms = 1000;
  if (text.ends_with("ms")) {
    unit_ms = 1;
    text.remove_suffix(2);
  } else if (text.ends_with("s")) {
    text.remove_suffix(1);
  }
  const auto number = whole_number(text);
  if (!number || *number < 0 || *number * unit_ms > kMaxDelayMs) return std::nullopt;
  return std::chrono::milliseconds(*number * unit_ms);
}

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::slow:
      return "slow";
    case FaultKind::error:
      return "error";
    case FaultKind::throttle:
      return "throttle";
    case FaultKind::drop:
      return "drop";
  }
  return "error";
}

}  // namespace

Result<FaultRule> parse_fault_kind(const std::string& text) {
  FaultRule rule;
  const auto bad = [&] {
    return Error(ErrorKind::usage,
                 fmt::format("'{}' is not a kind of fault; there are {}", text, kKinds));
  };
  if (text == "throttle") {
    rule.kind = FaultKind::throttle;
  } else if (text == "drop") {
    rule.kind = FaultKind::drop;
  } else if (text == "error") {
    rule.kind = FaultKind::error;
  } else if (text == "slow" || text.starts_with("slow:")) {
    rule.kind = FaultKind::slow;
    if (text.size() > 4) {
      const auto delay = parse_delay(std::string_view(text).substr(5));
      if (!delay) return bad();
      rule.delay = *delay;
    }
  } else {
    const auto status = whole_number(text);
    if (!status || *status < 400 || *status > 599) return bad();
    rule.kind = FaultKind::error;
    rule.status = static_cast<int>(*status);
  }
  return rule;
}

json::object to_json(const FaultRule& rule) {
  return {{"id", rule.id},
          {"service", rule.service},
          {"operation", rule.operation},
          {"resource", rule.resource},
          {"kind", name_of(rule.kind)},
          {"status", rule.status},
          {"code", rule.code},
          {"delay_ms", rule.delay.count()},
          {"every", rule.every},
          {"probability", rule.probability},
          {"count", rule.count},
          {"seen", rule.seen},
          {"happened", rule.happened}};
}

Result<FaultRule> fault_rule_from_json(const json::object& object) {
  PAWL_TRY(FaultRule rule, parse_fault_kind(string_or(object, "kind", "error")));
  rule.service = string_or(object, "service", "*");
  rule.operation = string_or(object, "operation", "*");
  rule.resource = string_or(object, "resource", "*");
  rule.status = static_cast<int>(int_or(object, "status", rule.status));
  rule.code = string_or(object, "code");
  rule.delay = std::chrono::milliseconds(int_or(object, "delay_ms", rule.delay.count()));
  rule.every = int_or(object, "every", 1);
  rule.probability = number_or(object, "probability", 1);
  rule.count = int_or(object, "count", 0);
  if (rule.status < 400 || rule.status > 599 || rule.every < 1 || rule.count < 0 ||
      rule.delay.count() < 0 || rule.delay.count() > kMaxDelayMs || !(rule.probability > 0) ||
      rule.probability > 1)
    return Error(ErrorKind::usage,
                 "a fault wants a status from 400 to 599, every >= 1, 0 < probability <= 1, "
                 "count >= 0 and a delay of ten minutes at most");
  return rule;
}

bool matches_glob(std::string_view glob, std::string_view text) {
  size_t g = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && (glob[g] == '?' || (glob[g] == text[t] && glob[g] != '*'))) {
      ++g;
      ++t;
    } else if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

bool FaultRules::happens(FaultRule& rule) {
  ++rule.seen;
  if (rule.count > 0 && rule.happened >= rule.count) return false;
  if (rule.seen % rule.every != 0) return false;
  const double draw = static_cast<double>(entropy_.next() >> 11) / 9007199254740992.0;
  if (draw >= rule.probability) return false;
  ++rule.happened;
  return true;
}

FaultAction FaultRules::decide(const FaultQuery& query) {
  FaultAction action;
  for (auto& rule : rules_) {
    if (!matches_glob(rule.service, query.service) ||
        !matches_glob(rule.operation, query.operation) ||
        !matches_glob(rule.resource, query.resource) || !happens(rule))
      continue;
    switch (rule.kind) {
      case FaultKind::slow:
        action.delay += rule.delay;
        break;
      case FaultKind::error:
        action.status = rule.status;
        action.code = rule.code;
        break;
      case FaultKind::throttle:
        action.throttle = true;
        break;
      case FaultKind::drop:
        action.drop_answer = true;
        break;
    }
  }
  return action;
}

Result<FaultRule> FaultRules::add(FaultRule rule) {
  if (rules_.size() >= kMaxRules)
    return Error(ErrorKind::usage, "there are too many faults already");
  rule.id = next_id_++;
  rule.seen = 0;
  rule.happened = 0;
  rules_.push_back(rule);
  return rule;
}

Result<void> FaultRules::clear(int64_t id) {
  if (id == 0) {
    rules_.clear();
    return ok();
  }
  if (std::erase_if(rules_, [id](const FaultRule& rule) { return rule.id == id; }) == 0)
    return Error(ErrorKind::not_found, fmt::format("there is no fault {}", id));
  return ok();
}

}  // namespace pawl::sandbox
