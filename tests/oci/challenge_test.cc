#include "oci/challenge.h"

#include <gtest/gtest.h>

namespace pawl::oci {
namespace {

TEST(Challenge, ReadsWhatRegistriesSend) {
  const auto challenges = parse_challenges(
      R"(Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push")");
  ASSERT_EQ(challenges.size(), 1u);
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_EQ(challenges[0].get("realm"), "https://ghcr.io/token");
  EXPECT_EQ(challenges[0].get("service"), "ghcr.io");
  EXPECT_EQ(challenges[0].get("scope"), "repository:a/b:pull,push");
}

TEST(Challenge, ReadsSeveralInOneHeader) {
  const auto challenges = parse_challenges(
      R"(Basic realm="r", Bearer realm="https://x/t", error=invalid_token , Negotiate)");
  ASSERT_EQ(challenges.size(), 3u);
  EXPECT_EQ(challenges[0].scheme, "basic");
  EXPECT_EQ(challenges[1].get("error"), "invalid_token");
  EXPECT_EQ(challenges[2].scheme, "negotiate");
}

TEST(Challenge, UnderstandsQuotingAndCaseAndBlanks) {
  const auto challenges = parse_challenges("BEARER  REALM = \"a\\\"b\\\\c\" ,\t service=s");
  ASSERT_EQ(challenges.size(), 1u);
  EXPECT_EQ(challenges[0].get("realm"), "a\"b\\c");
  EXPECT_EQ(challenges[0].get("service"), "s");
}

TEST(Challenge, LeavesOutWhatCannotBeRead) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges(" , ,").empty());
  EXPECT_TRUE(parse_challenges("\x01\x02").empty());
  for (const std::string_view text :
       {"Bearer realm=\"open", "Bearer =", "Bearer a=,b", "B \"x\""}) {
    for (const Challenge& challenge : parse_challenges(text))
      EXPECT_TRUE(challenge.get("realm").empty());
  }
}

TEST(Challenge, IsLimited) {
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "Basic realm=x,";
  EXPECT_LE(parse_challenges(many).size(), kMaxChallenges);
}

TEST(Realm, CredentialsLeaveOverHttpsOrStayOnTheMachine) {
  struct Row {
    std::string_view realm, registry;
    bool allowed;
  };
  const Row rows[] = {
      {"https://auth.docker.io/token", "https://registry-1.docker.io", true},
      {"http://auth.docker.io/token", "https://registry-1.docker.io", false},
      {"http://127.0.0.1:5110/token", "http://127.0.0.1:5001", true},
      {"http://localhost:5110/token", "http://127.0.0.1:5001", true},
      {"http://127.0.0.1:5110/token", "https://ghcr.io", false},
      {"http://10.0.0.1/token", "http://127.0.0.1:5001", false},
      {"http://registry.lan:5000/token", "http://registry.lan:5000", true},
      {"http://other.lan/token", "http://registry.lan:5000", false},
      {"ftp://x/y", "http://127.0.0.1:5001", false},
      {"token", "https://ghcr.io", false},
      {"", "https://ghcr.io", false},
  };
  for (const Row& row : rows)
    EXPECT_EQ(check_realm(row.realm, row.registry).ok(), row.allowed)
        << row.realm << " for " << row.registry;
}

}  // namespace
}  // namespace pawl::oci
