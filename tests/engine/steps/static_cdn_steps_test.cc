// What a distribution in front of the bucket is told by a deployment, a crash of it and its undo.
#include <gmock/gmock.h>

#include "base/hash.h"
#include "engine/steps/step_world.h"

namespace pawl::fakes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct BehindCdn : StepWorld {
  BehindCdn() {
    old_release_is_live();
    const std::map<std::string, std::string> there = {{"index.html", "old page"},
                                                      {"robots.txt", "all"}};
    for (const auto& [path, body] : there) {
      PutRequest request;
      request.bucket = "meals-dev-static";
      request.key = "static/" + path;
      request.body = body;
      request.content_type = content_type_for(path);
      request.cache_control = std::string(kMutableCaching);
      request.sha256 = sha256_hex(body);
      PAWL_ASSERT(run(objects.put(request)).ok());
    }
    static_files.content["robots.txt"] = "all";
    plan_deployment("behind-cdn");
  }
};

TEST(StaticBehindCdn, ItIsToldWhatWasReplacedAndNoMore) {
  BehindCdn world;
  ASSERT_TRUE(world.run_until("move_alias").ok());
  EXPECT_THAT(world.cdn.told, IsEmpty());
  const auto switched = world.run_until("switch_static");
  ASSERT_TRUE(switched.ok()) << switched.error().message();
  EXPECT_THAT(world.cdn.told, ElementsAre("E1A2B3C4D5E6F7 /,/index.html"));
  EXPECT_EQ(string_or(*switched, "invalidation"), "I1");
}

// The files are switched and the process dies before it has told: who goes on finds nothing to
// switch any more, and tells all the same; a second time is the same invalidation.
TEST(StaticBehindCdn, ACrashDoesNotKeepItFromBeingTold) {
  BehindCdn world;
  ASSERT_TRUE(world.run_until("move_alias").ok());
  world.cdn.faults.fail("invalidate", Error(ErrorKind::interrupted, "crash"));
  ASSERT_FALSE(world.run_step("switch_static").ok());
  EXPECT_THAT(world.cdn.told, IsEmpty());
  world.crash_in("switch_static");
  ASSERT_TRUE(world.run_step("switch_static").ok());
  EXPECT_THAT(world.cdn.told, ElementsAre("E1A2B3C4D5E6F7 /,/index.html"));
}

TEST(StaticBehindCdn, TheUndoTellsItAgain) {
  BehindCdn world;
  ASSERT_TRUE(world.run_until("switch_static").ok());
  ASSERT_TRUE(world.undo_step("switch_static").ok());
  EXPECT_THAT(world.cdn.told,
              ElementsAre("E1A2B3C4D5E6F7 /,/index.html", "E1A2B3C4D5E6F7 /,/index.html"));
  ASSERT_TRUE(world.undo_step("switch_static").ok());  // once more
  EXPECT_EQ(world.cdn.told.size(), 2u);
}

// What could be put back was put back: the network must know of that, whatever became of the rest.
TEST(StaticBehindCdn, AnUndoThatMeetsAChangeByHandTellsIt) {
  BehindCdn world;
  world.static_files.content["new.html"] = "new";
  world.plan_deployment("behind-cdn");
  ASSERT_TRUE(world.run_until("switch_static").ok());
  PutRequest edit;
  edit.bucket = "meals-dev-static";
  edit.key = "static/new.html";
  edit.body = std::string("by hand");
  ASSERT_TRUE(run(world.objects.put(edit)).ok());
  const auto undone = world.undo_step("switch_static");
  ASSERT_FALSE(undone.ok());
  EXPECT_THAT(undone.error().message(), HasSubstr("new.html"));
  EXPECT_EQ(world.cdn.told.size(), 2u);
}

TEST(StaticBehindCdn, ARefusalFailsTheStepAndNamesTheDistribution) {
  BehindCdn world;
  ASSERT_TRUE(world.run_until("move_alias").ok());
  world.cdn.faults.fail("invalidate", Error(ErrorKind::denied, "AccessDenied"));
  const auto switched = world.run_step("switch_static");
  ASSERT_FALSE(switched.ok());
  EXPECT_THAT(switched.error().message(), HasSubstr("E1A2B3C4D5E6F7"));
}

TEST(StaticBehindCdn, ThePlanSaysSo) {
  BehindCdn world;
  const PlanStep* step = world.deployment.plan->step("switch_static");
  EXPECT_THAT(step->title, HasSubstr("tell CloudFront's E1A2B3C4D5E6F7"));
  EXPECT_THAT(step->undo, HasSubstr("CloudFront"));
}

}  // namespace
}  // namespace pawl::fakes
