// What Pawl calls GitHub with, by the environment and pawl.yaml.
#include "cli/github_access.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "net/loop.h"
#include "support/temp_folder.h"
#include "support/test_keys.h"

namespace pawl {
namespace {

class GitHubAccess : public testing::Test {
 protected:
  GitHubAccess() { config_.config.repository = "example/meals"; }

  Result<std::optional<GitHubOptions>> access(std::map<std::string, std::string> variables,
                                              bool sandbox = false) {
    return github_access(ProcessEnvironment(std::move(variables)), config_, sandbox, *http_,
                         loop_.clock(), loop_.entropy());
  }
  std::string key_file() {
    const std::string path = folder_ / "app.pem";
    std::ofstream(path) << test::kRsaKey;
    return path;
  }

  test::TempFolder folder_;
  Loop loop_;
  std::unique_ptr<HttpClient> http_ = make_http_client(loop_);
  LoadedConfig config_;
};

TEST_F(GitHubAccess, IsNoneWithoutATokenOrARepository) {
  EXPECT_FALSE(access({})->has_value());
  config_.config.repository.clear();
  EXPECT_FALSE(access({{"GITHUB_TOKEN", "ghp_a-token"}})->has_value());
}

TEST_F(GitHubAccess, IsTheTokenAtTheAddressOfTheEnvironmentBeforeTheConfigs) {
  config_.config.github.api_url = "https://ghe.test/api/v3";
  auto options = access({{"GITHUB_TOKEN", "ghp_a-token"}});
  ASSERT_TRUE(options.ok() && *options);
  EXPECT_EQ((*options)->api_url, "https://ghe.test/api/v3");
  EXPECT_EQ((*options)->credentials, nullptr);
  options = access({{"GITHUB_TOKEN", "ghp_a-token"}, {"GITHUB_API_URL", "http://127.0.0.1:1"}});
  EXPECT_EQ((*options)->api_url, "http://127.0.0.1:1");
}

TEST_F(GitHubAccess, IsTheAppWhereItsKeyIs) {
  const std::string file = key_file();
  const std::map<std::string, std::string> rows[] = {
      {{"PAWL_GITHUB_APP_ID", "7"}, {"PAWL_GITHUB_APP_KEY", test::kRsaKey}},
      {{"PAWL_GITHUB_APP_ID", "7"}, {"PAWL_GITHUB_APP_KEY_FILE", file}, {"GITHUB_TOKEN", "t"}},
  };
  for (const auto& variables : rows) {
    const auto options = access(variables);
    ASSERT_TRUE(options.ok() && *options);
    EXPECT_EQ((*options)->credentials->description(), "the App 7");
  }
  config_.config.github.app_id = "8";
  config_.config.github.app_key_file = "app.pem";
  config_.directory = folder_ / ".";
  EXPECT_EQ((*access({}))->credentials->description(), "the App 8");
}

// pawl.yaml is the same for all; the key is not on every laptop.
TEST_F(GitHubAccess, IsTheTokenWhereTheConfigsKeyIsNot) {
  config_.config.github.app_id = "8";
  config_.config.github.app_key_file = "/nowhere/app.pem";
  const auto options = access({{"GITHUB_TOKEN", "ghp_a-token"}});
  ASSERT_TRUE(options.ok() && *options);
  EXPECT_EQ((*options)->credentials, nullptr);
  EXPECT_FALSE(access({})->has_value());
}

TEST_F(GitHubAccess, SaysWhatTheEnvironmentNamesAndLacks) {
  const auto no_key = access({{"PAWL_GITHUB_APP_ID", "7"}});
  ASSERT_FALSE(no_key.ok());
  EXPECT_NE(no_key.error().hint().find("PAWL_GITHUB_APP_KEY"), std::string::npos);
  const auto no_file = access({{"PAWL_GITHUB_APP_ID", "7"}, {"PAWL_GITHUB_APP_KEY_FILE", "/no"}});
  ASSERT_FALSE(no_file.ok());
  EXPECT_NE(no_file.error().message().find("the private key of the GitHub App"), std::string::npos);
  const auto no_number = access({{"PAWL_GITHUB_APP_ID", "7"},
                                 {"PAWL_GITHUB_APP_KEY", test::kRsaKey},
                                 {"PAWL_GITHUB_APP_INSTALLATION", "x"}});
  ASSERT_FALSE(no_number.ok());
  EXPECT_EQ(no_number.error().kind(), ErrorKind::usage);
}

TEST_F(GitHubAccess, IsTheSandboxsTokenInTheSandbox) {
  config_.config.github.app_id = "8";
  config_.config.github.app_key_file = key_file();
  const auto options = access({{"GITHUB_TOKEN", "ghp_of-the-sandbox"}}, /*sandbox=*/true);
  ASSERT_TRUE(options.ok() && *options);
  EXPECT_EQ((*options)->credentials, nullptr);
}

TEST(WorkflowRunUrl, IsThePageOfThisAttempt) {
  std::map<std::string, std::string> run = {{"GITHUB_SERVER_URL", "https://github.com"},
                                            {"GITHUB_REPOSITORY", "example/meals"},
                                            {"GITHUB_RUN_ID", "5"}};
  EXPECT_EQ(workflow_run_url(ProcessEnvironment(run)),
            "https://github.com/example/meals/actions/runs/5");
  run["GITHUB_RUN_ATTEMPT"] = "2";
  EXPECT_EQ(workflow_run_url(ProcessEnvironment(run)),
            "https://github.com/example/meals/actions/runs/5/attempts/2");
  EXPECT_EQ(workflow_run_url(ProcessEnvironment(std::map<std::string, std::string>())), "");
}

TEST(ProcessEnvironment, KeepsTheAppsKeyFromThePrograms) {
  ::setenv("PAWL_GITHUB_APP_KEY", "a key", 1);
  EXPECT_EQ(ProcessEnvironment::of_this_process().get("PAWL_GITHUB_APP_KEY"), "a key");
  EXPECT_EQ(std::getenv("PAWL_GITHUB_APP_KEY"), nullptr);
}

}  // namespace
}  // namespace pawl
