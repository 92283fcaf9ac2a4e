#include "github/changes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "github/support/fake_github.h"

namespace pawl {
namespace {

using test::FakeGitHub;
using test::run_now;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kLive(40, 'b');
const std::string kNext(40, 'a');

class OfGitHub : public testing::Test {
 protected:
  OfGitHub() : client_(http_, clock_, entropy_, {"https://github.test", Secret("ghs_secret_1")}) {}

  // Commits `first` to `last` of `total`, as one page has them: oldest first.
  static HttpResponse page(int first, int last, int total, int left_out = 0) {
    json::array commits;
    for (int i = first; i <= last; ++i)
      commits.push_back(
          json::object{{"sha", fmt::format("{:040}", i)},
                       {"author", nullptr},
                       {"commit", json::object{{"message", fmt::format("change {}\nmore", i)},
                                               {"author", json::object{{"name", "Ana"}}}}}});
    return FakeGitHub::response(
        200, json::serialize(json::object{{"total_commits", total},
                                          {"behind_by", left_out},
                                          {"html_url", "https://github.test/compare"},
                                          {"commits", std::move(commits)}}));
  }
  Changes changes() { return run_now(read_changes(client_, "example/meals", kLive, kNext)); }
  Result<std::vector<std::string>> rules(const std::string& body, int status = 200) {
    http_.answer("GET", "/environments/prod", FakeGitHub::response(status, body));
    return run_now(read_environment_rules(client_, "example/meals", "prod"));
  }

  FakeGitHub http_;
  test::FakeClock clock_;
  test::FakeEntropy entropy_;
  GitHubClient client_;
};

TEST_F(OfGitHub, CommitsAreToldNewestFirst) {
  http_.answer("GET", "/compare/" + kLive + "..." + kNext + "?", page(1, 2, 2));
  const Changes found = changes();
  ASSERT_EQ(found.commits.size(), 2u);
  EXPECT_EQ(found.commits[0].subject, "change 2");
  EXPECT_EQ(found.commits[0].author, "Ana");
  EXPECT_EQ(headline(found, kLive), "2 commits since bbbbbbb");
}

// Without paging GitHub tells the oldest 250; what matters are the newest.
TEST_F(OfGitHub, TheNewestOfManyCommitsAreRead) {
  http_.answer("GET", "page=1", page(1, 100, 420));
  http_.answer("GET", "page=5", page(401, 420, 420));
  http_.answer("GET", "page=4", page(301, 400, 420));
  http_.answer("GET", "page=3", page(201, 300, 420));
  http_.answer("GET", "page=2", page(101, 200, 420));
  const Changes found = changes();
  EXPECT_EQ(found.total, 420);
  ASSERT_EQ(found.commits.size(), kMaxCommitsShown);
  EXPECT_EQ(found.commits.front().subject, "change 420");
  EXPECT_EQ(found.commits.back().subject, "change 171");
  EXPECT_EQ(http_.requests.size(), 5u);
}

TEST_F(OfGitHub, ThatItGoesBackOrLeavesOutIsSaid) {
  http_.answer("GET", "/compare/", page(1, 0, 0, 3));
  EXPECT_EQ(headline(changes(), kLive), "goes back 3 commits from bbbbbbb");
  http_.answer("GET", "/compare/", page(1, 1, 1, 2));
  EXPECT_EQ(headline(changes(), kLive), "1 commit since bbbbbbb, without 2 commits that are live");
}

TEST_F(OfGitHub, WhatCannotBeComparedIsARemark) {
  http_.answer("GET", "/compare/", FakeGitHub::response(404, R"({"message":"Not Found"})"));
  EXPECT_THAT(changes().remark, HasSubstr("GitHub does not know both it and the live bbbbbbb"));
  http_.answer("GET", "/compare/",
               FakeGitHub::response(403, R"({"message":"Resource not accessible"})"));
  EXPECT_THAT(changes().remark, HasSubstr("contents: read"));
  const size_t asked = http_.requests.size();
  EXPECT_EQ(run_now(read_changes(client_, "example/meals", kNext, kNext)).remark,
            "the commit that is live already");
  EXPECT_EQ(run_now(read_changes(client_, "example/meals", "", kNext)).remark,
            "nothing is known to be live to compare it with");
  EXPECT_EQ(http_.requests.size(), asked);
}

TEST_F(OfGitHub, RulesOfAnEnvironmentAreSentences) {
  const auto found = rules(R"({"name":"prod","protection_rules":[
    {"type":"wait_timer","wait_timer":30},
    {"type":"required_reviewers","prevent_self_review":true,"reviewers":[
      {"type":"User","reviewer":{"login":"ana"}},{"type":"Team","reviewer":{"name":"ops"}}]},
    {"type":"branch_policy"},
    {"type":"new_kind"}],
    "deployment_branch_policy":{"protected_branches":true,"custom_branch_policies":false}})");
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(*found, ElementsAre("its jobs wait 30 min",
                                  "its jobs want a review by ana, the team ops, and not by who "
                                  "started them",
                                  "its jobs are under a rule of the type new_kind",
                                  "its jobs run on protected branches only"));
}

TEST_F(OfGitHub, AnEnvironmentWithoutRulesOrNoneAtAllIsSaid) {
  EXPECT_THAT(*rules(R"({"name":"prod","deployment_branch_policy":null})"),
              ElementsAre("no rules"));
  EXPECT_THAT(*rules(R"({"message":"Not Found"})", 404),
              ElementsAre(HasSubstr("the first deployment makes it")));
  const auto denied = rules(R"({"message":"Resource not accessible by integration"})", 403);
  ASSERT_FALSE(denied.ok());
  EXPECT_THAT(denied.error().hint(), HasSubstr("actions: read"));
}

TEST_F(OfGitHub, TagsAreReadOverAllPages) {
  http_.answer(
      "GET", "/tags?per_page=100",
      FakeGitHub::response(200, R"([{"name":"v1.0.0","commit":{"sha":"aa"}},{"name":"broken"}])",
                           {{"Link", "<https://github.test/more>; rel=\"next\""}}));
  http_.answer("GET", "/more",
               FakeGitHub::response(200, R"([{"name":"v2.0.0","commit":{"sha":"bb"}}])"));
  const auto tags = run_now(read_tags(client_, "example/meals"));
  ASSERT_TRUE(tags.ok());
  ASSERT_EQ(tags->size(), 2u);
  EXPECT_EQ(tags->at(1).name, "v2.0.0");
  EXPECT_EQ(tags->at(1).sha, "bb");
}

// The comparison itself lists nothing then.
TEST_F(OfGitHub, OneThatGoesBackListsWhatItTakesBack) {
  http_.answer("GET", "/compare/" + kLive + "..." + kNext, page(1, 0, 0, 3));
  http_.answer("GET", "/compare/" + kNext + "..." + kLive, page(1, 3, 3));
  const Changes found = changes();
  EXPECT_TRUE(found.goes_back);
  EXPECT_EQ(headline(found, kLive), "goes back 3 commits from bbbbbbb");
  ASSERT_EQ(found.commits.size(), 3u);
  EXPECT_EQ(found.commits[0].subject, "change 3");
  EXPECT_EQ(found.listed(), 3);
}

class NewestTagAt : public OfGitHub {
 protected:
  void tags(const std::vector<std::pair<std::string, std::string>>& list) {
    json::array all;
    for (const auto& [name, sha] : list)
      all.push_back(json::object{{"name", name}, {"commit", json::object{{"sha", sha}}}});
    http_.answer("GET", "/tags", FakeGitHub::response(200, json::serialize(all)));
  }
  void compared(const std::string& tag_sha, const std::string& body, int status = 200) {
    http_.answer("GET", "/compare/" + tag_sha + "..." + kNext, FakeGitHub::response(status, body));
  }
  std::string found() {
    const auto tag = run_now(newest_tag_at(client_, "example/meals", kNext));
    if (!tag.ok()) return tag.error().message();
    return *tag ? (*tag)->name : "none";
  }
};

TEST_F(NewestTagAt, IsByVersionOrderAndNotByTheLists) {
  tags({{"v1.9.0", "19"}, {"v1.10.0", "110"}, {"nightly", "0"}, {"v1.10.0-rc.1", "rc"}});
  compared("110", R"({"behind_by":0})");
  EXPECT_EQ(found(), "v1.10.0");
}

TEST_F(NewestTagAt, IsOneThatTheCommitHas) {
  tags({{"v2.0.0", "20"}, {"v1.10.0", "110"}, {"v1.9.0", kNext}});
  compared("20", R"({"behind_by":7})");
  compared("110", R"({"behind_by":1})");
  EXPECT_EQ(found(), "v1.9.0") << "the others are of another branch";
}

TEST_F(NewestTagAt, IsNoneOfACommitThatGitHubDoesNotKnow) {
  tags({{"v2.0.0", "20"}});
  compared("20", R"({"message":"Not Found"})", 404);
  EXPECT_EQ(found(), "none");
  tags({});
  EXPECT_EQ(found(), "none");
}

}  // namespace
}  // namespace pawl
