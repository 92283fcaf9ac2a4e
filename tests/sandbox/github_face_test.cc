// GitHub's REST face: shapes, errors, paging, and the rules that clients trip over.
#include "sandbox/github/face.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/jwt.h"
#include "sandbox/support/client.h"
#include "support/test_keys.h"

namespace pawl::sandbox {
namespace {

using test::body_of;
using testing::HasSubstr;

constexpr const char* kSha = "0123456789012345678901234567890123456789";

class GitHubCalls : public testing::Test {
 protected:
  void SetUp() override {
    github_.add_repository("example/meals", WallTime{1'700'000'000'000});
    start({});
  }
  void start(GitHubFaceOptions options) {
    options.token = Secret("ghp_the-token");
    options.url = "http://api";
    face_.emplace(github_, loop_.clock(), std::move(options));
    url_ = client_.serve([this](ServerRequest& request) { return face_->handle(request); });
  }
  HttpResponse call(const std::string& method, const std::string& path,
                    const std::string& body = "") {
    return client_.send(method, url_ + "/repos/example/meals" + path,
                        {{"Authorization", "Bearer ghp_the-token"}}, body);
  }
  json::value made(const std::string& path, const json::object& body) {
    const auto answer = call("POST", path, json::serialize(body));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return body_of(answer);
  }
  int64_t count(const std::string& path) {
    return static_cast<int64_t>(body_of(call("GET", path)).as_array().size());
  }

  Loop loop_;
  cloud::Ledger ledger_;
  cloud::GitHub github_{ledger_};
  std::optional<GitHubFace> face_;
  test::FaceClient client_{loop_};
  std::string url_;
};

TEST_F(GitHubCalls, WantATokenThatIsRight) {
  const std::string url = url_ + "/repos/example/meals";
  auto answer = client_.send("GET", url);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(body_of(answer).at("message"), "Requires authentication");
  answer = client_.send("GET", url, {{"Authorization", "Bearer wrong"}});
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(body_of(answer).at("message"), "Bad credentials");
  EXPECT_EQ(body_of(answer).at("status"), "401");
  answer = client_.send("GET", url, {{"Authorization", "token ghp_the-token"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(body_of(answer).at("full_name"), "example/meals");
  EXPECT_EQ(answer.headers.get_or("X-RateLimit-Limit", ""), "5000");
  EXPECT_EQ(answer.headers.get_or("X-RateLimit-Resource", ""), "core");
}

TEST_F(GitHubCalls, EndAtTheRateLimit) {
  GitHubFaceOptions few;
  few.rate_limit = 2;
  start(few);
  EXPECT_EQ(call("GET", "").headers.get_or("X-RateLimit-Remaining", ""), "1");
  EXPECT_EQ(call("GET", "").status, 200);
  const auto limited = call("GET", "");
  EXPECT_EQ(limited.status, 403);
  EXPECT_EQ(limited.headers.get_or("X-RateLimit-Remaining", ""), "0");
  EXPECT_THAT(limited.body, HasSubstr("API rate limit exceeded"));
}

TEST_F(GitHubCalls, AnswerNotFoundForWhatIsNotThere) {
  for (const char* path :
       {"/issues/7", "/check-runs/7", "/deployments/7", "/nothing", "/releases/latest"}) {
    const auto answer = call("GET", path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(body_of(answer).at("message"), "Not Found") << path;
  }
  EXPECT_EQ(
      client_.send("GET", url_ + "/repos/no/body", {{"Authorization", "Bearer ghp_the-token"}})
          .status,
      404);
}

TEST_F(GitHubCalls, CheckRunsAreMadeUpdatedAndListed) {
  const auto run = made("/check-runs", {{"name", "deploy/dev"},
                                        {"head_sha", kSha},
                                        {"status", "in_progress"},
                                        {"external_id", "d-1"}});
  EXPECT_EQ(run.at("status"), "in_progress");
  EXPECT_TRUE(run.at("conclusion").is_null());
  const std::string path = "/check-runs/" + std::to_string(run.at("id").as_int64());
  const auto done =
      call("PATCH", path, R"({"conclusion":"success","output":{"title":"Done","summary":"fine",
      "annotations":[{"path":"pawl.yaml","start_line":1,"end_line":2,"annotation_level":"notice","message":"m"}]}})");
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(body_of(done).at("status"), "completed");
  EXPECT_TRUE(body_of(done).at("completed_at").is_string());
  EXPECT_EQ(body_of(done).at("output").at("annotations_count"), 1);
  EXPECT_EQ(body_of(call("GET", path + "/annotations")).at(0).at("message"), "m");
  const auto listed =
      body_of(call("GET", std::string("/commits/") + kSha + "/check-runs?check_name=deploy%2Fdev"));
  EXPECT_EQ(listed.at("total_count"), 1);
  EXPECT_EQ(listed.at("check_runs").at(0).at("external_id"), "d-1");
}

struct Refusal {
  const char* method;
  const char* path;
  const char* body;
  const char* field;
  const char* code;
};

TEST_F(GitHubCalls, RefuseWhatIsNotValid) {
  made("/check-runs", {{"name", "x"}, {"head_sha", kSha}});
  const std::string statuses = std::string("/statuses/") + kSha;
  const std::string long_status =
      json::serialize(json::object{{"state", "success"}, {"description", std::string(141, 'x')}});
  const std::string long_summary = json::serialize(
      json::object{{"name", "x"},
                   {"head_sha", kSha},
                   {"output", {{"title", "t"}, {"summary", std::string(65'536, 'x')}}}});
  for (
      const auto& row : {
          Refusal{"POST", "/check-runs",
                  R"({"head_sha":"0123456789012345678901234567890123456789"})", "name",
                  "missing_field"},
          Refusal{"POST", "/check-runs", R"({"name":"x"})", "head_sha", "missing_field"},
          Refusal{
              "POST", "/check-runs",
              R"({"name":"x","head_sha":"0123456789012345678901234567890123456789","status":"odd"})",
              "status", "invalid"},
          Refusal{
              "POST", "/check-runs",
              R"({"name":"x","head_sha":"0123456789012345678901234567890123456789","status":"completed"})",
              "conclusion", "missing_field"},
          Refusal{
              "POST", "/check-runs",
              R"({"name":"x","head_sha":"0123456789012345678901234567890123456789","output":{"title":"t"}})",
              "summary", "missing_field"},
          Refusal{"POST", "/check-runs", long_summary.c_str(), "summary", "custom"},
          Refusal{"POST", statuses.c_str(), R"({"state":"done"})", "state", "invalid"},
          Refusal{"POST", statuses.c_str(), long_status.c_str(), "description", "custom"},
          Refusal{"POST", "/issues", R"({"body":"b"})", "title", "missing_field"},
          Refusal{"POST", "/labels", R"({"name":"l","color":"red"})", "color", "invalid"},
          Refusal{"POST", "/deployments", R"({})", "ref", "missing_field"},
      }) {
    const auto answer = call(row.method, row.path, row.body);
    EXPECT_EQ(answer.status, 422) << row.path << " " << row.field;
    const auto body = body_of(answer);
    EXPECT_EQ(body.at("message"), "Validation Failed");
    EXPECT_EQ(body.at("errors").at(0).at("field"), row.field);
    EXPECT_EQ(body.at("errors").at(0).at("code"), row.code) << row.field;
  }
  EXPECT_EQ(body_of(call("POST", "/issues", "{")).at("message"), "Problems parsing JSON");
  EXPECT_EQ(call("GET", "/commits/unknown-branch").status, 422);
}

TEST_F(GitHubCalls, NoMoreThanFiftyAnnotationsAtOnce) {
  json::array annotations;
  for (int i = 0; i < 51; ++i)
    annotations.push_back(json::object{{"path", "a"},
                                       {"start_line", 1},
                                       {"end_line", 1},
                                       {"annotation_level", "notice"},
                                       {"message", "m"}});
  const json::object output{{"title", "t"}, {"summary", "s"}, {"annotations", annotations}};
  const auto answer =
      call("POST", "/check-runs",
           json::serialize(json::object{{"name", "x"}, {"head_sha", kSha}, {"output", output}}));
  EXPECT_EQ(answer.status, 422);
}

TEST_F(GitHubCalls, StatusesComeToOneState) {
  const std::string path = std::string("/statuses/") + kSha,
                    combined = std::string("/commits/") + kSha + "/status";
  EXPECT_EQ(body_of(call("GET", combined)).at("state"), "pending");
  made(path, {{"state", "pending"}, {"context", "deploy/dev"}});
  made(path, {{"state", "success"}, {"context", "ci"}});
  EXPECT_EQ(body_of(call("GET", combined)).at("state"), "pending");
  made(path,
       {{"state", "success"}, {"context", "deploy/dev"}, {"description", std::string(140, 'x')}});
  const auto both = body_of(call("GET", combined));
  EXPECT_EQ(both.at("state"), "success");
  EXPECT_EQ(both.at("total_count"), 2);
  made(path, {{"state", "error"}, {"context", "ci"}});
  EXPECT_EQ(body_of(call("GET", combined)).at("state"), "failure");
  EXPECT_EQ(count(std::string("/commits/") + kSha + "/statuses"), 4);
}

TEST_F(GitHubCalls, ANewDeploymentMakesTheOlderOneInactive) {
  const auto deploy = [this](const char* environment) {
    const auto made_one = made("/deployments", {{"ref", kSha},
                                                {"environment", environment},
                                                {"auto_merge", false},
                                                {"required_contexts", json::array()}});
    const std::string path =
        "/deployments/" + std::to_string(made_one.at("id").as_int64()) + "/statuses";
    made(path, {{"state", "in_progress"}});
    made(path, {{"state", "success"}, {"environment_url", "http://127.0.0.1:4520"}});
    return path;
  };
  const auto first = deploy("dev"), other = deploy("prod"), second = deploy("dev");
  EXPECT_EQ(body_of(call("GET", first)).at(0).at("state"), "inactive");
  EXPECT_EQ(body_of(call("GET", other)).at(0).at("state"), "success");
  EXPECT_EQ(body_of(call("GET", second)).at(0).at("environment_url"), "http://127.0.0.1:4520");
  EXPECT_EQ(count("/deployments?environment=dev"), 2);
  EXPECT_EQ(count("/deployments?environment=dev&task=other"), 0);
}

TEST_F(GitHubCalls, ADeploymentWaitsForContextsUnlessItAsksForNone) {
  made(std::string("/statuses/") + kSha, {{"state", "failure"}, {"context", "ci"}});
  EXPECT_EQ(call("POST", "/deployments", json::serialize(json::object{{"ref", kSha}})).status, 409);
  made("/deployments", {{"ref", kSha}, {"required_contexts", json::array()}});
  EXPECT_THAT(call("POST", "/deployments", R"({"ref":"no-such-branch"})").body,
              HasSubstr("No ref found for"));
}

TEST_F(GitHubCalls, IssuesAreFoundByLabelsAndState) {
  const json::array labels{"deployment", "dev"};
  const auto issue =
      made("/issues", {{"title", "dev is broken"}, {"body", "b"}, {"labels", labels}});
  made("/issues", {{"title", "another"}, {"labels", json::array{"deployment", "prod"}}});
  EXPECT_EQ(issue.at("number"), 1);
  EXPECT_EQ(issue.at("labels").at(0).at("name"), "deployment");
  EXPECT_EQ(count("/issues?labels=deployment"), 2);
  EXPECT_EQ(count("/issues?labels=deployment,DEV"), 1);
  EXPECT_EQ(body_of(call("PATCH", "/issues/1", R"({"state":"closed","state_reason":"completed"})"))
                .at("state"),
            "closed");
  EXPECT_EQ(count("/issues?labels=dev"), 0);
  EXPECT_EQ(count("/issues?labels=dev&state=all"), 1);
  EXPECT_EQ(made("/issues/1/comments", {{"body", "again"}}).at("body"), "again");
  EXPECT_EQ(count("/issues/1/comments"), 1);
  EXPECT_EQ(body_of(call("GET", "/issues/1")).at("comments"), 1);
  EXPECT_EQ(count("/labels"), 3) << "labels that an issue names are made";
}

TEST_F(GitHubCalls, LabelsAreAddedReplacedAndTakenAway) {
  made("/issues", {{"title", "t"}, {"labels", json::array{"a"}}});
  EXPECT_EQ(body_of(call("POST", "/issues/1/labels", R"({"labels":["b"]})")).as_array().size(), 2u);
  EXPECT_EQ(body_of(call("DELETE", "/issues/1/labels/a")).as_array().size(), 1u);
  EXPECT_EQ(body_of(call("PUT", "/issues/1/labels", R"(["x","y","z"])")).as_array().size(), 3u);
  EXPECT_EQ(call("DELETE", "/issues/1/labels/none").status, 404);
  const auto twice = call("POST", "/labels", R"({"name":"X"})");
  EXPECT_EQ(twice.status, 422);
  EXPECT_EQ(body_of(twice).at("errors").at(0).at("code"), "already_exists");
}

TEST_F(GitHubCalls, ListsComeInPages) {
  for (int i = 0; i < 5; ++i) made("/issues", {{"title", "t"}, {"labels", json::array{"a"}}});
  const auto page = call("GET", "/issues?labels=a&per_page=2&page=2");
  EXPECT_EQ(body_of(page).as_array().size(), 2u);
  EXPECT_EQ(page.headers.get_or("Link", ""),
            "<http://api/repos/example/meals/issues?labels=a&per_page=2&page=1>; rel=\"prev\", "
            "<http://api/repos/example/meals/issues?labels=a&per_page=2&page=3>; rel=\"next\", "
            "<http://api/repos/example/meals/issues?labels=a&per_page=2&page=3>; rel=\"last\", "
            "<http://api/repos/example/meals/issues?labels=a&per_page=2&page=1>; rel=\"first\"");
  EXPECT_FALSE(call("GET", "/issues?labels=a").headers.has("Link"));
}

TEST_F(GitHubCalls, WhatHasNotChangedIsAskedForFree) {
  made("/labels", {{"name", "urgent"}});
  const auto first = call("GET", "/labels");
  const std::string etag = first.headers.get_or("ETag", "");
  ASSERT_NE(etag, "");
  const Headers with_etag{{"Authorization", "Bearer ghp_the-token"}, {"If-None-Match", etag}};
  const auto same = client_.send("GET", url_ + "/repos/example/meals/labels", with_etag);
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.headers.get_or("X-RateLimit-Used", "?"),
            first.headers.get_or("X-RateLimit-Used", ""));
  made("/labels", {{"name", "deployment"}});
  EXPECT_EQ(client_.send("GET", url_ + "/repos/example/meals/labels", with_etag).status, 200);
}

TEST_F(GitHubCalls, AreRedirectedFromANameOfBefore) {
  ASSERT_TRUE(github_.rename_repository("example/meals", "example/food").ok());
  const auto answer = call("GET", "/issues?state=all");
  EXPECT_EQ(answer.status, 301);
  const std::string location = answer.headers.get_or("Location", "");
  EXPECT_THAT(location, testing::MatchesRegex("http://api/repositories/[0-9]+/issues.state=all"));
  const std::string path = location.substr(std::string("http://api").size());
  const auto there = client_.send("GET", url_ + path, {{"Authorization", "Bearer ghp_the-token"}});
  EXPECT_EQ(there.status, 200);
  EXPECT_EQ(
      client_.send("GET", url_ + "/repos/example/food", {{"Authorization", "Bearer ghp_the-token"}})
          .status,
      200);
}

TEST_F(GitHubCalls, TellWhatIsBetweenTwoCommits) {
  const auto sha = [](int i) { return fmt::format("{:040}", i); };
  for (int i = 1; i <= 40; ++i)
    ASSERT_TRUE(github_.add_commit("example/meals", {sha(i), "change", WallTime{5}}, "main").ok());
  const std::string path = "/compare/" + sha(1) + "..." + sha(40);
  const auto whole = body_of(call("GET", path));
  EXPECT_EQ(whole.at("status"), "ahead");
  EXPECT_EQ(whole.at("commits").as_array().size(), 39u);
  const auto page = call("GET", path + "?per_page=30&page=2");
  EXPECT_EQ(body_of(page).at("commits").as_array().size(), 9u);
  EXPECT_EQ(body_of(page).at("total_commits"), 39);
  EXPECT_THAT(page.headers.get_or("Link", ""), HasSubstr("rel=\"prev\""));
  const auto back = body_of(call("GET", "/compare/" + sha(40) + "..." + sha(38)));
  EXPECT_EQ(back.at("status"), "behind");
  EXPECT_EQ(back.at("behind_by"), 2);
  EXPECT_EQ(call("GET", "/compare/" + sha(1) + "..." + kSha).status, 404);
  EXPECT_EQ(call("GET", "/compare/main").status, 404);
}

TEST_F(GitHubCalls, ADeploymentMakesItsEnvironment) {
  EXPECT_EQ(call("GET", "/environments/prod").status, 404);
  made("/deployments", {{"ref", kSha}, {"environment", "prod"}});
  const auto environment = body_of(call("GET", "/environments/prod"));
  EXPECT_EQ(environment.at("name"), "prod");
  EXPECT_TRUE(environment.at("protection_rules").as_array().empty());
}

// ---- as an App

class AsAnApp : public GitHubCalls {
 protected:
  void SetUp() override {
    GitHubCalls::SetUp();
    GitHubFaceOptions options;
    options.app.app_id = "1234";
    options.app.key_pem = test::kRsaPublicKey;
    options.app.permissions = {{"issues", "write"}, {"checks", "read"}};
    start(std::move(options));
  }
  std::string jwt(int64_t issued, int64_t expires, const char* app = "1234") {
    const int64_t now_s = loop_.clock().now().unix_ms / 1000;
    return *make_jwt({{"iat", now_s + issued}, {"exp", now_s + expires}, {"iss", app}},
                     Secret(test::kRsaKey));
  }
  HttpResponse as(const std::string& token, const std::string& method, const std::string& path,
                  const std::string& body = "") {
    return client_.send(method, url_ + path, {{"Authorization", "Bearer " + token}}, body);
  }
};

TEST_F(AsAnApp, ATokenOfTheInstallationIsHadForTheAppsOwn) {
  const std::string app = jwt(-60, 540);
  const auto found = body_of(as(app, "GET", "/repos/example/meals/installation"));
  const std::string path =
      fmt::format("/app/installations/{}/access_tokens", found.at("id").as_int64());
  const auto answer = as(app, "POST", path, R"({"repositories":["meals"]})");
  ASSERT_EQ(answer.status, 201);
  const auto made = body_of(answer);
  const std::string token(made.at("token").as_string());
  EXPECT_EQ(token.size(), 520u);
  EXPECT_EQ(made.at("permissions").at("issues"), "write");
  EXPECT_EQ(as(token, "GET", "/repos/example/meals").status, 200);
  EXPECT_EQ(as(token, "POST", "/repos/example/meals/issues", R"({"title":"t"})").status, 201);
  const auto refused =
      as(token, "POST", "/repos/example/meals/check-runs", R"({"name":"x","head_sha":"y"})");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(body_of(refused).at("message"), "Resource not accessible by integration");
  EXPECT_EQ(refused.headers.get_or("X-Accepted-GitHub-Permissions", ""), "checks=write");
  // The App itself may only ask for tokens, and nobody else may.
  EXPECT_EQ(as(app, "GET", "/repos/example/meals/issues").status, 403);
  EXPECT_EQ(as(token, "POST", path, "{}").status, 401);
}

TEST_F(AsAnApp, ATokenThatIsNotRightIsRefusedAsGitHubDoes) {
  struct Row {
    std::string token;
    const char* why;
  };
  const Row rows[] = {
      {jwt(-60, 540, "99"), "Integration not found"},
      {jwt(60, 540), "'Issued at' claim"},
      {jwt(-700, -100), "'Expiration time' claim"},
      {jwt(-60, 3'600), "too far in the future"},
      {jwt(-60, 540) + "x", "could not be decoded"},
      {"eyJhbGciOiJub25lIn0.e30.", "could not be decoded"},
      {"ghs_unknown", "Bad credentials"},
  };
  for (const auto& row : rows) {
    const auto answer = as(row.token, "GET", "/repos/example/meals/installation");
    EXPECT_EQ(answer.status, 401) << row.why;
    EXPECT_THAT(answer.body, HasSubstr(row.why));
  }
}

TEST_F(GitHubCalls, WhatIsThereSurvivesBeingSavedAndRead) {
  cloud::GitHubEnvironment prod;
  prod.name = "prod";
  prod.wait_timer_minutes = 5;
  prod.reviewers = {"ana"};
  prod.teams = {"ops"};
  prod.prevents_self_review = prod.protected_branches_only = true;
  ASSERT_TRUE(github_.put_environment("example/meals", prod, WallTime{6}).ok());
  made("/issues", {{"title", "t"}, {"body", "b"}, {"labels", json::array{"a"}}});
  made("/issues/1/comments", {{"body", "c"}});
  made("/check-runs", {{"name", "x"},
                       {"head_sha", kSha},
                       {"status", "completed"},
                       {"conclusion", "failure"},
                       {"output", {{"title", "t"}, {"summary", "s"}}}});
  made(std::string("/statuses/") + kSha, {{"state", "success"}});
  const auto deployment =
      made("/deployments",
           {{"ref", kSha}, {"payload", {{"a", 1}}}, {"required_contexts", json::array()}});
  made("/deployments/" + std::to_string(deployment.at("id").as_int64()) + "/statuses",
       {{"state", "success"}});
  ASSERT_TRUE(github_.add_commit("example/meals", {kSha, "message", WallTime{5}}, "main").ok());
  ASSERT_TRUE(github_.add_tag("example/meals", {"v1", kSha}).ok());
  ASSERT_TRUE(github_.add_run("example/meals", {}).ok());
  cloud::GitHubRelease release;
  release.tag_name = "v1";
  ASSERT_TRUE(github_.add_release("example/meals", release).ok());
  const json::object state = github_.to_json();
  cloud::GitHub other(ledger_);
  ASSERT_TRUE(other.load(state).ok());
  EXPECT_EQ(other.to_json(), state);
  for (const char* path : {"/commits", "/tags", "/releases"}) EXPECT_EQ(count(path), 1) << path;
  EXPECT_EQ(body_of(call("GET", "/actions/runs")).at("total_count"), 1);
  EXPECT_EQ(body_of(call("GET", "/commits/main")).at("sha"), kSha);
}

}  // namespace
}  // namespace pawl::sandbox
