// capture_live, copy_image, update_function, publish_version, move_alias: forward and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/steps/step_world.h"
#include "support/fakes/errors.h"

namespace pawl::fakes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string text(const json::object& object, std::string_view path) {
  return string_or(object, path);
}

TEST(CaptureLive, RecordsWhatARollbackWillNeed) {
  StepWorld world;
  world.old_release_is_live();
  world.alias().additional_weights = {};
  world.plan_deployment();
  const auto captured = world.run_until("capture_live");
  ASSERT_TRUE(captured.ok()) << captured.error().message();
  EXPECT_TRUE(bool_or(*captured, "function_exists"));
  EXPECT_FALSE(bool_or(*captured, "nothing_live", true));
  EXPECT_EQ(text(*captured, "live.image_uri"), StepWorld::old_image());
  EXPECT_EQ(text(*captured, "live.function_version"), "1");
  EXPECT_EQ(text(*captured, "latest.image_uri"), StepWorld::old_image());
  EXPECT_EQ(text(*captured, "alias.version"), "1");
  EXPECT_EQ(text(*captured, "url"), "https://meals.example");
  EXPECT_EQ(text(*captured, "live_version"), "1.4.1");
  EXPECT_THAT(world.functions.ledger, IsEmpty());
}

TEST(CaptureLive, RecordsAFirstDeploymentAsSuch) {
  StepWorld world;
  world.nothing_is_live();
  world.plan_deployment();
  const auto captured = world.run_until("capture_live");
  ASSERT_TRUE(captured.ok()) << captured.error().message();
  EXPECT_TRUE(bool_or(*captured, "nothing_live"));
  EXPECT_THAT(world.health.asked, IsEmpty());
}

TEST(CaptureLive, AReadThatFailsIsNotAFirstDeployment) {
  for (const auto* call : {"get", "get_alias", "list_versions"}) {
    PlannedWorld world;
    world.functions.faults.fail(call, Error(ErrorKind::throttled, "slow down"));
    const auto captured = world.run_until("capture_live");
    ASSERT_FALSE(captured.ok()) << call;
    EXPECT_EQ(captured.error().kind(), ErrorKind::throttled);
  }
}

TEST(CaptureLive, SaysWhatToDoAboutAFunctionThatDoesNotExist) {
  StepWorld world;
  world.plan_deployment();
  const auto captured = world.run_until("capture_live");
  ASSERT_FALSE(captured.ok());
  EXPECT_EQ(captured.error().message(), "there is no function meals-dev");
  EXPECT_THAT(captured.error().hint(), HasSubstr("create it with Terraform first"));
}

TEST(CaptureLive, AFunctionThatTerraformWillMakeMayBeAbsent) {
  StepWorld world;
  world.plan_deployment("terraformed");
  const auto captured = world.run_until("capture_live");
  ASSERT_TRUE(captured.ok()) << captured.error().message();
  EXPECT_FALSE(bool_or(*captured, "function_exists", true));
}

TEST(CaptureLive, AnUnhealthyApplicationDoesNotStopTheDeploymentThatMayMendIt) {
  StepWorld world;
  world.old_release_is_live();
  world.answers("1.4.1", 503);
  world.plan_deployment();
  const auto captured = world.run_until("capture_live");
  ASSERT_TRUE(captured.ok());
  EXPECT_FALSE(bool_or(*captured, "health_before.ok", true));
  EXPECT_EQ(text(*captured, "health_before.result"), "HTTP 503 (expected 200)");
}

TEST(CaptureLive, RefusesWhenWhatIsLiveCouldNotBeRestored) {
  StepWorld world;
  world.functions.add("meals-dev", std::string(StepWorld::kRepository) + "@" + digest("expired"));
  world.plan_deployment("unqualified");
  const auto captured = world.run_until("capture_live");
  ASSERT_FALSE(captured.ok());
  EXPECT_THAT(captured.error().message(), HasSubstr("is not in its repository any more"));
}

TEST(CopyImage, CopiesByDigestAndGivesThePlatformsManifest) {
  StepWorld world;
  world.old_release_is_live();
  world.images.images.insert_or_assign("ghcr.io/example/meals:1.4.2",
                                       FakeImages::info(digest("index"), digest("new"), "amd64"));
  world.images.images.insert_or_assign("ghcr.io/example/meals@" + digest("index"),
                                       FakeImages::info(digest("index"), digest("new"), "amd64"));
  world.plan_deployment();
  const auto copied = world.run_until("copy_image");
  ASSERT_TRUE(copied.ok()) << copied.error().message();
  EXPECT_EQ(text(*copied, "digest"), digest("index"));
  EXPECT_EQ(text(*copied, "image_uri"), StepWorld::new_image());
  EXPECT_EQ(world.changes_announced, 2);  // the notification's and the copy's
}

TEST(CopyImage, FindsACopyThatIsThereAlready) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("capture_live").ok());
  world.crash_in("copy_image");
  const auto copied = world.run_step("copy_image");
  ASSERT_TRUE(copied.ok());
  EXPECT_TRUE(world.deployment.step("copy_image")->observed);
  EXPECT_EQ(world.images.ledger.size(), 1u);
}

TEST(CopyImage, NeverOverwritesAReleasedVersion) {
  StepWorld world;
  world.old_release_is_live();
  world.images.add(std::string(StepWorld::kRepository) + ":1.4.2", digest("another build"));
  world.plan_deployment();
  const auto copied = world.run_until("copy_image");
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().kind(), ErrorKind::refused);
  EXPECT_THAT(copied.error().message(), HasSubstr("a released version is never overwritten"));
  EXPECT_THAT(world.images.ledger, IsEmpty());
}

TEST(CopyImage, RefusesAnImageForAnotherArchitecture) {
  StepWorld world;
  world.old_release_is_live();
  world.images.add("ghcr.io/example/meals:1.4.2", digest("new"), "arm64");
  world.plan_deployment();
  const auto copied = world.run_until("copy_image");
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().message(),
            "the image is built for arm64, and meals-dev runs on x86_64: it could not start");
  EXPECT_THAT(world.images.ledger, IsEmpty());
}

TEST(CopyImage, SaysWhichRepositoryIsMissing) {
  StepWorld world;
  world.old_release_is_live();
  world.images.repositories.clear();
  world.plan_deployment();
  const auto copied = world.run_until("copy_image");
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().message(), "there is no repository meals-dev-lambda");
  EXPECT_THAT(copied.error().hint(), HasSubstr("function.repository"));
}

TEST(UpdateFunction, GivesTheImageByDigestAndWaits) {
  PlannedWorld world;
  const auto updated = world.run_until("update_function");
  ASSERT_TRUE(updated.ok()) << updated.error().message();
  EXPECT_EQ(text(*updated, "image_uri"), StepWorld::new_image());
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.last_update_status, "Successful");
  EXPECT_THAT(world.functions.ledger, ElementsAre("update_code " + StepWorld::new_image()));
}

TEST(UpdateFunction, AnAnswerThatWasLostIsAskedAboutNotRepeated) {
  PlannedWorld world;
  world.functions.faults.lose_answer("update_code");
  ASSERT_TRUE(world.run_until("update_function").ok());
  EXPECT_EQ(world.functions.ledger.size(), 1u);
}

TEST(UpdateFunction, IsFoundDoneAfterACrash) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  world.crash_in("update_function");
  ASSERT_TRUE(world.run_step("update_function").ok());
  EXPECT_TRUE(world.deployment.step("update_function")->observed);
  EXPECT_EQ(world.functions.ledger.size(), 1u);
}

TEST(UpdateFunction, WaitsForAnUpdateThatIsInProgress) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  world.functions.functions["meals-dev"].latest.last_update_status = "InProgress";
  world.functions.functions["meals-dev"].polls_left = 5;
  ASSERT_TRUE(world.run_step("update_function").ok());
  EXPECT_GT(world.clock.sleeps.size(), 4u);
}

TEST(UpdateFunction, ABusyFunctionIsTriedAgain) {
  PlannedWorld world;
  world.functions.faults.fail("update_code", in_progress());
  EXPECT_TRUE(world.run_until("update_function").ok());
}

TEST(UpdateFunction, DoesNotOverwriteWhatSomebodyChangedByHand) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  auto& latest = world.functions.functions["meals-dev"].latest;
  world.functions.set_image(latest, std::string(StepWorld::kRepository) + "@" + digest("by hand"));
  const auto updated = world.run_step("update_function");
  ASSERT_FALSE(updated.ok());
  EXPECT_EQ(updated.error().kind(), ErrorKind::conflict);
  EXPECT_THAT(updated.error().message(), HasSubstr("somebody changed it meanwhile"));
  EXPECT_THAT(world.functions.ledger, IsEmpty());
}

TEST(UpdateFunction, SomebodyQuickerThanTheRequestIsNotOverwrittenEither) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  world.functions.faults.before("update_code", [&] {
    auto& latest = world.functions.functions["meals-dev"].latest;
    world.functions.set_image(latest,
                              std::string(StepWorld::kRepository) + "@" + digest("by hand"));
  });
  const auto updated = world.run_step("update_function");
  ASSERT_FALSE(updated.ok());
  EXPECT_EQ(updated.error().kind(), ErrorKind::conflict);
  EXPECT_THAT(world.functions.ledger, IsEmpty());
}

TEST(UpdateFunction, AnUpdateThatLambdaGivesUpFailsWithItsReason) {
  StepWorld world;
  world.old_release_is_live();
  world.functions.functions["meals-dev"].fails_update = true;
  world.plan_deployment();
  const auto updated = world.run_until("update_function");
  ASSERT_FALSE(updated.ok());
  EXPECT_EQ(updated.error().message(), "meals-dev could not take the image: cannot pull the image");
}

TEST(UpdateFunction, GivesUpWaitingAfterItsLimit) {
  StepWorld world;
  world.old_release_is_live();
  world.functions.polls_of_an_update = 1'000'000;
  world.plan_deployment();
  const auto updated = world.run_until("update_function");
  ASSERT_FALSE(updated.ok());
  EXPECT_EQ(updated.error().kind(), ErrorKind::timeout);
  EXPECT_THAT(updated.error().hint(), HasSubstr("function.update_timeout"));
}

TEST(UpdateFunction, ChangesNothingOnceTheLeaseIsLost) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  world.refuse_changes = Error(ErrorKind::conflict, "the lease is another's");
  EXPECT_FALSE(world.run_step("update_function").ok());
  EXPECT_THAT(world.functions.ledger, IsEmpty());
}

TEST(UpdateFunctionUndo, GivesTheCapturedImageBack) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("update_function").ok());
  const auto undone = world.undo_step("update_function");
  ASSERT_TRUE(undone.ok()) << undone.error().message();
  EXPECT_EQ(text(*undone, "image_uri"), StepWorld::old_image());
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, StepWorld::old_image());
}

TEST(UpdateFunctionUndo, DoesNothingWhenNothingWasDone) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  world.functions.faults.fail("update_code", Error(ErrorKind::denied, "not allowed"));
  ASSERT_FALSE(world.run_step("update_function").ok());
  const auto undone = world.undo_step("update_function");
  ASSERT_TRUE(undone.ok());
  EXPECT_TRUE(undone->empty());
  EXPECT_THAT(world.functions.ledger, IsEmpty());
}

// A read may tell for two seconds of the time before a change.
TEST(UpdateFunctionUndo, IsNotDeceivedByAReadOfTheTimeBefore) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  const FunctionState before = world.functions.functions["meals-dev"].latest;
  world.crash_in("update_function");
  world.functions.old_reads = {before};
  const auto undone = world.undo_step("update_function");
  ASSERT_TRUE(undone.ok()) << undone.error().message();
  EXPECT_FALSE(undone->empty());
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, before.image_uri);
}

TEST(UpdateFunction, IsNotDeceivedByAReadOfTheTimeBeforeItsImageWasTakenAway) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  FunctionState earlier = world.functions.functions["meals-dev"].latest;
  world.functions.set_image(earlier, world.deployment.output("copy_image", "image_uri"));
  world.functions.old_reads = {earlier};
  ASSERT_TRUE(world.run_step("update_function").ok());
  EXPECT_FALSE(world.deployment.step("update_function")->observed);
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, earlier.image_uri);
}

// A process that is put to sleep between its look at the lease and its request sends it hours
// later, with the RevisionId that it had read: after an undo that found nothing, that must not
// hold.
TEST(UpdateFunctionUndo, ShutsOutAnUpdateThatIsStillOnItsWay) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("copy_image").ok());
  const FunctionState before = world.functions.functions["meals-dev"].latest;
  world.crash_in("update_function");
  world.functions.functions["meals-dev"].latest = before;
  const auto undone = world.undo_step("update_function");
  ASSERT_TRUE(undone.ok()) << undone.error().message();
  EXPECT_TRUE(undone->empty());
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, before.image_uri);
  const auto late =
      fakes::run(world.functions.update_code("meals-dev", "x@sha256:1", before.revision_id));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), "PreconditionFailedException");
}

TEST(UpdateFunctionUndo, UndoesWhatACrashLeftUnderWay) {
  StepWorld world;
  world.old_release_is_live();
  world.functions.polls_of_an_update = 6;
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("copy_image").ok());
  world.crash_in("update_function");
  world.functions.functions["meals-dev"].latest.last_update_status = "InProgress";
  world.functions.functions["meals-dev"].polls_left = 3;
  ASSERT_TRUE(world.undo_step("update_function").ok());
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, StepWorld::old_image());
}

TEST(UpdateFunctionUndo, TwiceIsAsGoodAsOnce) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("update_function").ok());
  world.functions.faults.lose_answer("update_code");
  ASSERT_TRUE(world.undo_step("update_function").ok());
  const auto again = world.undo_step("update_function");
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->empty());  // still says what was restored
  EXPECT_EQ(world.functions.ledger.size(), 2u);
}

TEST(UpdateFunctionUndo, LeavesWhatSomebodyDidAfterUs) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("update_function").ok());
  const std::string by_hand = std::string(StepWorld::kRepository) + "@" + digest("by hand");
  world.functions.set_image(world.functions.functions["meals-dev"].latest, by_hand);
  const auto undone = world.undo_step("update_function");
  ASSERT_FALSE(undone.ok());
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, by_hand);
}

TEST(PublishVersion, PublishesAndWaitsUntilItIsActive) {
  PlannedWorld world;
  const auto published = world.run_until("publish_version");
  ASSERT_TRUE(published.ok()) << published.error().message();
  EXPECT_EQ(text(*published, "function_version"), "2");
  EXPECT_EQ(text(*published, "image_uri"), StepWorld::new_image());
  EXPECT_THAT(world.functions.functions["meals-dev"].versions.back().description,
              HasSubstr("1.4.2 (aaaaaaa), pawl "));
}

TEST(PublishVersion, FindsTheVersionWhoseAnswerWasLost) {
  PlannedWorld world;
  world.functions.faults.lose_answer("publish_version");
  const auto published = world.run_until("publish_version");
  ASSERT_TRUE(published.ok());
  EXPECT_EQ(text(*published, "function_version"), "2");
  EXPECT_EQ(world.functions.functions["meals-dev"].versions.size(), 2u);
}

TEST(PublishVersion, IsFoundDoneAfterACrash) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("update_function").ok());
  world.crash_in("publish_version");
  ASSERT_TRUE(world.run_step("publish_version").ok());
  EXPECT_TRUE(world.deployment.step("publish_version")->observed);
}

TEST(PublishVersion, DoesNotPublishWhatSomebodyElsePutThere) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("update_function").ok());
  world.functions.set_image(world.functions.functions["meals-dev"].latest,
                            std::string(StepWorld::kRepository) + "@" + digest("by hand"));
  const auto published = world.run_step("publish_version");
  ASSERT_FALSE(published.ok());
  EXPECT_EQ(published.error().kind(), ErrorKind::conflict);
}

TEST(MoveAlias, MakesTheReleaseLive) {
  PlannedWorld world;
  const auto moved = world.run_until("move_alias");
  ASSERT_TRUE(moved.ok()) << moved.error().message();
  const AliasState& alias = world.alias();
  EXPECT_EQ(alias.version, "2");
  EXPECT_THAT(alias.description, HasSubstr("meals 1.4.2 (aaaaaaa), pawl deployment d-1"));
}

TEST(MoveAlias, MakesTheAliasOnTheFirstDeployment) {
  StepWorld world;
  world.nothing_is_live();
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("move_alias").ok());
  EXPECT_EQ(world.alias().version, "1");
}

TEST(MoveAlias, AnAnswerThatWasLostIsAskedAbout) {
  for (const bool first : {true, false}) {
    StepWorld world;
    first ? world.nothing_is_live() : world.old_release_is_live();
    world.plan_deployment();
    world.functions.faults.lose_answer(first ? "create_alias" : "update_alias");
    EXPECT_TRUE(world.run_until("move_alias").ok());
  }
}

TEST(MoveAlias, IsFoundDoneAfterACrash) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("publish_version").ok());
  world.crash_in("move_alias");
  ASSERT_TRUE(world.run_step("move_alias").ok());
  EXPECT_TRUE(world.deployment.step("move_alias")->observed);
}

TEST(MoveAlias, ReportsAndKeepsWhatSomebodyChangedByHand) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("publish_version").ok());
  AliasState& alias = world.alias();
  alias.revision_id = "touched";
  alias.description = "pinned by ben";
  const auto moved = world.run_step("move_alias");
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().kind(), ErrorKind::conflict);
  EXPECT_THAT(moved.error().message(), HasSubstr("somebody changed it meanwhile"));
  EXPECT_EQ(alias.description, "pinned by ben");
}

TEST(MoveAlias, DoesNotTakeOverAnAliasThatAppearedMeanwhile) {
  StepWorld world;
  world.nothing_is_live();
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("publish_version").ok());
  world.alias() = {"meals-dev", "live", "$LATEST", "", "r99", {}};
  EXPECT_FALSE(world.run_step("move_alias").ok());
  EXPECT_EQ(world.alias().version, "$LATEST");
}

/// As the example's own tree does it on an environment's first deployment.
void let_terraform_make_all(StepWorld& world) {
  world.infrastructure.on_apply = [&world] {
    world.functions.add("meals-dev", StepWorld::old_image());
    world.functions.publish_and_point("meals-dev", "live");
    world.alias().description = "";
  };
}

TEST(MoveAlias, MovesTheAliasThatTerraformMadeInThisDeployment) {
  for (const bool is_good : {true, false}) {
    StepWorld world;
    let_terraform_make_all(world);
    world.plan_deployment("terraformed");
    ASSERT_TRUE(world.run_until("publish_version").ok());
    if (!is_good) world.functions.faults.fail("update_alias", Error(ErrorKind::denied, "no"));
    EXPECT_EQ(world.run_step("move_alias").ok(), is_good);
    auto& aliases = world.functions.functions["meals-dev"].aliases;
    EXPECT_EQ(aliases["live"].version, is_good ? "2" : "1");
    // Nothing was live before: ours goes away again, and Terraform's is nobody's mistake.
    const auto undone = world.undo_step("move_alias");
    ASSERT_TRUE(undone.ok()) << undone.error().message();
    EXPECT_EQ(aliases.count("live"), is_good ? 0u : 1u);
  }
}

TEST(MoveAlias, DoesNotTakeOverWhatAnotherDeploymentMovedMeanwhile) {
  StepWorld world;
  let_terraform_make_all(world);
  world.plan_deployment("terraformed");
  ASSERT_TRUE(world.run_until("publish_version").ok());
  AliasState& alias = world.alias();
  alias.description = "meals 1.4.0 (bbbbbbb), pawl deployment d-9, token 7";
  const auto moved = world.run_step("move_alias");
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(alias.version, "1");
}

TEST(MoveAliasUndo, RestoresVersionDescriptionAndWeights) {
  StepWorld world;
  world.old_release_is_live();
  auto& function = world.functions.functions["meals-dev"];
  function.versions.push_back(function.versions.front());
  function.versions.back().version = "2";
  function.aliases["live"].additional_weights = {{"2", 0.25}};
  const AliasState before = function.aliases["live"];
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("move_alias").ok());
  ASSERT_TRUE(function.aliases["live"].additional_weights.empty());
  const auto undone = world.undo_step("move_alias");
  ASSERT_TRUE(undone.ok()) << undone.error().message();
  EXPECT_EQ(function.aliases["live"].version, before.version);
  EXPECT_EQ(function.aliases["live"].description, before.description);
  EXPECT_EQ(function.aliases["live"].additional_weights, before.additional_weights);
}

TEST(MoveAliasUndo, RemovesAnAliasThatWasNotThereBefore) {
  StepWorld world;
  world.nothing_is_live();
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("move_alias").ok());
  const auto undone = world.undo_step("move_alias");
  ASSERT_TRUE(undone.ok());
  EXPECT_TRUE(bool_or(*undone, "deleted"));
  EXPECT_TRUE(world.functions.functions["meals-dev"].aliases.empty());
  EXPECT_TRUE(world.undo_step("move_alias").ok());
}

TEST(MoveAliasUndo, PublishesTheCapturedImageAnewWhenItsVersionIsGone) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("move_alias").ok());
  auto& function = world.functions.functions["meals-dev"];
  function.versions.erase(function.versions.begin());
  const auto undone = world.undo_step("move_alias");
  ASSERT_TRUE(undone.ok()) << undone.error().message();
  EXPECT_EQ(function.aliases["live"].version, "3");
  EXPECT_EQ(function.versions.back().image_uri, StepWorld::old_image());
}

TEST(MoveAliasUndo, DoesNothingWhenTheAliasNeverMoved) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("publish_version").ok());
  world.functions.faults.fail("update_alias", Error(ErrorKind::denied, "not allowed"));
  ASSERT_FALSE(world.run_step("move_alias").ok());
  const size_t changes = world.functions.ledger.size();
  const auto undone = world.undo_step("move_alias");
  ASSERT_TRUE(undone.ok());
  EXPECT_TRUE(undone->empty());
  EXPECT_EQ(world.functions.ledger.size(), changes);
}

TEST(MoveAliasUndo, IsNotDeceivedByAReadOfTheTimeBefore) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("publish_version").ok());
  const AliasState before = world.alias();
  world.crash_in("move_alias");
  world.functions.old_alias_reads = {before};
  ASSERT_TRUE(world.undo_step("move_alias").ok());
  const AliasState now = world.alias();
  EXPECT_EQ(now.version, before.version);
  EXPECT_EQ(now.description, before.description);
}

TEST(MoveAliasUndo, ShutsOutAMoveThatIsStillOnItsWay) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("publish_version").ok());
  AliasState late = world.alias();
  world.crash_in("move_alias");
  world.alias() = late;
  const auto undone = world.undo_step("move_alias");
  ASSERT_TRUE(undone.ok()) << undone.error().message();
  EXPECT_TRUE(undone->empty());
  const AliasState now = world.alias();
  EXPECT_EQ(now.version, late.version);
  EXPECT_EQ(now.description, late.description);
  late.function = "meals-dev";
  late.version = "2";
  const auto moved = fakes::run(world.functions.update_alias(late));
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().code(), "PreconditionFailedException");
}

TEST(MoveAliasUndo, MovesBackAfterACrash) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("publish_version").ok());
  world.crash_in("move_alias");
  ASSERT_TRUE(world.undo_step("move_alias").ok());
  EXPECT_EQ(world.alias().version, "1");
}

TEST(MoveAliasUndo, TwiceIsAsGoodAsOnceAlsoWhenAnAnswerWasLost) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("move_alias").ok());
  world.functions.faults.lose_answer("update_alias");
  ASSERT_TRUE(world.undo_step("move_alias").ok());
  const size_t changes = world.functions.ledger.size();
  const auto again = world.undo_step("move_alias");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(text(*again, "function_version"), "1");
  EXPECT_EQ(world.functions.ledger.size(), changes);
}

TEST(MoveAliasUndo, LeavesAnAliasThatSomebodyMovedAfterUs) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("move_alias").ok());
  AliasState& alias = world.alias();
  alias.version = "$LATEST";
  alias.description = "pinned by ben";
  const auto undone = world.undo_step("move_alias");
  ASSERT_FALSE(undone.ok());
  EXPECT_EQ(undone.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(alias.version, "$LATEST");
}

// Found by pawl-sim: whoever moves it by hand may well leave the description that we wrote.
TEST(MoveAliasUndo, LeavesAnAliasThatSomebodyMovedAfterUsAndKeptItsDescription) {
  PlannedWorld world;
  ASSERT_TRUE(world.run_until("move_alias").ok());
  AliasState& alias = world.alias();
  alias.version = "$LATEST";
  const auto undone = world.undo_step("move_alias");
  ASSERT_FALSE(undone.ok());
  EXPECT_EQ(undone.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(alias.version, "$LATEST");
}

// Found by pawl-sim: the version that we "published" was there before, and somebody's alias too.
TEST(MoveAliasUndo, LeavesAnAliasThatAppearedMeanwhileAtTheVersionThatWeFound) {
  StepWorld world;
  world.nothing_is_live();
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("publish_version").ok());
  const std::string version = world.deployment.output("publish_version", "function_version");
  world.alias() = {"meals-dev", "live", version, "by ben", "r99", {}};
  EXPECT_FALSE(world.run_step("move_alias").ok());
  EXPECT_FALSE(world.undo_step("move_alias").ok());
  EXPECT_EQ(world.functions.functions["meals-dev"].aliases.count("live"), 1u);
}

TEST(Redeploy, OfTheSameImageKeepsItsVersion) {
  StepWorld world;
  world.old_release_is_live();
  world.images.add("ghcr.io/example/meals:1.4.2", digest("old"));
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("move_alias").ok());
  EXPECT_EQ(world.alias().version, "1");
  ASSERT_TRUE(world.undo_step("move_alias").ok());
  EXPECT_EQ(world.alias().description, "by hand");
}

}  // namespace
}  // namespace pawl::fakes
