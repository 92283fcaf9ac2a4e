// WWW-Authenticate as registries send it, and the realm rules that keep a registry from sending our
// credentials wherever it likes. https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1 and
// https://distribution.github.io/distribution/spec/auth/token/
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pawl::oci {

constexpr size_t kMaxChallengeBytes = 16u << 10;
constexpr size_t kMaxChallenges = 16;

struct Challenge {
  std::string scheme;                             // lower case: "basic", "bearer"
  std::map<std::string, std::string> parameters;  // names in lower case

  std::string get(const std::string& name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  }
};

/// Every challenge of one header value. What cannot be read is left out: the server speaks
/// carelessly, and an unreadable challenge is one that cannot be answered.
std::vector<Challenge> parse_challenges(std::string_view header);

/// Whether credentials for the registry at `registry_url` may be sent to `realm`: over https, or in
/// the clear only to the machine that the registry itself is (reached in the clear as well).
Result<void> check_realm(std::string_view realm, std::string_view registry_url);

}  // namespace pawl::oci
