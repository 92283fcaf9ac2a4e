// The words that the HTTP client and the HTTP server share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pawl {

/// Header fields in order; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  /// The first value of that name.
  std::optional<std::string> get(std::string_view name) const;
  std::string get_or(std::string_view name, std::string_view otherwise) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  /// Replaces every field of that name.
  void set(std::string_view name, std::string value);
  void add(std::string name, std::string value);
  void remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

bool equal_without_case(std::string_view a, std::string_view b);

/// The parts of an absolute URL, as they were written (nothing decoded).
struct UrlParts {
  std::string scheme;  // "http" or "https"
  std::string host;    // without port; IPv6 in brackets
  std::string port;    // empty when not given
  std::string path;    // at least "/"
  std::string query;   // without "?"
  /// "host" or "host:port", as a Host header has it.
  std::string authority() const { return port.empty() ? host : host + ":" + port; }
  std::string origin() const { return scheme + "://" + authority(); }
};
std::optional<UrlParts> split_url(std::string_view url);
/// A Location header against the URL it answered.
std::string resolve_url(std::string_view base, std::string_view reference);
/// 127.0.0.0/8, ::1 or "localhost".
bool is_loopback_host(std::string_view host);

}  // namespace pawl
