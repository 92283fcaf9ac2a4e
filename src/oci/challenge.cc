#include "oci/challenge.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "net/http.h"

namespace pawl::oci {
namespace {

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }
  void skip_one() { rest_.remove_prefix(1); }

  std::string_view token() {
    size_t length = 0;
    while (length < rest_.size() && is_token_char(rest_[length])) ++length;
    const auto result = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return result;
  }

  /// nullopt when the closing quote is missing.
  std::optional<std::string> quoted() {
    skip_one();
    std::string result;
    while (!rest_.empty()) {
      char c = rest_.front();
      skip_one();
      if (c == '"') return result;
      if (c == '\\' && !rest_.empty()) {
        c = rest_.front();
        skip_one();
      }
      result += c;
    }
    return std::nullopt;
  }

  /// name=value, where it stands here; else nothing is consumed.
  std::optional<std::pair<std::string, std::string>> parameter() {
    const Reader before = *this;
    const auto name = token();
    skip(" \t");
    if (name.empty() || !next_is('=')) return *this = before, std::nullopt;
    skip_one();
    skip(" \t");
    if (!next_is('"')) return std::pair(lower(name), std::string(token()));
    auto value = quoted();
    if (!value) return *this = before, std::nullopt;
    return std::pair(lower(name), std::move(*value));
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header.substr(0, kMaxChallengeBytes));
  while (challenges.size() < kMaxChallenges) {
    reader.skip(" \t,");
    const auto scheme = reader.token();
    if (scheme.empty()) break;
    Challenge challenge{lower(scheme), {}};
    // A comma separates parameters as well as challenges: what has no "=" begins the next one.
    for (reader.skip(" \t,"); auto parameter = reader.parameter(); reader.skip(" \t,"))
      challenge.parameters.emplace(std::move(*parameter));
    challenges.push_back(std::move(challenge));
  }
  return challenges;
}

Result<void> check_realm(std::string_view realm, std::string_view registry_url) {
  const auto where = split_url(realm);
  const auto registry = split_url(registry_url);
  if (!where || !registry)
    return Error(ErrorKind::denied,
                 fmt::format("the registry asks for a token from '{}', which is not a URL",
                             realm.substr(0, 200)));
  if (where->scheme == "https") return ok();
  const bool same_machine = lower(where->host) == lower(registry->host) ||
                            (is_loopback_host(where->host) && is_loopback_host(registry->host));
  if (registry->scheme == "http" && same_machine) return ok();
  return Error(ErrorKind::denied,
               fmt::format("the registry asks for a token from {}, which is not https; credentials "
                           "are not sent there",
                           where->origin()));
}

}  // namespace pawl::oci
