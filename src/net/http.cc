#include "net/http.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

namespace pawl {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

}  // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string> Headers::get(std::string_view name) const {
  for (const auto& [key, value] : fields_)
    if (equal_without_case(key, name)) return value;
  return std::nullopt;
}

std::string Headers::get_or(std::string_view name, std::string_view otherwise) const {
  auto value = get(name);
  return value ? *std::move(value) : std::string(otherwise);
}

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  fields_.emplace_back(name, std::move(value));
}

void Headers::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_,
                [name](const auto& field) { return equal_without_case(field.first, name); });
}

std::optional<UrlParts> split_url(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || !parsed->has_authority() || parsed->has_userinfo()) return std::nullopt;
  UrlParts parts;
  parts.scheme = lowered(parsed->scheme());
  if (parts.scheme != "http" && parts.scheme != "https") return std::nullopt;
  parts.host = parsed->encoded_host();
  if (parts.host.empty()) return std::nullopt;
  parts.port = parsed->port();
  parts.path = parsed->encoded_path();
  if (parts.path.empty()) parts.path = "/";
  // Boost 1.81 takes "h:port/" for the host h and the path "port/".
  if (parts.path.front() != '/') return std::nullopt;
  parts.query = parsed->encoded_query();
  return parts;
}

std::string resolve_url(std::string_view base, std::string_view reference) {
  const auto from = boost::urls::parse_uri(base);
  const auto to = boost::urls::parse_uri_reference(reference);
  // What cannot be parsed is handed on as it is: whoever sends it says what is wrong with it.
  if (!from || !to) return std::string(reference);
  // An absolute URL goes out as it was written, dot segments and all.
  if (to->has_scheme()) return std::string(reference);
  // Boost would decode what needs no encoding, and a registry's upload URL must come back as it
  // was.
  if (reference.substr(0, 1) == "/" && reference.substr(0, 2) != "//")
    if (const auto parts = split_url(base)) return parts->origin() + std::string(reference);
  boost::urls::url resolved;
  if (!boost::urls::resolve(*from, *to, resolved)) return std::string(reference);
  return std::string(resolved.buffer());
}

bool is_loopback_host(std::string_view host) {
  if (equal_without_case(host, "localhost") || host == "::1" || host == "[::1]") return true;
  if (host.substr(0, 4) != "127.") return false;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

}  // namespace pawl
