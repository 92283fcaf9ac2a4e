// Every call that Pawl makes of GitHub, and every answer of the sandbox's GitHub, held against
// GitHub's own published description by a proxy between the two (openapi/proxy.mjs). Skipped where
// node or the proxy's packages are not found: npm ci --prefix tests/github/openapi
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "github/client.h"
#include "github/forge.h"
#include "net/loop.h"
#include "support/server_process.h"

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
