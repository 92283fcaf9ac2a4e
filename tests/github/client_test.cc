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
    // Another client: the clock goes back here.
    GitHubClient client(http_, clock_, entropy_, {"https://github.test", Secret(kToken)});
    const json::object title{{"title", "x"}};
    const auto answer = run_now(client.call("POST", "/repos/example/meals/issues", title));
    ASSERT_TRUE(answer.ok()) << row.status;
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
       "the token needs: issues: write (in a workflow `permissions: {issues: write}`"},
      {404,
       R"({"message":"Not Found"})",
       {},
       ErrorKind::not_found,
       "Not Found",
       "may not be seen: the token needs: issues: write"},
      {422,
       R"({"message":"Validation Failed","errors":[{"field":"title","code":"missing"}]})",
       {},
       ErrorKind::failed,
       "Validation Failed; title missing",
       ""},
      {403,
       R"({"message":"Resource not accessible by personal access token"})",
       {{"x-accepted-github-permissions", "issues=read,contents=read; pull_requests=read"}},
       ErrorKind::denied,
       "personal access token",
       "issues: read and contents: read or pull_requests: read"},
      {403,
       R"({"message":"Resource protected by organization SAML enforcement."})",
       {{"x-github-sso", "required; url=https://github.test/orgs/x/sso?a=1"}},
       ErrorKind::denied,
       "SAML",
       "authorise the token at https://github.test/orgs/x/sso?a=1"},
      {400, "<html><head><title>Oops</title>", {}, ErrorKind::failed, "a web page", ""},
      {404,
       "<!DOCTYPE html><title>Page not found</title>",
       {},
       ErrorKind::not_found,
       "a web page, \"Page not found\"",
       "https://HOST/api/v3"},
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

// ---- rate limits

TEST_F(GitHubCalls, WaitTwiceAsLongEachTimeWhenTheyAreNotToldHowLong) {
  GitHubOptions patient;
  patient.api_url = "https://github.test/api";
  patient.patience = std::chrono::minutes(10);
  GitHubClient client(http_, clock_, entropy_, patient);
  const char* secondary = R"({"message":"You have exceeded a secondary rate limit."})";
  http_.answer("GET", "/list", FakeGitHub::response(403, secondary), 3);
  http_.answer("GET", "/list", FakeGitHub::response(200, "[]"));
  ASSERT_TRUE(run_now(client.list("/list", "")).ok());
  ASSERT_EQ(clock_.slept.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GE(clock_.slept[i], 60s * (1 << i));
    EXPECT_LT(clock_.slept[i], 60s * (1 << i) + 2s);
  }
}

TEST_F(GitHubCalls, SayWhatTheyWaitForAndNoLongerThanTheirPatience) {
  std::vector<std::string> said;
  client_.begin_telling(90s, [&](std::string_view line) { said.emplace_back(line); });
  http_.answer("GET", "/repos",
               FakeGitHub::response(403, "{}",
                                    {{"x-ratelimit-remaining", "0"},
                                     {"x-ratelimit-limit", "5000"},
                                     {"x-ratelimit-reset", "1700000050"}}));
  http_.answer("GET", "/repos", FakeGitHub::response(200));
  ASSERT_TRUE(get().ok());
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0],
            "GitHub's rate limit is used up (5000 requests an hour): waiting 50.0 s, until "
            "2023-11-14T22:14:10Z");
  // What is left of the 90 s is too little now.
  http_.answer("GET", "/repos", FakeGitHub::response(429, "{}", {{"retry-after", "60"}}));
  const auto refused = get();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::throttled);
  EXPECT_NE(refused.error().hint().find("github.patience"), std::string::npos);
  client_.end_telling();
  EXPECT_EQ(said.size(), 1u);
}

TEST_F(GitHubCalls, MeasureAResetByGitHubsOwnClock) {
  // Ours (2023-11-14T22:13:20Z) is an hour behind.
  http_.answer("GET", "/repos",
               FakeGitHub::response(403, "{}",
                                    {{"x-ratelimit-remaining", "0"},
                                     {"x-ratelimit-reset", "1700003630"},
                                     {"date", "Tue, 14 Nov 2023 23:13:20 GMT"}}));
  http_.answer("GET", "/repos", FakeGitHub::response(200));
  ASSERT_TRUE(get().ok());
  ASSERT_EQ(clock_.slept.size(), 1u);
  EXPECT_GE(clock_.slept[0], 30s);
  EXPECT_LT(clock_.slept[0], 32s);
}

// ---- what was read before

TEST_F(GitHubCalls, AskWithTheETagOfWhatTheyHaveRead) {
  http_.answer("GET", "/list",
               FakeGitHub::response(200, "[1,2]",
                                    {{"etag", "W/\"abc\""},
                                     {"link", "<https://github.test/api/next>; rel=\"next\""}}));
  http_.answer("GET", "/next", FakeGitHub::response(200, "[3]"), 2);
  ASSERT_EQ(run_now(client_.list("/list", ""))->size(), 3u);
  EXPECT_FALSE(http_.requests.at(0).headers.has("if-none-match"));
  http_.answer("GET", "/list", FakeGitHub::response(304, ""));
  const auto again = run_now(client_.list("/list", ""));
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->size(), 3u);  // the next page is known from before, too
  EXPECT_EQ(http_.requests.at(2).headers.get_or("if-none-match", ""), "W/\"abc\"");
  EXPECT_FALSE(http_.requests.at(3).headers.has("if-none-match"));
}

TEST_F(GitHubCalls, TakeWhatHasChangedForNew) {
  http_.answer("GET", "/x", FakeGitHub::response(200, "{\"a\":1}", {{"etag", "\"1\""}}));
  http_.answer("GET", "/x", FakeGitHub::response(200, "{\"a\":2}", {{"etag", "\"2\""}}));
  http_.answer("GET", "/x", FakeGitHub::response(304, ""));
  ASSERT_TRUE(run_now(client_.get("/x")).ok());
  EXPECT_EQ(run_now(client_.get("/x"))->at("a"), 2);
  EXPECT_EQ(run_now(client_.get("/x"))->at("a"), 2);
  EXPECT_EQ(http_.requests.at(2).headers.get_or("if-none-match", ""), "\"2\"");
}

// ---- answers that are none

TEST_F(GitHubCalls, ReadAgainWhatCameCutShortOrFromSomebodyElse) {
  http_.answer("GET", "/repos", FakeGitHub::response(200, R"({"full_name":"exam)"));
  http_.answer("GET", "/repos", FakeGitHub::response(200, "<html><title>Log in</title></html>"));
  http_.answer("GET", "/repos", FakeGitHub::response(200, R"({"full_name":"example/meals"})"));
  const auto answer = get();
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->at("full_name"), "example/meals");
  http_.answer("GET", "/repos", FakeGitHub::response(200, "<html><title>Log in</title></html>"),
               100);
  const auto never = get();
  ASSERT_FALSE(never.ok());
  EXPECT_EQ(never.error().kind(), ErrorKind::corrupt);
  EXPECT_NE(never.error().what().find("not answered by GitHub: a web page, \"Log in\""),
            std::string::npos)
      << never.error().what();
}

TEST_F(GitHubCalls, DoNotRepeatAChangeWhoseAnswerIsCutShort) {
  http_.answer("POST", "/issues", FakeGitHub::response(201, R"({"number":)"));
  const auto posted = post();
  ASSERT_FALSE(posted.ok());
  EXPECT_EQ(posted.error().kind(), ErrorKind::corrupt);
  EXPECT_TRUE(posted.error().outcome_unknown());
  EXPECT_EQ(http_.count("POST"), 1);
}

// ---- redirects

TEST_F(GitHubCalls, FollowARenamedRepositoryWithTheirBodyAndGoThereAtOnceNextTime) {
  std::vector<std::string> said;
  client_.begin_telling(1s, [&](std::string_view line) { said.emplace_back(line); });
  http_.answer("POST", "/repos/example/meals/issues",
               FakeGitHub::response(
                   301, "{}", {{"location", "https://github.test/api/repositories/7/issues"}}));
  http_.answer("POST", "/repositories/7/issues", FakeGitHub::response(201, R"({"number":3})"), 2);
  EXPECT_EQ(post()->at("number"), 3);
  const auto& followed = http_.requests.at(1);
  EXPECT_EQ(followed.method, "POST");
  EXPECT_EQ(followed.body, http_.requests.at(0).body);
  EXPECT_EQ(followed.headers.get_or("authorization", ""), std::string("Bearer ") + kToken);
  ASSERT_TRUE(post().ok());
  EXPECT_EQ(http_.requests.size(), 3u);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("example/meals has another name"), std::string::npos) << said[0];
}

TEST_F(GitHubCalls, FollowToAnotherHostWithoutTheTokenAndTellItNothing) {
  const auto away = FakeGitHub::response(302, "", {{"location", "https://evil.test/x"}});
  http_.answer("GET", "/repos", away);
  http_.answer("GET", "evil.test", FakeGitHub::response(200, "{}"));
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(http_.requests.at(1).url, "https://evil.test/x");
  EXPECT_FALSE(http_.requests.at(1).headers.has("authorization"));
  // The same host without TLS is another one.
  http_.answer("GET", "/repos",
               FakeGitHub::response(302, "", {{"location", "http://github.test/api/x"}}));
  http_.answer("GET", "/api/x", FakeGitHub::response(200, "{}"));
  ASSERT_TRUE(get().ok());
  EXPECT_FALSE(http_.requests.at(3).headers.has("authorization"));
  http_.answer("POST", "/issues", away);
  const auto posted = post();
  ASSERT_FALSE(posted.ok());
  EXPECT_EQ(posted.error().kind(), ErrorKind::denied);
  EXPECT_EQ(http_.requests.size(), 5u);
}

TEST_F(GitHubCalls, LeaveACircleOfRedirects) {
  http_.answer("GET", "", FakeGitHub::response(302, "", {{"location", "/api/round"}}), 100);
  const auto answer = get();
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().what().find("the 6th time"), std::string::npos) << answer.error().what();
  EXPECT_EQ(http_.requests.size(), 6u);
}

// ---- tokens

/// Gives "t1", then "t2" when the first was refused.
class TwoTokens : public GitHubCredentials {
 public:
  Task<Result<Secret>> token() override { co_return Secret("token-" + std::to_string(number)); }
  bool renew(const Secret&, std::string_view) override { return ++number <= 9; }
  std::string description() const override { return "the App 7"; }
  int number = 1;
};

TEST_F(GitHubCalls, RenewATokenThatHasRunOutOnce) {
  GitHubOptions options;
  options.api_url = "https://github.test/api";
  const auto tokens = std::make_shared<TwoTokens>();
  options.credentials = tokens;
  GitHubClient client(http_, clock_, entropy_, options);
  http_.answer("POST", "/x", FakeGitHub::response(401, R"({"message":"Bad credentials"})"));
  http_.answer("POST", "/x", FakeGitHub::response(201));
  const json::object body{{"a", 1}};
  ASSERT_TRUE(run_now(client.call("POST", "/x", body)).ok());
  EXPECT_EQ(http_.requests.at(0).headers.get_or("authorization", ""), "Bearer token-1");
  EXPECT_EQ(http_.requests.at(1).headers.get_or("authorization", ""), "Bearer token-2");
  http_.answer("POST", "/x", FakeGitHub::response(401, R"({"message":"Bad credentials"})"), 100);
  const auto refused = run_now(client.call("POST", "/x", body));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(http_.requests.size(), 4u);
  EXPECT_NE(refused.error().hint().find("the App 7 is not valid"), std::string::npos);
}

TEST(GitHubApiUrl, IsTheApisForWhatPeopleWrite) {
  EXPECT_EQ(github_api_url("https://github.com/"), "https://api.github.com");
  EXPECT_EQ(github_api_url("https://ghe.test/api/v3/"), "https://ghe.test/api/v3");
  EXPECT_EQ(github_api_url("https://api.acme.ghe.com"), "https://api.acme.ghe.com");
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
