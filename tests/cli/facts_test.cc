// What a decision rests on where git here cannot tell: the newest tag of a shallow clone.
#include "cli/facts.h"

#include <gmock/gmock.h>

#include "github/client.h"
#include "github/support/fake_github.h"

namespace pawl {
namespace {

using test::FakeGitHub;
using test::run_now;
using testing::AllOf;
using testing::HasSubstr;

const std::string kHead(40, 'a');
const std::string kTagged(40, 'b');

class NewestTag : public testing::Test {
 protected:
  NewestTag() : client_(http_, clock_, entropy_, {"https://github.test", Secret("ghs_secret_1")}) {
    trigger_.sha = kHead;
  }
  void tag_on_github() {
    http_.answer("GET", "/tags",
                 FakeGitHub::response(
                     200, json::serialize(json::array{json::object{
                              {"name", "v1.4.2"}, {"commit", json::object{{"sha", kTagged}}}}})));
    http_.answer("GET", "/compare/" + kTagged + "..." + kHead,
                 FakeGitHub::response(200, R"({"behind_by":0,"ahead_by":2})"));
  }
  Result<std::string> find(bool with_access = true) {
    return run_now(
        find_newest_tag(with_access ? &client_ : nullptr, "example/meals", trigger_, facts_));
  }

  FakeGitHub http_;
  test::FakeClock clock_;
  test::FakeEntropy entropy_;
  GitHubClient client_;
  Trigger trigger_;
  Facts facts_;
};

TEST_F(NewestTag, IsAskedOfGitHubAndThatIsSaid) {
  tag_on_github();
  const auto remark = find();
  ASSERT_TRUE(remark.ok()) << remark.error().message();
  EXPECT_EQ(facts_.newest_tag, "v1.4.2");
  EXPECT_EQ(facts_.newest_tag_sha, kTagged);
  EXPECT_EQ(*remark,
            "GitHub was asked for the tag, since this clone is shallow and has no version "
            "tag");
}

TEST_F(NewestTag, SaysWhatWasCommittedSince) {
  EXPECT_EQ(words_on_newer_commits(0, kHead), "");
  EXPECT_EQ(
      words_on_newer_commits(1, kHead),
      "1 newer commit up to aaaaaaa is not in it (tag the newest one, or deploy it with --tag "
      "aaaaaaa)");
  EXPECT_THAT(words_on_newer_commits(12, kHead),
              AllOf(HasSubstr("12 newer commits"), HasSubstr("are not in it")));
}

TEST_F(NewestTag, IsNotAskedForWhereItIsNotWanted) {
  trigger_.tag = "v1.0.0";
  EXPECT_EQ(*find(), "");
  trigger_.tag.clear();
  trigger_.kind = TriggerKind::ci;
  EXPECT_EQ(*find(), "");
  trigger_.kind = TriggerKind::manual;
  facts_.newest_tag = "v1.4.1";
  EXPECT_EQ(*find(), "");
  EXPECT_TRUE(http_.requests.empty());
}

TEST_F(NewestTag, ThatThereIsNoneOrNoAccessIsSaidToo) {
  http_.answer("GET", "/tags", FakeGitHub::response(200, "[]"));
  EXPECT_THAT(*find(), HasSubstr("GitHub knows none for this commit"));
  EXPECT_THAT(*find(false), HasSubstr("git fetch --tags --unshallow"));
  http_.answer("GET", "/tags",
               FakeGitHub::response(403, R"({"message":"Resource not accessible"})"));
  EXPECT_THAT(*find(), HasSubstr("GitHub does not tell"));
  EXPECT_EQ(facts_.newest_tag, "");
}

// Else the commit would be deployed in the tag's place, for as long as GitHub is down.
TEST_F(NewestTag, IsNotGuessedWhenGitHubIsDown) {
  http_.answer("GET", "/tags", FakeGitHub::response(503), 100);
  const auto remark = find();
  ASSERT_FALSE(remark.ok());
  EXPECT_EQ(remark.error().kind(), ErrorKind::unavailable);
  EXPECT_THAT(remark.error().message(), HasSubstr("asking GitHub for the newest tag"));
  EXPECT_THAT(remark.error().hint(), AllOf(HasSubstr("--tag"), HasSubstr("fetch-depth: 0")));
}

TEST(NamedCommit, IsMeantAndNotTheNewestTagBeforeIt) {
  Facts facts;
  facts.newest_tag = "v1.4.2";
  facts.newest_tag_sha = kTagged;
  heed_named_commit("", facts);
  EXPECT_EQ(facts.newest_tag, "v1.4.2");
  heed_named_commit(kTagged.substr(0, 7), facts);
  EXPECT_EQ(facts.newest_tag, "v1.4.2");
  heed_named_commit(kHead, facts);
  EXPECT_EQ(facts.newest_tag, "");
  EXPECT_EQ(facts.newest_tag_sha, "");
}

}  // namespace
}  // namespace pawl
