#include "aws/canonical.h"

#include <algorithm>

#include "base/encoding.h"

namespace pawl::aws {
namespace {

// A "%" that begins no valid escape stands for itself.
std::string decode_leniently(std::string_view text) {
  const auto hex = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string collapse_spaces(std::string_view value) {
  std::string collapsed;
  for (const char c : trim(value)) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (space && !collapsed.empty() && collapsed.back() == ' ') continue;
    collapsed += space ? ' ' : c;
  }
  return collapsed;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto part : split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const auto value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
    pairs.emplace_back(decode_leniently(part.substr(0, equals)), decode_leniently(value));
  }
  return pairs;
}

std::string canonical_s3_path(std::string_view raw_path) {
  return raw_path.empty() ? "/" : url_encode(decode_leniently(raw_path), "/");
}

std::string canonical_path(std::string_view raw_path) {
  std::vector<std::string_view> kept;
  for (const auto segment : split(raw_path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      kept.push_back(segment);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string path;
  for (const auto segment : kept) {
    path += '/';
    path += url_encode(segment);
  }
  const bool ends_in_slash = !raw_path.empty() && raw_path.back() == '/';
  if (path.empty() || ends_in_slash) path += '/';
  return path;
}

std::string canonical_query(std::string_view raw_query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] : parse_query(raw_query))
    pairs.emplace_back(url_encode(name), url_encode(value));
  std::sort(pairs.begin(), pairs.end());
  std::string query;
  for (const auto& [name, value] : pairs) {
    if (!query.empty()) query += '&';
    query += name + "=" + value;
  }
  return query;
}

std::string canonical_header_value(const Headers& headers, std::string_view lower_case_name) {
  std::string joined;
  bool first = true;
  for (const auto& [name, value] : headers.fields()) {
    if (lower_case(name) != lower_case_name) continue;
    if (!first) joined += ',';
    joined += collapse_spaces(value);
    first = false;
  }
  return joined;
}

}  // namespace pawl::aws
