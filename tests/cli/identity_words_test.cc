// What `pawl doctor` says of who we are.
#include "cli/identity_words.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

TEST(IdentityWords, SayAsWhomByWhatAndUntilWhen) {
  const CallerIdentity caller{"111122223333", "arn:aws:sts::111122223333:assumed-role/pawl/run"};
  const WallTime now = *parse_iso8601("2026-11-27T18:00:00Z");
  aws::Credentials credentials;
  credentials.access_key_id = "ASIAEXAMPLE";
  credentials.secret_access_key = Secret("secret-of-the-session");
  credentials.source = "the keys of profile [work]";
  EXPECT_EQ(
      identity_words(caller, credentials, now),
      "arn:aws:sts::111122223333:assumed-role/pawl/run in account 111122223333, by the keys of "
      "profile [work], which do not expire");
  credentials.expires = now + std::chrono::minutes(55);
  const std::string words = identity_words(caller, credentials, now);
  EXPECT_NE(words.find("until 2026-11-27T18:55:00.000Z (in 55 min"), std::string::npos) << words;
  EXPECT_NE(identity_words(caller, credentials, now + std::chrono::hours(1)).find("which is past"),
            std::string::npos);
}

}  // namespace
}  // namespace pawl
