#include "github/report_text.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

TEST(Cut, NeverSplitsACharacter) {
  EXPECT_EQ(cut("short", 140), "short");
  EXPECT_EQ(cut("exactly", 7), "exactly");
  EXPECT_EQ(cut("too long", 7), "too ...");
  EXPECT_EQ(cut("\u00e4\u00e4\u00e4\u00e4", 6), "\u00e4...");  // two bytes each
  EXPECT_EQ(cut("\u00e4\u00e4\u00e4\u00e4", 7), "\u00e4\u00e4...");
  EXPECT_EQ(cut("\U0001f680\U0001f680", 7), "\U0001f680...");  // four
  EXPECT_EQ(cut("\U0001f680\U0001f680", 6), "...");
}

TEST(Headline, SaysWhatHappened) {
  struct Row {
    const char* outcome;
    const char* rollback;
    const char* text;
  };
  const Row rows[] = {
      {"in_progress", "", "1.4.2 is being deployed to dev"},
      {"succeeded", "", "1.4.2 is live in dev"},
      {"rolled_back", "succeeded",
       "1.4.2 failed in dev; rolled back: what was live before is live again"},
      {"cancelled", "", "the deployment of 1.4.2 to dev was cancelled"},
      {"failed", "failed", "1.4.2 failed in dev, which is not as it was"},
  };
  for (const auto& row : rows) {
    DeploymentReport report;
    report.version = "1.4.2";
    report.environment = "dev";
    report.outcome = row.outcome;
    report.rollback_status = row.rollback;
    EXPECT_EQ(headline(report), row.text);
  }
}

TEST(IssueBody, HoldsWhatAPersonNeeds) {
  DeploymentReport report;
  report.deployment_id = "d-1";
  report.version = "1.4.2";
  report.environment = "dev";
  report.sha = "abc";
  report.outcome = "rolled_back";
  report.rollback_status = "succeeded";
  report.reason = "the health check failed: 503";
  report.url = "https://meals.test";
  const std::string body = issue_body(report);
  for (const char* part : {"| environment | dev |", "| version | 1.4.2 |", "| commit | abc |",
                           "what was live before is live again", "the health check failed: 503",
                           "https://meals.test", "pawl show d-1"})
    EXPECT_NE(body.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace pawl
