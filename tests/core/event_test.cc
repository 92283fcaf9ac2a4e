// The wire form of the journal's entries.
#include "core/event.h"

#include <gtest/gtest.h>

#include "core/metrics.h"

namespace pawl {
namespace {

TEST(EventJson, IsWhatTheJournalHolds) {
  Event event;
  event.deployment = "d-1";
  event.sequence = 3;
  event.at = {1'795'520'060'123};
  event.fencing_token = 7;
  event.type = EventType::step_started;
  event.step = "copy_image";
  event.data = json::object{{"key", "abc"}};
  const std::string wire =
      R"({"deployment":"d-1","sequence":3,"at":")" + to_iso8601(event.at) +
      R"(","fencing_token":7,"type":"step_started","step":"copy_image","data":{"key":"abc"}})";
  EXPECT_EQ(json::serialize(to_json(event)), wire);
  const auto read = event_from_json(*parse_json_object(wire, "test"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(json::serialize(to_json(*read)), wire);
}

TEST(EventJson, EveryTypeGoesRoundByItsName) {
  for (int i = 0; i <= static_cast<int>(EventType::finished); ++i) {
    const auto type = static_cast<EventType>(i);
    EXPECT_NE(to_string(type), "unknown");
    EXPECT_EQ(event_type_from(to_string(type)), type);
  }
  EXPECT_EQ(event_type_from("exploded"), std::nullopt);
}

TEST(EventJson, MembersOfLaterVersionsAreIgnored) {
  const auto read = event_from_json(*parse_json_object(
      R"({"deployment":"d","sequence":1,"at":"2026-11-24T00:00:00Z","type":"accepted","mood":"good"})",
      "test"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->fencing_token, 0u);
  EXPECT_TRUE(read->data->empty());
}

TEST(EventJson, RefusesWhatIsNoEntry) {
  for (
      const auto* text : {
          "{}",
          R"({"deployment":"d","sequence":1,"at":"2026-11-24T00:00:00Z","type":"exploded"})",
          R"({"deployment":"","sequence":1,"at":"2026-11-24T00:00:00Z","type":"accepted"})",
          R"({"deployment":"d","sequence":0,"at":"2026-11-24T00:00:00Z","type":"accepted"})",
          R"({"deployment":"d","sequence":-1,"at":"2026-11-24T00:00:00Z","type":"accepted"})",
          R"({"deployment":"d","sequence":1.5,"at":"2026-11-24T00:00:00Z","type":"accepted"})",
          R"({"deployment":"d","sequence":"1","at":"2026-11-24T00:00:00Z","type":"accepted"})",
          R"({"deployment":"d","sequence":1,"at":"yesterday","type":"accepted"})",
          R"({"deployment":"d","sequence":1,"at":"2026-11-24T00:00:00Z","type":"accepted","data":[]})",
      })
    EXPECT_FALSE(event_from_json(*parse_json_object(text, "test")).ok()) << text;
}

Deployment ended(Phase phase, int64_t started_s, int64_t finished_s, int tries = 1) {
  Deployment deployment;
  deployment.app = "meals";
  deployment.environment = "dev";
  deployment.phase = phase;
  deployment.started_at = WallTime{started_s * 1000};
  deployment.finished_at = WallTime{finished_s * 1000};
  StepState check;
  check.id = "check_health";
  check.try_number = tries;
  deployment.steps.push_back(check);
  return deployment;
}

TEST(Metrics, AreReadOffTheDeploymentsThatEnded) {
  using std::chrono::milliseconds;
  std::vector<Deployment> all = {
      ended(Phase::succeeded, 0, 100, 3),     ended(Phase::rolled_back, 200, 300, 15),
      ended(Phase::failed, 400, 420),         ended(Phase::succeeded, 500, 560),
      ended(Phase::refused, 570, 571),        ended(Phase::nothing_to_do, 572, 573),
      ended(Phase::cancelled, 574, 575),      ended(Phase::superseded, 576, 577),
      ended(Phase::succeeded, 90'000, 90'010)};
  all[0].committed_at = WallTime{-500'000};
  Deployment running;
  running.phase = Phase::deploying;
  all.push_back(running);
  const Metrics metrics = measure(all, {0}, {86'400'000});
  EXPECT_EQ(metrics.deployments, 4);
  EXPECT_EQ(metrics.succeeded, 2);
  EXPECT_EQ(metrics.rolled_back, 1);
  EXPECT_EQ(metrics.failed, 1);
  EXPECT_DOUBLE_EQ(metrics.success_rate, 0.5);
  EXPECT_DOUBLE_EQ(metrics.rollback_rate, 0.25);
  EXPECT_DOUBLE_EQ(metrics.change_failure_rate, 0.5);
  EXPECT_EQ(metrics.health_check_retries, 2 + 14);
  EXPECT_EQ(metrics.median_duration, milliseconds(80'000));
  EXPECT_DOUBLE_EQ(metrics.deployments_per_day, 2.0);
  EXPECT_EQ(metrics.median_time_to_restore, milliseconds(260'000));
  EXPECT_EQ(metrics.median_lead_time, milliseconds(600'000));
}

TEST(Metrics, OfNothingAreZero) {
  const Metrics metrics = measure({}, {0}, {0});
  EXPECT_EQ(metrics.deployments, 0);
  EXPECT_DOUBLE_EQ(metrics.success_rate, 0);
  EXPECT_DOUBLE_EQ(metrics.deployments_per_day, 0);
  EXPECT_FALSE(metrics.median_time_to_restore.has_value());
  EXPECT_TRUE(to_json(metrics).at("median_lead_time_ms").is_null());
}

TEST(Metrics, ARollbackThatAPersonAskedForRestoresButIsNoChange) {
  auto rollback = ended(Phase::succeeded, 400, 500);
  rollback.kind = DeploymentKind::rollback;
  const Metrics metrics = measure({ended(Phase::failed, 100, 200), rollback}, {0}, {86'400'000});
  EXPECT_DOUBLE_EQ(metrics.change_failure_rate, 1.0);
  EXPECT_DOUBLE_EQ(metrics.deployments_per_day, 0);
  EXPECT_EQ(metrics.median_time_to_restore, std::chrono::milliseconds(300'000));
}

}  // namespace
}  // namespace pawl
