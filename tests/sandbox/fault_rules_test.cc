// Fault rules: what they match, how often they happen, what the faces answer.
#include "sandbox/fault_rules.h"

#include <gtest/gtest.h>

#include "sandbox/support/client.h"
#include "sandbox/with_faults.h"

namespace pawl::sandbox {
namespace {

// Draws that a test chooses: 0 always happens, the greatest never does.
class FixedEntropy : public Entropy {
 public:
  uint64_t next() override { return value; }
  uint64_t value = 0;
};

struct GlobRow {
  const char* glob;
  const char* text;
  bool matches;
};

TEST(Glob, MatchesAllOfTheText) {
  for (const auto& row :
       {GlobRow{"*", "", true}, GlobRow{"*", "any/thing", true}, GlobRow{"", "", true},
        GlobRow{"", "a", false}, GlobRow{"s3", "s3", true}, GlobRow{"s3", "s3x", false},
        GlobRow{"*registry", "ecr-registry", true}, GlobRow{"*registry", "registry", true},
        GlobRow{"Update*", "UpdateAlias", true}, GlobRow{"U*A*s", "UpdateAlias", true},
        GlobRow{"?3", "s3", true}, GlobRow{"?", "", false}, GlobRow{"a*b*c", "aXbXbXc", true},
        GlobRow{"a*b*c", "aXbXbX", false}, GlobRow{"**a", "bca", true}})
    EXPECT_EQ(matches_glob(row.glob, row.text), row.matches) << row.glob << " ~ " << row.text;
}

TEST(FaultKinds, AreParsedOrRefused) {
  EXPECT_EQ(parse_fault_kind("slow:250ms")->delay.count(), 250);
  EXPECT_EQ(parse_fault_kind("slow:3s")->delay.count(), 3000);
  EXPECT_EQ(parse_fault_kind("slow:3")->delay.count(), 3000);
  EXPECT_EQ(parse_fault_kind("slow")->delay.count(), 2000);
  EXPECT_EQ(parse_fault_kind("503")->status, 503);
  EXPECT_EQ(parse_fault_kind("throttle")->kind, FaultKind::throttle);
  EXPECT_EQ(parse_fault_kind("drop")->kind, FaultKind::drop);
  for (const char* bad :
       {"", "fast", "slow:", "slow:x", "slow:-1", "slow:99999999", "200", "600", "5o0"})
    EXPECT_FALSE(parse_fault_kind(bad).ok()) << bad;
}

class FaultRulesTest : public testing::Test {
 protected:
  FaultRule add(const std::string& kind, const std::function<void(FaultRule&)>& change = nullptr) {
    auto rule = parse_fault_kind(kind);
    EXPECT_TRUE(rule.ok());
    if (change) change(*rule);
    return *rules_.add(*rule);
  }
  FaultAction decide(const std::string& service = "s3", const std::string& operation = "PutObject",
                     const std::string& resource = "bucket/key") {
    return rules_.decide({service, operation, resource});
  }
  std::string statuses(int requests) {
    std::string text;
    for (int i = 0; i < requests; ++i) text += decide().status == 500 ? "5" : ".";
    return text;
  }
  FixedEntropy entropy_;
  FaultRules rules_{entropy_};
};

TEST_F(FaultRulesTest, HappenToMatchingRequestsOnly) {
  add("503", [](FaultRule& rule) {
    rule.service = "s3";
    rule.operation = "Put*";
    rule.resource = "bucket/*";
  });
  EXPECT_EQ(decide().status, 503);
  EXPECT_EQ(decide("lambda").status, 0);
  EXPECT_EQ(decide("s3", "GetObject").status, 0);
  EXPECT_EQ(decide("s3", "PutObject", "other/key").status, 0);
  EXPECT_EQ(rules_.list()[0].seen, 1);
}

TEST_F(FaultRulesTest, HappenEveryNthTimeAndSoOften) {
  add("500", [](FaultRule& rule) { rule.every = 3; });
  EXPECT_EQ(statuses(9), "..5..5..5");
  ASSERT_TRUE(rules_.clear(0).ok());
  add("500", [](FaultRule& rule) { rule.count = 2; });
  EXPECT_EQ(statuses(5), "55...");
  EXPECT_EQ(rules_.list()[0].happened, 2);
}

TEST_F(FaultRulesTest, HappenWithTheirProbability) {
  add("500", [](FaultRule& rule) { rule.probability = 0.5; });
  entropy_.value = 0;
  EXPECT_EQ(decide().status, 500);
  entropy_.value = ~uint64_t{0};
  EXPECT_EQ(decide().status, 0);
}

TEST_F(FaultRulesTest, AddUp) {
  add("slow:100ms");
  add("slow:50ms");
  add("drop");
  add("throttle", [](FaultRule& rule) { rule.service = "lambda"; });
  const auto action = decide();
  EXPECT_EQ(action.delay.count(), 150);
  EXPECT_TRUE(action.drop_answer);
  EXPECT_FALSE(action.stops_the_work());
  EXPECT_TRUE(decide("lambda").throttle);
}

TEST_F(FaultRulesTest, AreClearedOneByOneOrAll) {
  const auto first = add("500"), second = add("drop");
  EXPECT_TRUE(rules_.clear(first.id).ok());
  ASSERT_EQ(rules_.list().size(), 1u);
  EXPECT_EQ(rules_.list()[0].id, second.id);
  EXPECT_EQ(rules_.clear(first.id).error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(rules_.clear(0).ok());
  EXPECT_TRUE(rules_.list().empty());
}

TEST_F(FaultRulesTest, SurviveAsJson) {
  const auto rule = add("slow:70ms", [](FaultRule& change) {
    change.service = "s3";
    change.every = 2;
    change.probability = 0.25;
    change.count = 9;
  });
  auto read = fault_rule_from_json(to_json(rule));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->delay, rule.delay);
  EXPECT_EQ(read->kind, rule.kind);
  EXPECT_EQ(read->every, 2);
  EXPECT_EQ(read->probability, 0.25);
  EXPECT_EQ(read->count, 9);
  for (const char* bad : {R"({"kind":"500","every":0})", R"({"kind":"500","probability":0})",
                          R"({"kind":"500","probability":2})", R"({"kind":"500","count":-1})",
                          R"({"kind":"error","status":200})"})
    EXPECT_FALSE(fault_rule_from_json(json::parse(bad).as_object()).ok()) << bad;
}

TEST(FaultyFace, DoesTheWorkBeforeItDropsTheAnswerAndNotBeforeItRefuses) {
  Loop loop;
  test::FaceClient client(loop);
  int done = 0;
  FaultAction action;
  const auto work = [&done]() -> Task<ServerResponse> {
    ++done;
    co_return ServerResponse{};
  };
  const auto url = client.serve(
      [&](ServerRequest&) { return with_faults(loop.clock(), action, refuse_as_registry, work); });
  action.drop_answer = true;
  auto dropped = client.try_send("PUT", url);
  EXPECT_FALSE(dropped.ok());
  EXPECT_EQ(done, 1);
  action = {};
  action.throttle = true;
  const auto throttled = client.send("GET", url);
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(test::error_code(throttled), "TOOMANYREQUESTS");
  action = {};
  action.status = 503;
  EXPECT_EQ(client.send("GET", url).status, 503);
  EXPECT_EQ(done, 1);
  action = {};
  action.delay = std::chrono::milliseconds(1);
  EXPECT_EQ(client.send("GET", url).status, 200);
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace pawl::sandbox
