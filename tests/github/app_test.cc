#include "github/app.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/jwt.h"
#include "github/forge.h"
#include "github/support/fake_github.h"
#include "support/test_keys.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;
using test::FakeGitHub;
using test::run_now;

constexpr const char* kInstallation = "/repos/example/meals/installation";
constexpr const char* kTokens = "/app/installations/42/access_tokens";

HttpResponse token_answer(const std::string& token, const std::string& expires) {
  const json::object permissions{{"checks", "write"}, {"metadata", "read"}};
  const json::object body{{"token", token}, {"expires_at", expires}, {"permissions", permissions}};
  return FakeGitHub::response(201, json::serialize(body));
}

class GitHubApp : public testing::Test {
 protected:
  GitHubApp() {
    GitHubAppOptions app;
    app.app_id = "1234";
    app.private_key = github_app_key(test::kRsaKey);
    app.repository = "example/meals";
    app.api.api_url = "https://github.test";
    options_.api_url = "https://github.test";
    options_.credentials = make_github_app(http_, clock_, entropy_, std::move(app));
    client_.emplace(http_, clock_, entropy_, options_);
    http_.answer("GET", kInstallation, FakeGitHub::response(200, R"({"id":42})"), 100);
  }
  // The clock stands at 2023-11-14T22:13:20Z.
  void give(const std::string& token, const std::string& expires = "2023-11-14T23:13:20Z") {
    http_.answer("POST", kTokens, token_answer(token, expires));
  }
  Result<json::value> call() { return run_now(client_->get("/repos/example/meals")); }
  std::string sent(size_t index) {
    return http_.requests.at(index).headers.get_or("authorization", "");
  }
  json::object claims_of(size_t index) {
    auto read = read_jwt(sent(index).substr(7), test::kRsaPublicKey);
    EXPECT_TRUE(read.ok());
    return read.ok() ? *read : json::object();
  }

  FakeGitHub http_;
  test::FakeClock clock_;
  test::FakeEntropy entropy_;
  GitHubOptions options_;
  std::optional<GitHubClient> client_;
};

TEST_F(GitHubApp, GetsATokenForItsRepositoryAlone) {
  // "Installation tokens are about 520 characters": no length is assumed.
  const std::string token = "ghs_" + std::string(2'000, 'x');
  give(token);
  ASSERT_TRUE(call().ok());
  ASSERT_EQ(http_.requests.size(), 3u);
  EXPECT_EQ(http_.requests.at(0).url, std::string("https://github.test") + kInstallation);
  const auto claims = claims_of(0);
  EXPECT_EQ(claims.at("iss"), "1234");
  EXPECT_EQ(claims.at("iat"), 1'700'000'000 - 60);
  EXPECT_LE(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 600);
  EXPECT_EQ(http_.requests.at(1).body, R"({"repositories":["meals"]})");
  EXPECT_EQ(sent(2), "Bearer " + token);
  EXPECT_EQ(client_->credentials().permissions().at("checks"), "write");
}

TEST_F(GitHubApp, RenewsItsTokenAheadOfItsEnd) {
  give("token-1-of-an-hour");
  give("token-2-of-an-hour", "2023-11-15T00:08:20Z");
  ASSERT_TRUE(call().ok());
  clock_.passed_ms = 54 * 60'000;
  ASSERT_TRUE(call().ok());
  EXPECT_EQ(sent(3), "Bearer token-1-of-an-hour");
  clock_.passed_ms = 55 * 60'000 + 1;
  ASSERT_TRUE(call().ok());
  EXPECT_EQ(http_.requests.at(4).method, "POST");  // the installation is known by now
  EXPECT_EQ(sent(5), "Bearer token-2-of-an-hour");
}

TEST_F(GitHubApp, RenewsATokenThatWasRefusedOnce) {
  give("token-that-was-revoked");
  give("token-that-is-good");
  http_.answer("GET", "/repos/example/meals",
               FakeGitHub::response(401, R"({"message":"Bad credentials"})"));
  ASSERT_TRUE(call().ok());
  EXPECT_EQ(sent(2), "Bearer token-that-was-revoked");
  EXPECT_EQ(sent(4), "Bearer token-that-is-good");
}

TEST_F(GitHubApp, MakesUpForAClockThatIsOff) {
  http_.clear_answers();
  http_.answer(
      "GET", kInstallation,
      FakeGitHub::response(401, R"({"message":"'Issued at' claim ('iat') must be an Integer"})",
                           {{"date", "Tue, 14 Nov 2023 21:13:20 GMT"}}));
  http_.answer("GET", kInstallation, FakeGitHub::response(200, R"({"id":42})"));
  give("token-of-an-hour-past", "2023-11-14T22:13:20Z");
  ASSERT_TRUE(call().ok());
  EXPECT_EQ(claims_of(1).at("iat"), 1'700'000'000 - 60 - 3'600);
  // By our clock the token is over: it is used all the same, and not asked for at each call.
  ASSERT_TRUE(call().ok());
  EXPECT_EQ(http_.count("POST"), 1);
}

TEST_F(GitHubApp, SharesOneTokenAmongCallsThatBegunTogether) {
  give("token-for-all-of-them");
  std::vector<Task<Result<json::value>>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(client_->get("/repos/example/meals"));
  for (const auto& answer : run_now(when_all(std::move(calls)))) EXPECT_TRUE(answer.ok());
  EXPECT_EQ(http_.count("POST"), 1);
}

TEST_F(GitHubApp, AsksWithoutANameForARepositoryThatWasRenamed) {
  http_.answer("POST", kTokens, FakeGitHub::response(422, R"({"message":"no such repository"})"));
  give("token-for-whatever-its-name");
  ASSERT_TRUE(call().ok());
  EXPECT_EQ(http_.requests.at(2).body, "{}");
}

TEST_F(GitHubApp, SaysWhereItIsNotInstalled) {
  http_.clear_answers();
  http_.answer("GET", kInstallation, FakeGitHub::response(404, R"({"message":"Not Found"})"));
  const auto answer = call();
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().message().find("while getting a token for example/meals"),
            std::string::npos)
      << answer.error().message();
  EXPECT_NE(answer.error().hint().find("install the App 1234 in example/meals"), std::string::npos);
}

TEST_F(GitHubApp, NamesThePermissionsThatItLacks) {
  give("token-with-few-permissions");
  const auto access = run_now(make_github_forge(*client_)->check_access("example/meals"));
  ASSERT_FALSE(access.ok());
  EXPECT_EQ(access.error().what(),
            "the App 1234 lacks in example/meals: contents: read, deployments: write, issues: "
            "write, statuses: write");
}

TEST(GitHubAppKey, IsTakenInEveryFormThatPeopleKeepItIn) {
  const std::string pem = test::kRsaKey;
  std::string escaped;
  for (const char c : pem) escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
  for (const std::string& text : {pem, escaped, base64_encode(pem)}) {
    const Secret key = github_app_key(text);
    EXPECT_TRUE(make_jwt({}, key).ok()) << text.substr(0, 40);
  }
}

TEST(GitHubAppKey, IsKeptOutOfTextLineByLine) {
  const Secret key = github_app_key(test::kRsaKey);
  const std::string pem = test::kRsaKey;
  const size_t line = pem.find('\n') + 1;
  const std::string shown = redact("it says " + pem.substr(line, 64) + " there");
  EXPECT_EQ(shown, "it says *** there");
}

}  // namespace
}  // namespace pawl
