#include "core/version_order.h"

#include <algorithm>
#include <charconv>

namespace pawl {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  for (size_t end = text.find(separator); end != std::string_view::npos;
       end = text.find(separator, start)) {
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  parts.push_back(text.substr(start));
  return parts;
}

bool read_number(std::string_view text, uint64_t& out) {
  if (!is_number(text)) return false;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size();
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

// Numbers below words, numbers by value, words by ASCII.
std::strong_ordering compare_identifiers(const std::string& a, const std::string& b) {
  const bool a_number = is_number(a);
  const bool b_number = is_number(b);
  if (a_number != b_number)
    return a_number ? std::strong_ordering::less : std::strong_ordering::greater;
  if (!a_number) return a.compare(b) <=> 0;
  const auto digits = [](const std::string& text) {  // may be longer than any integer
    return text.substr(std::min(text.find_first_not_of('0'), text.size()));
  };
  const std::string x = digits(a);
  const std::string y = digits(b);
  if (x.size() != y.size()) return x.size() <=> y.size();
  return x.compare(y) <=> 0;
}

}  // namespace

std::string strip_v(std::string_view tag) {
  const bool has_v = tag.size() > 1 && (tag[0] == 'v' || tag[0] == 'V') && is_digit(tag[1]);
  return std::string(has_v ? tag.substr(1) : tag);
}

std::optional<Version> parse_version(std::string_view tag) {
  const std::string stripped = strip_v(tag);
  std::string_view text = stripped;
  if (const auto plus = text.find('+'); plus != std::string_view::npos) {
    for (const auto part : split(text.substr(plus + 1), '.'))
      if (!is_identifier(part)) return std::nullopt;
    text = text.substr(0, plus);
  }
  Version version;
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    for (const auto part : split(text.substr(dash + 1), '.')) {
      if (!is_identifier(part)) return std::nullopt;
      version.prerelease.emplace_back(part);
    }
    text = text.substr(0, dash);
  }
  // A bare number is more often a date or a build than a version: at least one dot.
  const auto parts = split(text, '.');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  if (!read_number(parts[0], version.major) || !read_number(parts[1], version.minor))
    return std::nullopt;
  if (parts.size() == 3 && !read_number(parts[2], version.patch)) return std::nullopt;
  return version;
}

std::strong_ordering compare_versions(const Version& a, const Version& b) {
  if (const auto order = a.major <=> b.major; order != 0) return order;
  if (const auto order = a.minor <=> b.minor; order != 0) return order;
  if (const auto order = a.patch <=> b.patch; order != 0) return order;
  if (a.prerelease.empty() != b.prerelease.empty())
    return a.prerelease.empty() ? std::strong_ordering::greater : std::strong_ordering::less;
  const size_t common = std::min(a.prerelease.size(), b.prerelease.size());
  for (size_t i = 0; i < common; ++i)
    if (const auto order = compare_identifiers(a.prerelease[i], b.prerelease[i]); order != 0)
      return order;
  return a.prerelease.size() <=> b.prerelease.size();
}

std::string newest_version_tag(const std::vector<std::string>& tags) {
  std::string newest;
  std::optional<Version> best;
  for (const auto& tag : tags) {
    auto version = parse_version(tag);
    if (!version) continue;
    if (best && compare_versions(*version, *best) <= 0) continue;
    best = std::move(version);
    newest = tag;
  }
  return newest;
}

}  // namespace pawl
