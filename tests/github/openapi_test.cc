// Every call that Pawl makes of GitHub, and every answer of the sandbox's GitHub, held against
// GitHub's own published description by a proxy between the two (openapi/proxy.mjs). Skipped where
// node or the proxy's packages are not found: npm ci --prefix tests/github/openapi
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "github/app.h"
#include "github/changes.h"
#include "github/client.h"
#include "github/forge.h"
#include "net/loop.h"
#include "support/server_process.h"
#include "support/test_keys.h"

namespace pawl {
namespace {

using testing::IsEmpty;

constexpr const char* kSha = "0123456789012345678901234567890123456789";

class GitHubContract : public testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = std::string(PAWL_SOURCE_DIR) + "/tests/github/openapi";
    if (!std::filesystem::exists(folder + "/node_modules/@octokit/openapi"))
      GTEST_SKIP() << "GitHub's description is not here (npm ci --prefix tests/github/openapi)";
    const char* server = std::getenv("PAWL_TEST_SANDBOX");
    if (server == nullptr) GTEST_SKIP() << "PAWL_TEST_SANDBOX does not name the tests' sandbox";
    sandbox_.emplace(std::vector<std::string>{server});
    if (sandbox_->ready().empty()) GTEST_SKIP() << "the sandbox cannot run here";
    const std::string own = string_or(sandbox_->ready(), "github.url");
    proxy_.emplace(std::vector<std::string>{"node", folder + "/proxy.mjs", own});
    if (proxy_->ready().empty()) GTEST_SKIP() << "node is not here, or the proxy does not start";
    options_.api_url = string_or(proxy_->ready(), "url");
    options_.keeps_answers = false;  // prism cannot hand on an answer without a body (304)
    options_.token = Secret(string_or(sandbox_->ready(), "github.token"));
    client_.emplace(*http_, loop_.clock(), loop_.entropy(), options_);
    report_.deployment_id = "d-1";
    report_.app = "meals";
    report_.repository = "example/meals";
    report_.environment = "dev";
    report_.sha = kSha;
    report_.version = "1.4.2";
    report_.actor = "ana";
    report_.release_key = "1.4.2";
    report_.details_markdown = "| step | state |\n|---|---|\n| build | done |";
  }

  Result<ReportResult> finish(const std::string& outcome) {
    report_.outcome = outcome;
    report_.rollback_status = outcome == "rolled_back" ? "succeeded" : "";
    report_.url = "https://meals.example.com";
    return loop_.run(make_github_forge(*client_)->report_finished(report_));
  }

  /// A call that a person makes; the proxy answers 422 or 500 when either side is wrong.
  json::value call(const std::string& method, const std::string& path, json::object body = {}) {
    auto answer = method == "GET" ? loop_.run(client_->get(path))
                                  : loop_.run(client_->call(method, path, std::move(body)));
    EXPECT_TRUE(answer.ok()) << answer.error().message();
    return answer.ok() ? *answer : json::value();
  }
  json::value of_repository(const std::string& method, const std::string& path,
                            json::object body = {}) {
    return call(method, "/repos/example/meals" + path, std::move(body));
  }

  Loop loop_;
  std::unique_ptr<HttpClient> http_ = make_http_client(loop_);
  std::optional<test::ServerProcess> sandbox_;
  std::optional<test::ServerProcess> proxy_;
  GitHubOptions options_;
  std::optional<GitHubClient> client_;
  DeploymentReport report_;
};

TEST_F(GitHubContract, HoldsForAllThatPawlSays) {
  auto forge = make_github_forge(*client_);
  const auto access = loop_.run(forge->check_access("example/meals"));
  EXPECT_TRUE(access.ok()) << access.error().message();
  const auto started = loop_.run(forge->report_started(report_));
  ASSERT_TRUE(started.ok());
  EXPECT_THAT(started->problems, IsEmpty());
  report_.reason = "the health check failed: 503";
  // Two failures of one release, one told twice; then the success that closes its issue.
  for (const char* id : {"d-1", "d-2", "d-2"}) {
    report_.deployment_id = id;
    const auto failed = finish("rolled_back");
    ASSERT_TRUE(failed.ok());
    EXPECT_THAT(failed->problems, IsEmpty());
    EXPECT_NE(failed->issue, "");
  }
  report_.deployment_id = "d-3";
  report_.is_production = true;
  const auto succeeded = finish("succeeded");
  ASSERT_TRUE(succeeded.ok());
  EXPECT_THAT(succeeded->problems, IsEmpty());
  EXPECT_EQ(succeeded->closed_issues.size(), 1u);
  report_.deployment_id = "d-4";
  const auto cancelled = finish("cancelled");
  ASSERT_TRUE(cancelled.ok());
  EXPECT_THAT(cancelled->problems, IsEmpty());
}

TEST_F(GitHubContract, HoldsForTheLongestThatPawlSays) {
  report_.reason = std::string(2'000, 'x') + "\xC3\xBC";
  report_.details_markdown = std::string(100'000, 'y');
  const auto failed = finish("failed");
  ASSERT_TRUE(failed.ok());
  EXPECT_THAT(failed->problems, IsEmpty());
}

// More commits than a page has, from one of them to the last.
TEST_F(GitHubContract, HoldsForTheCommitsThatADeploymentBrings) {
  const std::string live = fmt::format("{:040x}", 10), next = fmt::format("{:040x}", 130);
  const Changes brought = loop_.run(read_changes(*client_, "example/meals", live, next));
  EXPECT_EQ(brought.remark, "");
  EXPECT_EQ(brought.total, 120);
  ASSERT_EQ(brought.commits.size(), 120u);
  EXPECT_EQ(brought.commits.front().subject, "change 130");
  EXPECT_EQ(brought.commits.back().subject, "change 11");
  const Changes back = loop_.run(read_changes(*client_, "example/meals", next, live));
  EXPECT_EQ(headline(back, next), "goes back 120 commits from 0000000");
  const Changes unknown = loop_.run(read_changes(*client_, "example/meals", kSha, next));
  EXPECT_THAT(unknown.remark, testing::HasSubstr("GitHub does not know both"));
  report_.sha = next;
  report_.base_sha = live;
  const auto told = finish("failed");
  ASSERT_TRUE(told.ok());
  EXPECT_THAT(told->problems, IsEmpty());
}

TEST_F(GitHubContract, HoldsForEnvironmentsAndTags) {
  const auto rules = loop_.run(read_environment_rules(*client_, "example/meals", "prod"));
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  EXPECT_EQ(rules->size(), 3u);
  const auto none = loop_.run(read_environment_rules(*client_, "example/meals", "nowhere"));
  ASSERT_TRUE(none.ok()) << none.error().message();
  EXPECT_THAT(none->at(0), testing::HasSubstr("no such environment"));
  const auto tags = loop_.run(read_tags(*client_, "example/meals"));
  ASSERT_TRUE(tags.ok()) << tags.error().message();
  ASSERT_EQ(tags->size(), 1u);
  EXPECT_EQ(tags->at(0).name, "v1.4.2");
  of_repository("GET", "/environments");
}

// The whole of it as a GitHub App: its own token, its installation, the installation's token.
TEST_F(GitHubContract, HoldsForAnApp) {
  GitHubAppOptions app;
  app.app_id = "1234";
  app.private_key = github_app_key(test::kRsaKey);
  app.repository = "example/meals";
  app.api.api_url = options_.api_url;
  GitHubOptions options;
  options.api_url = options_.api_url;
  options.credentials = make_github_app(*http_, loop_.clock(), loop_.entropy(), std::move(app));
  client_.emplace(*http_, loop_.clock(), loop_.entropy(), options);
  const auto access = loop_.run(make_github_forge(*client_)->check_access("example/meals"));
  ASSERT_TRUE(access.ok()) << access.error().message();
  EXPECT_EQ(*access, "example/meals, as the App 1234");
  const auto told = finish("succeeded");
  ASSERT_TRUE(told.ok());
  EXPECT_THAT(told->problems, IsEmpty());
  const auto other = loop_.run(client_->get("/user"));
  EXPECT_TRUE(other.ok()) << other.error().message();
}

// Without the proxy, which would have to change what Location and Link say.
TEST_F(GitHubContract, HoldsForARenamedRepositoryAndForWhatHasNotChanged) {
  GitHubOptions options = options_;
  options.keeps_answers = true;
  options.api_url = string_or(sandbox_->ready(), "github.url");
  client_.emplace(*http_, loop_.clock(), loop_.entropy(), options);
  const auto forge = make_github_forge(*client_);
  const auto access = loop_.run(forge->check_access("example/old-name"));
  ASSERT_TRUE(access.ok()) << access.error().message();
  EXPECT_THAT(*access, testing::HasSubstr("example/new-name, as the token; example/old-name is"));
  report_.repository = "example/old-name";
  const auto told = finish("failed");
  ASSERT_TRUE(told.ok());
  EXPECT_THAT(told->problems, IsEmpty());
  const auto used = [&] {
    const auto limits = call("GET", "/rate_limit");
    return int_or(limits.get_object(), "rate.used");
  };
  // Asked once more, the same list costs nothing of the rate limit.
  of_repository("GET", "/labels");
  const int64_t before = used();
  of_repository("GET", "/labels");
  EXPECT_EQ(used(), before + 1);  // the question itself
}

// The proxy is worth something only when it does refuse.
TEST_F(GitHubContract, IsHeldByTheProxy) {
  const json::object wrong{{"body", "an issue without a title"}};
  const auto refused = loop_.run(client_->call("POST", "/repos/example/meals/issues", wrong));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().http_status(), 422) << refused.error().message();
}

TEST_F(GitHubContract, HoldsForTheSandboxsAnswers) {
  ASSERT_TRUE(loop_.run(make_github_forge(*client_)->report_started(report_)).ok());
  ASSERT_TRUE(finish("rolled_back").ok());
  const json::object run{
      {"name", "lint"},
      {"head_sha", kSha},
      {"status", "completed"},
      {"conclusion", "neutral"},
      {"output",
       json::object{{"title", "t"},
                    {"summary", "s"},
                    {"annotations", json::array{json::object{{"path", "pawl.yaml"},
                                                             {"start_line", 1},
                                                             {"end_line", 2},
                                                             {"annotation_level", "notice"},
                                                             {"message", "m"}}}}}}};
  const auto made = of_repository("POST", "/check-runs", run);
  if (made.is_object()) {
    const std::string path = "/check-runs/" + std::to_string(int_or(made.get_object(), "id"));
    of_repository("GET", path);
    of_repository("GET", path + "/annotations");
  }
  const auto deployments = of_repository("GET", "/deployments");
  ASSERT_TRUE(deployments.is_array() && !deployments.get_array().empty());
  const std::string deployment =
      "/deployments/" + std::to_string(int_or(deployments.at(0).get_object(), "id"));
  call("GET", "/user");
  call("GET", "/rate_limit");
  const std::string commit = std::string("/commits/") + kSha;
  for (const std::string& path :
       {std::string(), std::string("/commits"), commit, commit + "/check-runs", commit + "/status",
        commit + "/statuses", std::string("/deployments"), deployment, deployment + "/statuses",
        std::string("/issues"), std::string("/issues?state=all&labels=deployment"),
        std::string("/issues/1"), std::string("/issues/1/comments"), std::string("/labels"),
        std::string("/tags"), std::string("/releases"), std::string("/actions/runs")}) {
    SCOPED_TRACE(path);
    of_repository("GET", path);
  }
  of_repository("PATCH", "/issues/1", {{"state", "closed"}, {"state_reason", "not_planned"}});
  of_repository("GET", "/issues/1");
  of_repository("POST", "/issues/1/comments", {{"body", "seen"}});
}

}  // namespace
}  // namespace pawl
