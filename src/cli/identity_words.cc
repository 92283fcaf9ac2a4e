#include "cli/identity_words.h"

#include <fmt/format.h>

namespace pawl {

std::string identity_words(const CallerIdentity& caller, const aws::Credentials& credentials,
                           WallTime now) {
  std::string until = "which do not expire";
  if (credentials.expires) {
    const auto left = *credentials.expires - now;
    until = fmt::format("valid until {} ({})", to_iso8601(*credentials.expires),
                        left.count() > 0 ? "in " + format_duration(left) : "which is past");
  }
  return fmt::format("{} in account {}, by {}, {}", caller.arn, caller.account, credentials.source,
                     until);
}

}  // namespace pawl
