#include "aws/answered_credentials.h"

#include <fmt/format.h>

namespace pawl::aws {

Result<WallTime> parse_expiration(std::string_view text) {
  // "2026-01-01T00:00:00UTC", as older tools wrote it.
  if (text.ends_with("UTC"))
    return parse_iso8601(std::string(text.substr(0, text.size() - 3)) + "Z");
  constexpr size_t kOffsetLength = 6;  // "+02:00"
  if (text.size() > kOffsetLength) {
    const auto offset = text.substr(text.size() - kOffsetLength);
    const auto digit = [&](size_t i) { return offset[i] - '0'; };
    const auto is_digit = [&](size_t i) { return offset[i] >= '0' && offset[i] <= '9'; };
    if ((offset[0] == '+' || offset[0] == '-') && offset[3] == ':' && is_digit(1) && is_digit(2) &&
        is_digit(4) && is_digit(5)) {
      const std::chrono::minutes distance((digit(1) * 10 + digit(2)) * 60 + digit(4) * 10 +
                                          digit(5));
      auto there = parse_iso8601(std::string(text.substr(0, text.size() - kOffsetLength)) + "Z");
      if (!there.ok()) return there;
      return *there + (offset[0] == '+' ? -distance : distance);
    }
  }
  return parse_iso8601(text);
}

Result<Credentials> read_answered_credentials(const json::object& answer, std::string_view what) {
  Credentials credentials;
  credentials.access_key_id = string_or(answer, "AccessKeyId");
  credentials.secret_access_key = Secret(string_or(answer, "SecretAccessKey"));
  credentials.session_token = Secret(string_or(answer, "Token", string_or(answer, "SessionToken")));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
    return Error(ErrorKind::denied,
                 fmt::format("{} has no AccessKeyId with its SecretAccessKey", what));
  const std::string expires = string_or(answer, "Expiration");
  if (expires.empty()) return credentials;
  const auto time = parse_expiration(expires);
  if (!time.ok())
    return Error(ErrorKind::corrupt, fmt::format("{} has an Expiration that is no time", what));
  credentials.expires = *time;
  return credentials;
}

}  // namespace pawl::aws
