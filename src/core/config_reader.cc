#include "core/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace pawl {
namespace {

using Kind = YamlNode::Kind;

std::string joined(const std::vector<std::string>& words, std::string_view last_separator) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? std::string(last_separator) : ", ";
    text += words[i];
  }
  return text;
}

// As parse_duration() reads it, in the largest unit that fits.
std::string as_written(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms == 0 || ms % 1000 != 0) return fmt::format("{}ms", ms);
  return ms % 60'000 == 0 ? fmt::format("{}m", ms / 60'000) : fmt::format("{}s", ms / 1000);
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

void ConfigProblems::add(YamlMark mark, std::string key, std::string message) {
  if (!seen_.insert(fmt::format("{}:{}:{}", mark.line, mark.column, key)).second) return;
  problems_.push_back({mark.line, mark.column, std::move(key), std::move(message)});
}

std::vector<ConfigProblem> ConfigProblems::take() {
  std::stable_sort(problems_.begin(), problems_.end(),
                   [](const ConfigProblem& a, const ConfigProblem& b) {
                     return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                   });
  return std::move(problems_);
}

std::string fill_placeholders(std::string_view text, const Placeholders& placeholders,
                              std::string& unknown) {
  std::string filled;
  size_t i = 0;
  while (i < text.size()) {
    size_t end = i + 1;
    while (text[i] == '{' && end < text.size() && is_name_character(text[end])) ++end;
    const bool is_placeholder =
        text[i] == '{' && end > i + 1 && end < text.size() && text[end] == '}';
    if (!is_placeholder) {
      filled += text[i++];
      continue;
    }
    const std::string name(text.substr(i + 1, end - i - 1));
    const auto value = placeholders.values.find(name);
    if (value != placeholders.values.end()) {
      filled += value->second;
    } else {
      filled += text.substr(i, end + 1 - i);
      if (placeholders.deferred.count(name) == 0 && unknown.empty()) unknown = name;
    }
    i = end + 1;
  }
  return filled;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr size_t kMostDigits = 9;
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > kMostDigits) return std::nullopt;
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + digits, number);
  const std::string_view unit = text.substr(digits);
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "s") return std::chrono::seconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  if (unit == "h") return std::chrono::hours(number);
  return std::nullopt;
}

SectionReader::SectionReader(const YamlNode& node, const Placeholders& placeholders,
                             Completeness completeness, ConfigProblems& problems)
    : node_(&node),
      placeholders_(&placeholders),
      completeness_(completeness),
      problems_(&problems) {}

std::string SectionReader::path_of(std::string_view key) const {
  return node_->path.empty() ? std::string(key) : fmt::format("{}.{}", node_->path, key);
}

const YamlNode* SectionReader::any(std::string_view key) {
  known_.emplace_back(key);
  return node_->find(key);
}

void SectionReader::problem(const YamlNode& node, std::string message) const {
  problems_->add(node.mark, node.path, std::move(message));
}

void SectionReader::missing(std::string_view key, std::string_view expected) {
  if (!is_complete()) return;
  problems_->add(node_->mark, path_of(key), fmt::format("is missing; expected {}", expected));
}

std::optional<std::string> SectionReader::resolve(const YamlNode& node, const TextCheck& check,
                                                  bool may_be_empty) const {
  if (node.kind != Kind::text) {
    const bool needs_quotes = node.is_scalar() && node.kind != Kind::null;
    problem(node, fmt::format("expected text, found {}{}", describe(node),
                              needs_quotes ? "; put it between quotes" : ""));
    return std::nullopt;
  }
  if (node.text.empty() && !may_be_empty) {
    problem(node, "must not be empty");
    return std::nullopt;
  }
  std::string unknown;
  std::string value = fill_placeholders(node.text, *placeholders_, unknown);
  if (!unknown.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, ignored] : placeholders_->values) names.push_back(name);
    names.insert(names.end(), placeholders_->deferred.begin(), placeholders_->deferred.end());
    const std::string near = nearest(unknown, names);
    for (auto& name : names) name = "{" + name + "}";
    problem(node, fmt::format("unknown placeholder {{{}}}; valid are {}{}", unknown,
                              joined(names, " and "),
                              near.empty() ? "" : fmt::format("; did you mean {{{}}}?", near)));
    return std::nullopt;
  }
  const std::string complaint = check && !value.empty() ? check(value) : "";
  if (!complaint.empty()) {
    problem(node, complaint);
    return std::nullopt;
  }
  return value;
}

void SectionReader::text(std::string_view key, std::string& out, const TextCheck& check,
                         bool may_be_empty) {
  const YamlNode* node = any(key);
  if (node == nullptr) return;
  if (auto value = resolve(*node, check, may_be_empty)) out = std::move(*value);
}

void SectionReader::required_text(std::string_view key, std::string& out, const TextCheck& check) {
  if (node_->find(key) == nullptr) missing(key, "text");
  text(key, out, check);
}

void SectionReader::integer(std::string_view key, int& out, int least, int most) {
  const YamlNode* node = any(key);
  if (node == nullptr) return;
  int value = 0;
  const std::string_view digits =
      std::string_view(node->text).substr(node->text.rfind('+', 0) == 0 ? 1 : 0);
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_whole =
      node->kind == Kind::integer && failure == std::errc() && end == digits.data() + digits.size();
  if (!is_whole || value < least || value > most) {
    problem(*node, fmt::format("expected a whole number from {} to {}, found {}", least, most,
                               describe(*node)));
    return;
  }
  out = value;
}

void SectionReader::boolean(std::string_view key, bool& out) {
  const YamlNode* node = any(key);
  if (node == nullptr) return;
  if (node->kind == Kind::boolean)
    out = to_json(*node).as_bool();
  else
    problem(*node, fmt::format("expected true or false, found {}", describe(*node)));
}

void SectionReader::duration(std::string_view key, std::chrono::milliseconds& out,
                             std::chrono::milliseconds least, std::chrono::milliseconds most) {
  const YamlNode* node = any(key);
  if (node == nullptr) return;
  const auto value = node->kind == Kind::text ? parse_duration(node->text) : std::nullopt;
  if (!value) {
    problem(*node,
            fmt::format("expected a duration such as 500ms, 60s or 5m, found {}", describe(*node)));
  } else if (*value < least || *value > most) {
    problem(*node, fmt::format("expected a duration from {} to {}, found {}", as_written(least),
                               as_written(most), node->text));
  } else {
    out = *value;
  }
}

void SectionReader::texts(std::string_view key, std::vector<std::string>& out,
                          const TextCheck& check) {
  const YamlNode* node = any(key);
  if (node == nullptr) return;
  if (node->kind != Kind::list) {
    problem(*node, fmt::format("expected a list of texts, found {}", describe(*node)));
    return;
  }
  out.clear();
  for (const auto& item : node->items)
    if (auto value = resolve(item, check, false)) out.push_back(std::move(*value));
}

void SectionReader::scalars(std::string_view key, std::map<std::string, std::string>& out) {
  if (auto values = section(key)) values->own_scalars(out);
}

void SectionReader::own_scalars(std::map<std::string, std::string>& out) const {
  out.clear();
  for (const auto& [key, mark, value] : node_->members) {
    if (value.kind == Kind::text) {
      if (auto text = resolve(value, nullptr, true)) out[key] = std::move(*text);
    } else if (!value.is_scalar() || value.kind == Kind::null) {
      problem(value,
              fmt::format("expected text, a number, true or false, found {}", describe(value)));
    } else {
      // As JSON writes it, since that is what it will be compared with.
      out[key] = json::serialize(to_json(value));
    }
  }
}

std::optional<size_t> SectionReader::choice(std::string_view key,
                                            const std::vector<std::string>& words) {
  const YamlNode* node = any(key);
  if (node == nullptr) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), node->text);
  if (node->kind == Kind::text && found != words.end())
    return static_cast<size_t>(found - words.begin());
  const std::string near = node->kind == Kind::text ? nearest(node->text, words) : "";
  problem(*node, fmt::format("expected {}, found {}{}", joined(words, " or "), describe(*node),
                             near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  return std::nullopt;
}

std::optional<bool> SectionReader::boolean(std::string_view key) {
  const YamlNode* node = any(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind == Kind::boolean) return node->text == "true";
  problem(*node, fmt::format("expected true or false, found {}", describe(*node)));
  return std::nullopt;
}

SectionReader SectionReader::below(const YamlNode& item) const {
  return SectionReader(item, *placeholders_, completeness_, *problems_);
}

std::optional<SectionReader> SectionReader::section(std::string_view key) {
  return section_with(key, *placeholders_);
}

std::optional<SectionReader> SectionReader::section_with(std::string_view key,
                                                         const Placeholders& placeholders) {
  const YamlNode* node = any(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_map()) {
    problem(*node, fmt::format("expected a map of keys, found {}", describe(*node)));
    return std::nullopt;
  }
  return SectionReader(*node, placeholders, completeness_, *problems_);
}

std::optional<SectionReader> SectionReader::item(const YamlNode& node) const {
  if (node.is_map()) return SectionReader(node, *placeholders_, completeness_, *problems_);
  problem(node, fmt::format("expected a map of keys, found {}", describe(node)));
  return std::nullopt;
}

void SectionReader::no_other_keys(const std::vector<std::string>& later) {
  for (const auto& member : node_->members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    if (std::find(later.begin(), later.end(), member.key) != later.end()) {
      problems_->add(member.mark, member.value.path, "is not in this version of Pawl; take it out");
      continue;
    }
    const std::string near = nearest(member.key, known_);
    std::vector<std::string> valid = known_;
    std::sort(valid.begin(), valid.end());
    problems_->add(member.mark, member.value.path,
                   near.empty() ? fmt::format("unknown key; valid here: {}", joined(valid, ", "))
                                : fmt::format("unknown key; did you mean {}?", near));
  }
}

}  // namespace pawl
