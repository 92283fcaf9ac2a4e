#include "github/client.h"

#include <gtest/gtest.h>

#include "github/support/fake_github.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;
using test::FakeGitHub;
using test::run_now;

constexpr const char* kToken = "ghs_a-token-of-no-known-length";

class GitHubCalls : public testing::Test {
 protected:
  GitHubCalls() : client_(http_, clock_, entropy_, {"https://github.test/api", Secret(kToken)}) {}

  Result<json::value> get() { return run_now(client_.get("/repos/example/meals")); }
  Result<json::value> post() {
    return run_now(
        client_.call("POST", "/repos/example/meals/issues", json::object{{"title", "x"}}));
  }

  FakeGitHub http_;
  test::FakeClock clock_;
  test::FakeEntropy entropy_;
  GitHubClient client_;
};

TEST_F(GitHubCalls, SendTheHeadersThatGitHubAsksFor) {
  http_.answer("GET", "/api/repos", FakeGitHub::response(200));
  ASSERT_TRUE(get().ok());
  const auto& headers = http_.requests.at(0).headers;
  EXPECT_EQ(headers.get_or("accept", ""), "application/vnd.github+json");
  EXPECT_EQ(headers.get_or("x-github-api-version", ""), "2022-11-28");
  EXPECT_EQ(headers.get_or("authorization", ""), std::string("Bearer ") + kToken);
  EXPECT_EQ(http_.requests.at(0).url, "https://github.test/api/repos/example/meals");
}

TEST_F(GitHubCalls, WaitAsLongAsARateLimitSays) {
  struct Row {
    int status;
    Headers headers;
    std::chrono::seconds wait;
  };
  const Row rows[] = {
      {429, {{"retry-after", "7"}}, 7s},
      {403, {{"retry-after", "3"}}, 3s},
      {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1700000042"}}, 42s},
      {429, {}, 60s},
  };
  for (const auto& row : rows) {
    clock_.passed_ms = 0;
    clock_.slept.clear();
    http_.answer("POST", "/issues", FakeGitHub::response(row.status, "{}", row.headers));
    http_.answer("POST", "/issues", FakeGitHub::response(201));
    ASSERT_TRUE(post().ok()) << row.status;
    ASSERT_EQ(clock_.slept.size(), 1u);
    EXPECT_GE(clock_.slept[0], row.wait) << row.status;
    EXPECT_LE(clock_.slept[0], row.wait + 30s) << row.status;
  }
}

TEST_F(GitHubCalls, QuoteWhoeverAnswersInGitHubsPlace) {
  http_.answer("POST", "/issues", FakeGitHub::response(502, R"({"reason":"no way through"})"));
  const auto answer = post();
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().what().find("no way through"), std::string::npos)
      << answer.error().what();
}

TEST_F(GitHubCalls, DoNotWaitOutALongRateLimit) {
  http_.answer(
      "GET", "/repos",
      FakeGitHub::response(403, R"({"message":"API rate limit exceeded"})",
                           {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1700003000"}}));
  const auto answer = get();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::throttled);
  EXPECT_EQ(answer.error().retry_after_seconds(), 3000);
  EXPECT_TRUE(clock_.slept.empty());
}

TEST_F(GitHubCalls, ReadAgainAfterAFailureAndNeverRepeatAChange) {
  http_.answer("GET", "/repos", FakeGitHub::response(502, "<html>bad gateway</html>"), 2);
  http_.answer("GET", "/repos", FakeGitHub::response(200));
  EXPECT_TRUE(get().ok());
  EXPECT_EQ(http_.count("GET"), 3);
  http_.answer("POST", "/issues", FakeGitHub::response(502));
  const auto posted = post();
  ASSERT_FALSE(posted.ok());
  EXPECT_TRUE(posted.error().outcome_unknown());
  EXPECT_EQ(http_.count("POST"), 1);
}

TEST_F(GitHubCalls, GiveUpAfterSomeTries) {
  http_.answer("GET", "/repos", FakeGitHub::response(500), 100);
  ASSERT_FALSE(get().ok());
  EXPECT_EQ(http_.count("GET"), RetryPolicy().attempts);
}

TEST_F(GitHubCalls, SayWhatGitHubSaid) {
  struct Row {
    int status;
    const char* body;
    Headers headers;
    ErrorKind kind;
    const char* what;
    const char* hint;
  };
  const Row rows[] = {
      {401,
       R"({"message":"Bad credentials"})",
       {},
       ErrorKind::denied,
       "answered 401: Bad credentials",
       "GITHUB_TOKEN"},
      {403,
       R"({"message":"Resource not accessible by integration"})",
       {{"x-accepted-github-permissions", "issues=write"}},
       ErrorKind::denied,
       "Resource not accessible",
       "the token needs: issues=write"},
      {404, R"({"message":"Not Found"})", {}, ErrorKind::not_found, "Not Found", "may lack"},
      {422,
       R"({"message":"Validation Failed","errors":[{"field":"title","code":"missing"}]})",
       {},
       ErrorKind::failed,
       "Validation Failed; title missing",
       ""},
      {400, "<html>", {}, ErrorKind::failed, "<html>", ""},
  };
  for (const auto& row : rows) {
    http_.answer("POST", "/issues", FakeGitHub::response(row.status, row.body, row.headers));
    const auto answer = post();
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind(), row.kind) << row.status;
    EXPECT_NE(answer.error().what().find(row.what), std::string::npos) << answer.error().what();
    EXPECT_NE(answer.error().hint().find(row.hint), std::string::npos) << answer.error().hint();
    EXPECT_EQ(answer.error().message().find(kToken), std::string::npos);
    EXPECT_EQ(answer.error().http_status(), row.status);
  }
}

TEST_F(GitHubCalls, FollowPages) {
  http_.page_size = 2;
  GitHubClient client(http_, clock_, entropy_, {"https://github.test", Secret(kToken)});
  for (int i = 0; i < 5; ++i) {
    const json::object label{{"name", std::to_string(i)}};
    ASSERT_TRUE(run_now(client.call("POST", "/repos/example/meals/labels", label)).ok());
  }
  const auto all = run_now(client.list("/repos/example/meals/labels?per_page=2", ""));
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->size(), 5u);
  EXPECT_EQ(http_.count("GET"), 3);
}

TEST_F(GitHubCalls, GiveTheTokenToNoOtherHost) {
  http_.answer("GET", "/list",
               FakeGitHub::response(200, "[1]", {{"Link", "<https://evil.test/x>; rel=\"next\""}}));
  const auto all = run_now(client_.list("/list", ""));
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(http_.requests.size(), 1u);
}

TEST_F(GitHubCalls, StopAtTheLastPageTheyWouldEverRead) {
  http_.answer("GET", "/list",
               FakeGitHub::response(200, "[1]",
                                    {{"Link", "<https://github.test/api/list?p=1>; rel=\"next\""}}),
               1'000);
  const auto all = run_now(client_.list("/list", ""));
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(http_.requests.size(), static_cast<size_t>(GitHubClient::kMaxPages));
}

TEST_F(GitHubCalls, NameAnAnswerThatIsNoList) {
  http_.answer("GET", "/list", FakeGitHub::response(200, "{}"));
  const auto all = run_now(client_.list("/list", "check_runs"));
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().kind(), ErrorKind::corrupt);
}

TEST(NextPage, IsReadFromTheLinkHeader) {
  struct Row {
    const char* header;
    const char* next;
  };
  const Row rows[] = {
      {"<https://a/x?page=2>; rel=\"next\", <https://a/x?page=9>; rel=\"last\"",
       "https://a/x?page=2"},
      {"<https://a/x?page=1>; rel=\"prev\", <https://a/x?page=3>; rel=\"next\"",
       "https://a/x?page=3"},
      {"<https://a/x?page=1>; rel=\"prev\"", ""},
      {"<https://a/x", ""},
      {"rel=\"next\"", ""},
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(next_page(row.header), row.next) << row.header;
}

}  // namespace
}  // namespace pawl
