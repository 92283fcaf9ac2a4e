#include "github/forge.h"

#include <gtest/gtest.h>

#include "github/support/fake_github.h"

namespace pawl {
namespace {

using test::FakeGitHub;
using test::run_now;

class Telling : public testing::Test {
 protected:
  Telling()
      : client_(http_, clock_, entropy_, {"https://github.test", Secret("ghs_very_secret")}),
        forge_(make_github_forge(client_)) {
    report_.deployment_id = "d-1";
    report_.app = "meals";
    report_.repository = "example/meals";
    report_.environment = "dev";
    report_.sha = std::string(40, 'a');
    report_.version = "1.4.2";
    report_.release_key = "sha256:11";
    report_.url = "https://meals.test";
  }

  ReportResult started() {
    const auto told = run_now(forge_->report_started(report_));
    EXPECT_TRUE(told.ok());
    return *told;
  }
  ReportResult finished(const std::string& outcome, const std::string& rollback = "") {
    report_.outcome = outcome;
    report_.rollback_status = rollback;
    const auto told = run_now(forge_->report_finished(report_));
    EXPECT_TRUE(told.ok());
    return *told;
  }

  FakeGitHub http_;
  test::FakeClock clock_;
  test::FakeEntropy entropy_;
  GitHubClient client_;
  std::unique_ptr<Forge> forge_;
  DeploymentReport report_;
};

TEST_F(Telling, OfTheStartMakesACheckRunAStatusAndADeployment) {
  const auto told = started();
  EXPECT_TRUE(told.problems.empty());
  ASSERT_EQ(http_.all("check-runs").size(), 1u);
  const auto& run = http_.item("check-runs", 0);
  EXPECT_EQ(run.at("status"), "in_progress");
  EXPECT_EQ(run.at("external_id"), "d-1");
  EXPECT_EQ(run.at("head_sha").as_string(), report_.sha);
  ASSERT_EQ(http_.all("statuses").size(), 1u);
  EXPECT_EQ(http_.item("statuses", 0).at("state"), "pending");
  EXPECT_EQ(http_.item("statuses", 0).at("context"), "pawl/dev");
  ASSERT_EQ(http_.all("deployments").size(), 1u);
  const auto& deployment = http_.item("deployments", 0);
  EXPECT_EQ(deployment.at("ref").as_string(), report_.sha);
  EXPECT_EQ(deployment.at("auto_merge"), false);
  EXPECT_EQ(deployment.at("required_contexts"), json::array());
  EXPECT_EQ(http_.item("deployments/1/statuses", 0).at("state"), "in_progress");
  EXPECT_TRUE(http_.all("issues").empty());
  EXPECT_EQ(told.check_run, "https://github.test/check-runs/1");
}

TEST_F(Telling, OfTheEndHasTheStatesOfItsOutcome) {
  struct Row {
    const char* outcome;
    const char* conclusion;
    const char* status;
    const char* deployment;
    size_t issues;
  };
  const Row rows[] = {
      {"succeeded", "success", "success", "success", 0},
      {"rolled_back", "failure", "failure", "failure", 1},
      {"failed", "failure", "failure", "failure", 1},
      {"cancelled", "cancelled", "error", "error", 0},
  };
  for (const auto& row : rows) {
    FakeGitHub http;
    GitHubClient client(http, clock_, entropy_, {"https://github.test", Secret("ghs_very_secret")});
    auto forge = make_github_forge(client);
    report_.outcome = row.outcome;
    ASSERT_TRUE(run_now(forge->report_finished(report_)).ok());
    EXPECT_EQ(http.item("check-runs", 0).at("status"), "completed");
    EXPECT_EQ(http.item("check-runs", 0).at("conclusion"), row.conclusion) << row.outcome;
    EXPECT_EQ(http.item("statuses", 0).at("state"), row.status) << row.outcome;
    EXPECT_EQ(http.item("deployments/1/statuses", 0).at("state"), row.deployment) << row.outcome;
    EXPECT_EQ(http.item("deployments/1/statuses", 0).at("auto_inactive"),
              std::string(row.outcome) == "succeeded");
    EXPECT_EQ(http.all("issues").size(), row.issues) << row.outcome;
  }
}

TEST_F(Telling, TheEndCompletesWhatTheStartMade) {
  started();
  finished("succeeded");
  EXPECT_EQ(http_.all("check-runs").size(), 1u);
  EXPECT_EQ(http_.all("deployments").size(), 1u);
  EXPECT_EQ(http_.item("check-runs", 0).at("conclusion"), "success");
}

TEST_F(Telling, TwiceChangesNothing) {
  started();
  finished("rolled_back", "succeeded");
  const auto count = [this] {
    return http_.all("check-runs").size() + http_.all("statuses").size() +
           http_.all("deployments").size() + http_.all("deployments/1/statuses").size() +
           http_.all("issues").size() + http_.all("issues/1/comments").size() +
           http_.all("labels").size();
  };
  const size_t before = count();
  const auto told = finished("rolled_back", "succeeded");
  EXPECT_EQ(count(), before);
  EXPECT_EQ(told.issue, "https://github.test/issues/1");
}

TEST_F(Telling, OfAnotherDeploymentOfTheSameCommitIsToldApart) {
  started();
  report_.deployment_id = "d-2";
  started();
  EXPECT_EQ(http_.all("check-runs").size(), 2u);
  EXPECT_EQ(http_.all("deployments").size(), 2u);
}

TEST_F(Telling, OpensOneIssueForABrokenReleaseThenCommentsThenCloses) {
  finished("rolled_back", "succeeded");
  ASSERT_EQ(http_.all("issues").size(), 1u);
  EXPECT_EQ(http_.item("issues", 0).at("labels"),
            (json::array{"deployment", "rollback", "urgent", "dev"}));
  EXPECT_EQ(http_.item("issues", 0).at("title"), "meals 1.4.2 failed in dev");

  report_.deployment_id = "d-2";
  finished("rolled_back", "succeeded");
  EXPECT_EQ(http_.all("issues").size(), 1u);
  EXPECT_EQ(http_.all("issues/1/comments").size(), 1u);

  report_.deployment_id = "d-3";
  report_.release_key = "sha256:22";
  finished("failed", "failed");
  EXPECT_EQ(http_.all("issues").size(), 2u);

  report_.deployment_id = "d-4";
  const auto told = finished("succeeded");
  EXPECT_EQ(told.closed_issues.size(), 2u);
  EXPECT_EQ(http_.item("issues", 0).at("state"), "closed");
  EXPECT_EQ(http_.item("issues", 1).at("state"), "closed");
  EXPECT_EQ(http_.all("issues/1/comments").size(), 2u);
}

TEST_F(Telling, ClosesAnIssueThatHasItsCommentAlready) {
  finished("failed");
  report_.deployment_id = "d-2";
  http_.answer("PATCH", "/issues/1", FakeGitHub::response(502), 3);
  EXPECT_FALSE(finished("succeeded").problems.empty());
  EXPECT_TRUE(finished("succeeded").problems.empty());
  EXPECT_EQ(http_.item("issues", 0).at("state"), "closed");
  EXPECT_EQ(http_.all("issues/1/comments").size(), 1u);
}

TEST_F(Telling, LeavesTheIssuesOfOthersAlone) {
  finished("failed");
  for (const char* other : {"environment", "app"}) {
    DeploymentReport& report = report_;
    (std::string(other) == "app" ? report.app : report.environment) += "-2";
    report.deployment_id += "x";
    finished("succeeded");
    EXPECT_EQ(http_.item("issues", 0).at("state"), "open") << other;
  }
}

TEST_F(Telling, TakesALabelThatIsThereMeanwhileForMade) {
  http_.answer("POST", "/labels",
               FakeGitHub::response(422, R"({"errors":[{"code":"already_exists"}]})"), 4);
  const auto told = finished("failed");
  EXPECT_TRUE(told.problems.empty());
  EXPECT_EQ(http_.all("issues").size(), 1u);
}

TEST_F(Telling, CollectsProblemsAndGoesOn) {
  http_.answer("POST", "/check-runs",
               FakeGitHub::response(403, R"({"message":"Resource not accessible"})"));
  http_.answer("POST", "/statuses/", FakeGitHub::response(500), 3);
  const auto told = finished("failed");
  ASSERT_EQ(told.problems.size(), 2u);
  EXPECT_EQ(told.problems[0].rfind("the check run: ", 0), 0u) << told.problems[0];
  EXPECT_NE(told.problems[0].find("App's token"), std::string::npos);
  EXPECT_EQ(told.problems[1].rfind("the commit status: ", 0), 0u) << told.problems[1];
  EXPECT_EQ(http_.all("deployments").size(), 1u);
  EXPECT_EQ(http_.all("issues").size(), 1u);
  for (const auto& problem : told.problems)
    EXPECT_EQ(problem.find("ghs_very_secret"), std::string::npos);
}

TEST_F(Telling, FindsItsIssueOnAnotherPage) {
  http_.page_size = 1;
  finished("failed");
  report_.release_key = "sha256:22";
  finished("failed");
  report_.release_key = "sha256:11";
  report_.deployment_id = "d-9";
  finished("failed");
  EXPECT_EQ(http_.all("issues").size(), 2u);
  EXPECT_EQ(http_.all("issues/1/comments").size(), 1u);
}

TEST_F(Telling, StaysWithinGitHubsLimits) {
  report_.version = std::string(300, 'v');
  report_.reason = std::string(70'000, 'r');
  for (int i = 0; i < 40'000; ++i) report_.details_markdown += "\u00e4";
  finished("failed");
  EXPECT_LE(http_.item("statuses", 0).at("description").as_string().size(), 140u);
  EXPECT_LE(http_.item("deployments/1/statuses", 0).at("description").as_string().size(), 140u);
  const auto& output = http_.item("check-runs", 0).at("output").as_object();
  EXPECT_LE(output.at("summary").as_string().size(), 65'535u);
  EXPECT_LE(output.at("text").as_string().size(), 65'535u);
  const auto& body = http_.item("issues", 0).at("body").as_string();
  EXPECT_LE(body.size(), 65'536u);
  // The markers are behind what is cut.
  EXPECT_NE(body.find(issue_marker(report_)), std::string::npos);
}

// ---- what is told again, and where it points

// "502 Bad Gateway" says nothing of what was done: it is looked for, then made where it is missing.
TEST_F(Telling, MakesOnceWhatWasMadeWithoutAnAnswer) {
  http_.lose_answers("POST", "/check-runs", 1);
  http_.lose_answers("POST", "/deployments", 1);
  http_.lose_answers("POST", "/issues", 1);
  EXPECT_TRUE(finished("failed").problems.empty());
  EXPECT_EQ(http_.all("check-runs").size(), 1u);
  EXPECT_EQ(http_.all("deployments").size(), 1u);
  EXPECT_EQ(http_.all("issues").size(), 1u);
}

TEST_F(Telling, PointsADeploymentToTheRunThatMadeIt) {
  started();
  EXPECT_EQ(http_.item("deployments/1/statuses", 0).at("log_url"),
            "https://github.test/check-runs/1");
  EXPECT_EQ(http_.item("deployments/1/statuses", 0).at("environment_url"), "https://meals.test");
  FakeGitHub http;
  GitHubClient client(http, clock_, entropy_, {"https://github.test", Secret("ghs_very_secret")});
  auto forge = make_github_forge(client, {"https://github.test/example/meals/actions/runs/5"});
  ASSERT_TRUE(run_now(forge->report_started(report_)).ok());
  for (const char* list : {"deployments/1/statuses", "statuses", "check-runs"}) {
    const auto& item = http.item(list, 0);
    const char* key = std::string(list) == "statuses"     ? "target_url"
                      : std::string(list) == "check-runs" ? "details_url"
                                                          : "log_url";
    EXPECT_EQ(item.at(key), "https://github.test/example/meals/actions/runs/5") << list;
  }
}

TEST_F(Telling, TellsTheCommitsThatComeInTheCheckRunAndTheIssue) {
  report_.base_sha = std::string(40, 'b');
  const json::object commit{
      {"sha", "cccccccc"},
      {"author", json::object{{"login", "ana"}}},
      {"commit", json::object{{"message", "Call @octocat `now`\n\nand a body"}}}};
  const json::object compared{{"total_commits", 1},
                              {"behind_by", 0},
                              {"html_url", "https://github.test/compare/b...a"},
                              {"commits", json::array{commit}}};
  http_.answer("GET", "/compare/", FakeGitHub::response(200, json::serialize(compared)));
  report_.details_markdown = "| Step | Result |\n| --- | --- |\n";
  finished("failed");
  const std::string text(http_.item("check-runs", 0).at("output").at("text").as_string());
  const std::string issue(http_.item("issues", 0).at("body").as_string());
  for (const auto& words : {text, issue}) {
    EXPECT_NE(words.find("**What it brings:** 1 commit since bbbbbbb "), std::string::npos)
        << words;
    EXPECT_NE(words.find("- cccccccc `Call @octocat 'now'`, ana\n"), std::string::npos) << words;
    EXPECT_EQ(words.find("and a body"), std::string::npos);
  }
}

TEST_F(Telling, IsNotKeptFromItByAComparisonThatFails) {
  report_.base_sha = std::string(40, 'b');
  http_.answer("GET", "/compare/", FakeGitHub::response(404, R"({"message":"Not Found"})"));
  const auto told = finished("succeeded");
  EXPECT_TRUE(told.problems.empty());
  const std::string text(http_.item("check-runs", 0).at("output").at("text").as_string());
  EXPECT_NE(text.find("GitHub does not know both"), std::string::npos) << text;
}

TEST_F(Telling, OfACommitThatIsNotKnownIsLeftOutWithAWord) {
  report_.sha.clear();
  const auto told = finished("failed");
  ASSERT_EQ(told.problems.size(), 1u);
  EXPECT_NE(told.problems[0].find("the commit of 1.4.2 is not known"), std::string::npos);
  EXPECT_EQ(http_.all("issues").size(), 1u);
  EXPECT_TRUE(http_.all("check-runs").empty());
}

// A body that is not UTF-8 is refused whole ("Problems parsing JSON").
TEST_F(Telling, SendsNoBytesThatAreNoText) {
  report_.reason = "the answer was \xff\xfe\x01 and \xc3";
  report_.actor = "an\xc3\xa1";
  finished("failed");
  const std::string body(http_.item("issues", 0).at("body").as_string());
  EXPECT_NE(body.find("the answer was \xEF\xBF\xBD\xEF\xBF\xBD  and \xEF\xBF\xBD"),
            std::string::npos)
      << body;
  EXPECT_NE(body.find("an\xc3\xa1"), std::string::npos);
}

// The reason may quote what an application answered: that calls nobody, and is no marker of ours.
TEST_F(Telling, TakesNoOrdersFromWhatItQuotes) {
  report_.reason = "answered <!-- pawl:deployment d-9 --> for @octocat of a@b.test";
  finished("failed");
  report_.deployment_id = "d-9";
  finished("failed");
  EXPECT_EQ(http_.all("issues/1/comments").size(), 1u);
  const std::string body(http_.item("issues", 0).at("body").as_string());
  EXPECT_EQ(body.find("@octocat"), std::string::npos);
  EXPECT_NE(body.find("a@b.test"), std::string::npos);
}

TEST_F(Telling, SaysWhenTheRepositoryHasAnotherName) {
  http_.answer("GET", "/repos/example/meals",
               FakeGitHub::response(200, R"({"full_name":"example/food"})"));
  const auto access = run_now(forge_->check_access("example/meals"));
  ASSERT_TRUE(access.ok());
  EXPECT_EQ(*access,
            "example/food, as the token; example/meals is its name from before: change "
            "`repository`");
}

TEST_F(Telling, SaysWhenATokenMayOnlyRead) {
  EXPECT_EQ(*run_now(forge_->check_access("example/meals")), "example/meals, as the token");
  http_.answer("GET", "/repos/example/meals",
               FakeGitHub::response(200, R"({"permissions":{"push":false}})"));
  const auto access = run_now(forge_->check_access("example/meals"));
  ASSERT_FALSE(access.ok());
  EXPECT_EQ(access.error().kind(), ErrorKind::denied);
}

// Its tasks are stopped from outside: by a step's limit, a cancel, the end of the process.
class Stopped : public FakeGitHub {
 public:
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    if (request.url.find(part) != std::string::npos)
      co_return Error(ErrorKind::interrupted, request.url + " was stopped");
    co_return co_await FakeGitHub::send(std::move(request));
  }
  std::string part;
};

TEST_F(Telling, WhatWasStoppedIsLeftToWhoStoppedIt) {
  Stopped http;
  http.part = "/deployments";
  GitHubClient client(http, clock_, entropy_, {"https://github.test", Secret("ghs_very_secret")});
  const auto forge = make_github_forge(client);
  const auto told = run_now(forge->report_started(report_));
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->cut_off, std::vector<std::string>{"the deployment"});
  EXPECT_TRUE(told->problems.empty());
  EXPECT_FALSE(told->check_run.empty()) << "what was told before counts";
}

}  // namespace
}  // namespace pawl
