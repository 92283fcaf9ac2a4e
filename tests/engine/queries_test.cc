// Questions to the journal: what is live, what a rollback goes back to.
#include "engine/queries.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/engine_rig.h"

namespace pawl {
namespace {

using rig::Process;
using rig::Rig;

// A journal of deployments that ended as told, written as the runner would.
class History {
 public:
  std::string add(const std::string& version, std::string_view outcome,
                  DeploymentKind kind = DeploymentKind::deploy,
                  std::string_view rollback_status = "") {
    const std::string id = fmt::format("d-{}", ++count_);
    Plan plan;
    plan.kind = kind;
    plan.release.version = version;
    plan.release.sha = std::string(40, version.back());
    PlanStep update;
    update.id = update.kind =
        kind == DeploymentKind::deploy ? "update_function" : "restore_function";
    plan.steps = {update};
    json::object validated = to_json(plan.release);
    validated["verdict"] = "deploy";
    add_event(id, EventType::accepted, "",
              {{"app", "meals"}, {"environment", "dev"}, {"kind", to_string(kind)}});
    add_event(id, EventType::validated, "", validated);
    add_event(id, EventType::started, "", {{"owner", "p1"}});
    add_event(id, EventType::planned, "", to_json(plan));
    add_event(id, EventType::step_started, update.id, {});
    add_event(id, EventType::step_succeeded, update.id,
              {{"outputs", {{"image_uri", "repo@sha256:" + version}}}});
    if (outcome == "rolled_back") add_event(id, EventType::rollback_started, "", {});
    if (!outcome.empty())
      add_event(id, EventType::finished, "",
                {{"outcome", outcome}, {"rollback_status", rollback_status}});
    return id;
  }
  std::string target(const std::string& version = "") {
    auto found = clock.run(rollback_target(store, "meals", "dev", version)).value();
    return found ? found->release.version : "none";
  }
  std::string live() {
    auto found = clock.run(live_deployment(store, "meals", "dev")).value();
    return found ? found->id : "none";
  }
  MemoryStore store;
  VirtualClock clock;

 private:
  void add_event(const std::string& id, EventType type, const std::string& step,
                 json::object data) {
    const auto sequence = clock.run(store.events(id)).value().size() + 1;
    Event event{id, sequence, clock.now(), 0, type, step, std::move(data)};
    ASSERT_TRUE(clock.run(store.append({event})).ok());
  }
  int count_ = 0;
};

/// A clone whose commits are "111...", "222..." and so on, in this order; 9 it does not have.
class Clone : public SourceRepository {
 public:
  Task<Result<SourceState>> state() override { co_return SourceState{}; }
  Task<Result<std::optional<std::string>>> commit_of(std::string) override {
    co_return std::optional<std::string>();
  }
  Task<Result<bool>> is_ancestor(std::string older, std::string newer) override {
    if (older[0] == '9' || newer[0] == '9') co_return Error(ErrorKind::not_found, "no such commit");
    co_return older <= newer;
  }
};

TEST(BesideLive, TellsAnOlderCommitFromANewerOne) {
  History history;
  Clone clone;
  const auto compare = [&](char commit) {
    return history.clock
        .run(compare_with_live(history.store, clone, "meals", "dev", std::string(40, commit)))
        .value();
  };
  EXPECT_EQ(compare('2').live_sha, "");
  EXPECT_EQ(compare('2').is_older, std::nullopt);
  history.add("v5", "succeeded");
  EXPECT_EQ(compare('2').live_sha, std::string(40, '5'));
  EXPECT_EQ(compare('2').is_older, true);
  EXPECT_EQ(compare('7').is_older, false);
  EXPECT_EQ(compare('5').is_older, std::nullopt);
  // What cannot be compared is not older, and not newer.
  EXPECT_EQ(compare('9').is_older, std::nullopt);
  history.add("v8", "rolled_back");
  EXPECT_EQ(compare('7').is_older, false);
}

TEST(Queries, TheLiveReleaseIsTheNewestThatSucceeded) {
  History history;
  EXPECT_EQ(history.live(), "none");
  history.add("v1", "succeeded");
  const auto second = history.add("v2", "succeeded");
  history.add("v3", "rolled_back");
  history.add("v4", "");
  EXPECT_EQ(history.live(), second);
}

TEST(Queries, ARollbackGoesToTheLastReleaseThatWasVerifiedBeforeTheLiveOne) {
  History history;
  history.add("v1", "succeeded");
  EXPECT_EQ(history.target(), "none");
  history.add("v2", "rolled_back");
  history.add("v3", "succeeded");
  history.add("v3", "succeeded");  // once more the same
  EXPECT_EQ(history.target(), "v1");
}

TEST(Queries, AfterOneThatLeftTheEnvironmentPartWayTheLastVerifiedReleaseItselfIsTheTarget) {
  for (const auto& [outcome, status] : {std::pair{"failed", "failed"}, {"cancelled", "left"}}) {
    History history;
    history.add("v1", "succeeded");
    history.add("v2", "succeeded");
    history.add("v3", outcome, DeploymentKind::deploy, status);
    history.add("v4", "rolled_back");
    EXPECT_EQ(history.target(), "v2") << outcome;
    history.add("v2", "succeeded", DeploymentKind::rollback);
    EXPECT_EQ(history.target(), "v1") << outcome;
  }
}

TEST(Queries, TwoRollbacksGoBackTwoReleasesNotToAndFro) {
  History history;
  history.add("v1", "succeeded");
  history.add("v2", "succeeded");
  history.add("v3", "succeeded");
  history.add("v2", "succeeded", DeploymentKind::rollback);
  EXPECT_EQ(history.target(), "v1");
  EXPECT_EQ(history.target("v3"), "v3");  // a person may ask for it by name
  history.add("v1", "succeeded", DeploymentKind::rollback);
  EXPECT_EQ(history.target(), "none");
  history.add("v4", "succeeded");
  EXPECT_EQ(history.target(), "v1");
}

TEST(Queries, AVersionThatWasNeverVerifiedIsNoTarget) {
  History history;
  history.add("v1", "succeeded");
  history.add("v2", "rolled_back");
  EXPECT_EQ(history.target("v2"), "none");
  EXPECT_EQ(history.target("v9"), "none");
}

TEST(Queries, ListsTheNewestFirst) {
  History history;
  history.add("v1", "succeeded");
  history.add("v2", "");
  auto listed = history.clock.run(list_deployments(history.store, "meals", "", 10)).value();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].release.version, "v2");
  EXPECT_EQ(history.clock.run(load_deployment(history.store, "d-9")).error().kind(),
            ErrorKind::not_found);
}

TEST(Queries, ATargetKnowsTheCommitThatItTakesThePlaceOf) {
  History history;
  history.add("1", "succeeded");
  history.add("2", "succeeded");
  const auto before = history.clock.run(rollback_target(history.store, "meals", "dev", "")).value();
  ASSERT_TRUE(before);
  EXPECT_EQ(before->live_sha, std::string(40, '2'));
  // What is live after one that left it part-way is not one commit.
  history.add("3", "failed");
  const auto after = history.clock.run(rollback_target(history.store, "meals", "dev", "")).value();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->live_sha, "");
}

}  // namespace
}  // namespace pawl
