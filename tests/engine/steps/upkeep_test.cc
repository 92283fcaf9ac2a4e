// Beside the code: what stands ready, old versions, what an image is built for, and a rehearsal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/retention.h"
#include "engine/rehearsal.h"
#include "engine/steps/pins.h"
#include "engine/steps/step_world.h"
#include "support/fakes/errors.h"

namespace pawl::fakes {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Provisioned, OfAVersionIsMovedBeforeTheAliasAndGivenUpAtTheEnd) {
  StepWorld world;
  world.old_release_is_live();
  world.concurrency.set_aside["meals-dev:1"] = {3, 3, "READY", ""};
  world.facts.provisioned = 3;
  world.facts.provisioned_for = "1";
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("provision_version").ok());
  EXPECT_THAT(world.concurrency.ledger, ElementsAre("provision 2 3"));
  EXPECT_EQ(world.alias().version, "1");
  world.answers("1.4.2");
  ASSERT_TRUE(world.run_until("release_provisioned").ok());
  EXPECT_THAT(world.concurrency.ledger, ElementsAre("provision 2 3", "unprovision 1"));
  EXPECT_FALSE(world.deployment.plan->step("release_provisioned")->required);
}

TEST(Provisioned, ThatDoesNotStartFailsTheDeploymentAndIsGivenUp) {
  StepWorld world;
  world.old_release_is_live();
  world.facts.provisioned = 3;
  world.facts.provisioned_for = "1";
  world.concurrency.fails = true;
  world.plan_deployment();
  const auto ready = world.run_until("provision_version");
  ASSERT_FALSE(ready.ok());
  EXPECT_EQ(ready.error().message(),
            "no instances of meals-dev:2 stand ready: the image cannot be started");
  ASSERT_TRUE(world.undo_step("provision_version").ok());
  EXPECT_THAT(world.concurrency.set_aside, IsEmpty());
}

TEST(Provisioned, OfTheAliasIsWaitedForAfterItMoved) {
  StepWorld world;
  world.old_release_is_live();
  world.concurrency.set_aside["meals-dev:live"] = {2, 0, "IN_PROGRESS", ""};
  world.concurrency.looks_left = 3;
  world.facts.provisioned = 2;
  world.facts.provisioned_for = "live";
  world.plan_deployment();
  EXPECT_EQ(world.deployment.plan->step("provision_version"), nullptr);
  const auto& needs = world.deployment.plan->step("check_health")->needs;
  EXPECT_THAT(needs, Contains("await_provisioned"));
  const auto ready = world.run_until("await_provisioned");
  ASSERT_TRUE(ready.ok()) << ready.error().message();
  EXPECT_THAT(world.concurrency.ledger, IsEmpty());
}

struct RetentionCase {
  std::vector<std::string> versions;
  int keep;
  std::set<std::string> in_use;
  std::vector<std::string> deleted;
};

TEST(Retention, KeepsTheNewestAndWhatIsInUse) {
  const RetentionCase kCases[] = {
      {{"1", "2", "3", "4", "5"}, 2, {}, {"1", "2", "3"}},
      {{"1", "2", "3", "4", "5"}, 2, {"2"}, {"1", "3"}},
      {{"8", "9", "10", "11"}, 2, {}, {"8", "9"}},  // by number, not by letter
      {{"1", "2"}, 5, {}, {}},
      {{"$LATEST", "1", "2", "x"}, 1, {}, {"1"}},
      {{}, 2, {}, {}},
  };
  for (const auto& each : kCases)
    EXPECT_EQ(versions_to_delete(each.versions, each.keep, each.in_use), each.deleted);
}

TEST(PruneVersions, NeverDeletesWhatIsInUse) {
  StepWorld world;
  world.old_release_is_live();
  auto& function = world.functions.functions["meals-dev"];
  // 1 is live; 2 to 7 are of other times: an alias names 3, the record wants 4, 5 stands ready.
  for (int i = 2; i <= 7; ++i) {
    FunctionState version = function.versions.front();
    version.version = std::to_string(i);
    version.code_sha256 = "other";
    function.versions.push_back(version);
  }
  function.aliases["canary"] = {"meals-dev", "canary", "7", "", "r", {{"3", 0.1}}};
  world.concurrency.set_aside["meals-dev:5"] = {1, 1, "READY", ""};
  world.facts.versions_in_use = {"4"};
  auto parsed = parse_config(std::string(kConfigText)
                                 .replace(std::string(kConfigText).find("update_timeout: 60s"), 19,
                                          "update_timeout: 60s, keep_versions: 2"),
                             "pawl.yaml");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  world.config = *parsed;
  world.plan_deployment();
  world.answers("1.4.2");
  const auto pruned = world.run_until("prune_versions");
  ASSERT_TRUE(pruned.ok()) << pruned.error().message();
  std::vector<std::string> left;
  for (const auto& version : function.versions) left.push_back(version.version);
  // Of 1 to 8 the newest two stay, and what is in use; 2 and 6 go.
  EXPECT_THAT(left, ElementsAre("1", "3", "4", "5", "7", "8"));
}

TEST(CaptureLive, RefusesAnImageThatTheFunctionCouldNotRunBeforeTheFirstChange) {
  StepWorld world;
  world.old_release_is_live();
  world.images.add("ghcr.io/example/meals:1.4.2", digest("new"), "arm64");
  world.facts.source_digest = digest("new");
  world.plan_deployment();
  const auto captured = world.run_until("capture_live");
  ASSERT_FALSE(captured.ok());
  EXPECT_EQ(captured.error().kind(), ErrorKind::refused);
  EXPECT_THAT(captured.error().message(), HasSubstr("the image is built for arm64"));
  // One that is yet to be built, by what it will be built for.
  world.functions.functions["meals-dev"].latest.architecture = "arm64";
  world.plan_deployment("dev", /*needs_build=*/true);
  const auto built = world.run_until("capture_live");
  ASSERT_FALSE(built.ok());
  EXPECT_THAT(built.error().hint(), HasSubstr("platform: linux/arm64"));
  EXPECT_THAT(world.functions.ledger, IsEmpty());
}

TEST(CaptureLive, TellsWhatTheNewVersionWillPinAndKeepsNoValue) {
  StepWorld world;
  world.functions.add("meals-dev", StepWorld::old_image());
  auto& latest = world.functions.functions["meals-dev"].latest;
  latest.role = "arn:aws:iam::1:role/old";
  latest.environment = {{"STAGE", "hash-1"}, {"GONE", "hash-2"}};
  world.functions.publish_and_point("meals-dev", "live");
  latest.role = "arn:aws:iam::1:role/new";
  latest.environment = {{"STAGE", "hash-3"}, {"TRACE", "hash-4"}};
  world.concurrency.reserved_for_it = 5;
  world.plan_deployment();
  const auto captured = world.run_until("capture_live");
  ASSERT_TRUE(captured.ok()) << captured.error().message();
  for (const char* line : {"the role arn:aws:iam::1:role/new instead of arn:aws:iam::1:role/old",
                           "another value of STAGE", "the new variable TRACE", "no variable GONE"})
    EXPECT_THAT(world.log, Contains(std::string("the new version will have: ") + line));
  EXPECT_EQ(string_or(*captured, "pins.role"), "arn:aws:iam::1:role/old");
  EXPECT_EQ(int_or(*captured, "concurrency.reserved"), 5);
}

TEST(UpdateFunction, WaitsForAnotherUpdateAsLongAsOneMayTake) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  // Reads still tell of the time before the other's update began: only the refusal knows of it.
  for (int i = 0; i < 12; ++i) world.functions.faults.fail("update_code", in_progress());
  const auto updated = world.run_until("update_function");
  ASSERT_TRUE(updated.ok()) << updated.error().message();
  for (int i = 0; i < 200; ++i) world.functions.faults.fail("publish_version", in_progress());
  const auto published = world.run_until("publish_version");
  ASSERT_FALSE(published.ok());
  EXPECT_EQ(published.error().kind(), ErrorKind::conflict);
}

TEST(UpdateFunction, TellsLambdasReasonAndWhatToDo) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  auto& function = world.functions.functions["meals-dev"];
  function.fails_update = true;
  function.latest.last_update_reason_code = "ImageAccessDenied";
  const auto updated = world.run_until("update_function");
  ASSERT_FALSE(updated.ok());
  EXPECT_EQ(updated.error().message(),
            "meals-dev could not take the image: cannot pull the image (ImageAccessDenied)");
  EXPECT_THAT(updated.error().hint(), HasSubstr("ecr:BatchGetImage"));
}

TEST(Rehearsal, SaysWhatEachStepWouldFindAndChangesNothing) {
  StepWorld world;
  world.old_release_is_live();
  world.health.urls["meals-hooked"] = "https://meals.example";
  world.facts.source_digest = digest("new");
  world.facts.repository_uri = StepWorld::kRepository;
  world.plan_deployment("hooked");
  StepPorts ports;
  ports.clock = &world.clock;
  ports.functions = &world.functions;
  ports.function_versions = &world.functions;
  ports.images = &world.images;
  ports.objects = &world.objects;
  ports.static_files = &world.static_files;
  const auto found = run(rehearse(ports, *world.library, *world.deployment.plan, {"meals", true}));
  std::map<std::string, std::string> said;
  for (const auto& one : found) {
    EXPECT_EQ(one.error, "") << one.step;
    for (const auto& line : one.lines) said[one.step] += line + "\n";
  }
  EXPECT_THAT(said["capture_live"], HasSubstr("the alias live points to version 1"));
  EXPECT_THAT(said["copy_image"], HasSubstr("is not there yet"));
  EXPECT_THAT(said["update_function"], HasSubstr(" -> "));
  EXPECT_THAT(said["publish_version"], HasSubstr("the next is 2"));
  EXPECT_THAT(said["move_alias"], HasSubstr("version 1 -> version 2"));
  EXPECT_THAT(said["hook_migrate"], HasSubstr("with {\"op\":\"migrate\"}"));
  EXPECT_THAT(said["check_health"], HasSubstr("now: HTTP 200, version 1.4.1"));
  EXPECT_THAT(world.functions.ledger, IsEmpty());
  EXPECT_THAT(world.images.ledger, IsEmpty());
  EXPECT_THAT(world.objects.ledger, IsEmpty());
  EXPECT_THAT(world.calls.calls, IsEmpty());
  EXPECT_EQ(world.changes_announced, 0);
}

TEST(Rehearsal, WhatCannotBeReadIsSaidAndStopsNothing) {
  StepWorld world;
  world.old_release_is_live();
  world.facts.source_digest = digest("new");
  world.functions.faults.fail("list_versions", Error(ErrorKind::denied, "no permission"));
  world.plan_deployment("bare");
  StepPorts ports;
  ports.clock = &world.clock;
  ports.functions = &world.functions;
  ports.images = &world.images;
  const auto found = run(rehearse(ports, *world.library, *world.deployment.plan, {"meals", true}));
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].step, "capture_live");
  EXPECT_EQ(found[0].error, "no permission");
  EXPECT_GT(found.size(), 1u);
}

}  // namespace
}  // namespace pawl::fakes
