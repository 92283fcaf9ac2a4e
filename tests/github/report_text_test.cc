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

TEST(CutAtWord, CountsCharactersAndEndsBetweenWords) {
  EXPECT_EQ(cut_at_word("short", 140), "short");
  EXPECT_EQ(cut_at_word("one two three", 13), "one two three");
  EXPECT_EQ(cut_at_word("one two three four", 13), "one two...");
  EXPECT_EQ(cut_at_word(std::string(20, 'x'), 10), "xxxxxxx...");
  std::string umlauts;
  for (int i = 0; i < 140; ++i) umlauts += "\u00e4";
  EXPECT_EQ(cut_at_word(umlauts, 140), umlauts);  // 280 bytes
}

TEST(CutAtLine, KeepsWholeLinesAndClosesACodeBlock) {
  EXPECT_EQ(cut_at_line("a\nb\n", 10, "more"), "a\nb\n");
  std::string table;
  for (int i = 0; i < 20; ++i) table += "| row |\n";
  const std::string cut_table = cut_at_line(table, 100, "more");
  EXPECT_LE(cut_table.size(), 100u);
  EXPECT_TRUE(cut_table.ends_with("| row |\n\nmore")) << cut_table;
  const std::string code = cut_at_line("```\n" + table + "```\n", 100, "more");
  EXPECT_LE(code.size(), 100u);
  EXPECT_TRUE(code.ends_with("| row |\n```\n\nmore")) << code;
  const std::string one_line = cut_at_line("x\n" + std::string(200, 'y'), 100, "more");
  EXPECT_GT(one_line.size(), 80u);
  EXPECT_LE(one_line.size(), 100u);
}

TEST(CheckText, HoldsTheStepsAndAsManyCommitsAsThereIsRoomFor) {
  DeploymentReport report;
  report.deployment_id = "d-1";
  report.base_sha = "b";
  report.details_markdown = "| Step |\n| --- |\n| copy |\n";
  Changes changes;
  changes.total = 300;
  for (int i = 0; i < 250; ++i)
    changes.commits.push_back({std::string(40, 'a'), "ana", std::string(400, 's')});
  const std::string text = check_text(report, changes);
  EXPECT_LE(text.size(), kMaxCheckText);
  EXPECT_GT(text.size(), kMaxCheckText - 1'000);
  EXPECT_EQ(text.rfind("| Step |", 0), 0u);
  EXPECT_TRUE(text.ends_with(", ana\n\n... the rest is in `pawl show d-1`")) << text.substr(65'000);
  const std::string body = issue_body(report, changes);
  EXPECT_LE(body.size(), kMaxIssueBody - 1'000);
  EXPECT_NE(body.find("This issue is closed by the next"), std::string::npos);
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
  const std::string body = issue_body(report, Changes{});
  for (const char* part : {"| environment | dev |", "| version | 1.4.2 |", "| commit | abc |",
                           "what was live before is live again", "the health check failed: 503",
                           "https://meals.test", "pawl show d-1"})
    EXPECT_NE(body.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace pawl
