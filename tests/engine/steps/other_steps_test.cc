// check_health and the look after a rollback, restore_function, static files, build, Terraform,
// notification.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/steps/health.h"
#include "engine/steps/step_world.h"

namespace pawl::fakes {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string text(const json::object& object, std::string_view path) {
  return string_or(object, path);
}

std::vector<std::string> results(const StepWorld& world) {
  std::vector<std::string> all;
  for (const auto& attempt : world.attempts) all.push_back(text(attempt, "result"));
  return all;
}

// A world in which the new release is live and only the check is left.
void deploy_up_to_the_check(StepWorld& world) {
  world.old_release_is_live();
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("find_url").ok());
  world.clock.sleeps.clear();
}

TEST(CheckHealth, PassesOnceTheReleaseAnswersItself) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.health.answers = {{200, R"({"database": "ok"})", "1.4.1"},
                          {503, "", ""},
                          {200, R"({"database": "ok"})", "1.4.2"}};
  const auto checked = world.run_step("check_health");
  ASSERT_TRUE(checked.ok()) << checked.error().message();
  EXPECT_EQ(int_or(*checked, "attempts"), 3);
  EXPECT_EQ(text(*checked, "version"), "1.4.2");
  EXPECT_EQ(text(*checked, "url"), "https://meals.example/health");
  EXPECT_THAT(results(world), ElementsAre("X-App-Version is 1.4.1 (expected 1.4.2)",
                                          "HTTP 503 (expected 200)", "HTTP 200, version 1.4.2"));
  EXPECT_THAT(world.clock.sleeps, ElementsAre(milliseconds(1000), milliseconds(2000)));
  EXPECT_EQ(world.deployment.step("check_health")->try_number, 3);
}

TEST(CheckHealth, SaysWhatTheLastAnswerWasWhenItGivesUp) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.answers("1.4.2", 200, "error");
  const auto checked = world.run_step("check_health");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind(), ErrorKind::failed);
  EXPECT_EQ(checked.error().message(),
            "https://meals.example/health did not answer well within 4 attempts (5.0 s); last: "
            "'database' is error (expected ok)");
  EXPECT_EQ(world.attempts.size(), 4u);
  EXPECT_EQ(int_or(world.attempts.back(), "next_wait_ms", -1), 0);
}

TEST(CheckHealth, ARedirectIsNoGoodAnswer) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.health.answers = {{308, "", "1.4.2"}};
  ASSERT_FALSE(world.run_step("check_health").ok());
  EXPECT_EQ(results(world).front(), "HTTP 308: a redirect, which is not followed");
}

TEST(CheckHealth, NoAnswerIsAnAttemptLikeAnother) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.answers("1.4.2");
  world.health.faults.fail("ask", Error(ErrorKind::timeout, "no answer within 10 s"));
  const auto checked = world.run_step("check_health");
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(results(world).front(), "no answer: no answer within 10 s");
}

TEST(CheckHealth, SuccessIsSaidOnlyOfWhatCallersGet) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.answers("1.4.2");
  const auto seen = world.run_step("check_health");
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(text(*seen, "live_digest"), digest("new"));

  StepWorld changed;
  deploy_up_to_the_check(changed);
  changed.answers("1.4.2");
  changed.functions.functions["meals-dev"].aliases["live"].version = "1";
  const auto checked = changed.run_step("check_health");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind(), ErrorKind::conflict);
}

TEST(CheckHealth, StopsAtOnceWhenAsked) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.health.faults.fail("ask", Error(ErrorKind::interrupted, "asked to stop"));
  const auto checked = world.run_step("check_health");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind(), ErrorKind::interrupted);
  EXPECT_THAT(world.attempts, IsEmpty());
}

TEST(CheckHealth, WantsItsPassesInARow) {
  StepWorld world;
  for (auto& environment : world.config.environments) environment.health->passes = 2;
  deploy_up_to_the_check(world);
  const ProbeAnswer good{200, R"({"database": "ok"})", "1.4.2"};
  world.health.answers = {good, {500, "", ""}, good, good};
  const auto checked = world.run_step("check_health");
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(int_or(*checked, "attempts"), 4);
}

struct Judgement {
  ProbeAnswer answer;
  std::string complaint;
};

TEST(Judge, LooksAtStatusVersionAndBody) {
  HealthSettings settings;
  settings.version_header = "X-Version";
  settings.expect_json = {{"checks.0.ok", "true"}, {"count", "3"}};
  const std::string good = R"({"checks": [{"ok": true}], "count": 3})";
  for (const auto& [answer, complaint] : std::vector<Judgement>{
           {{200, good, "1.4.2"}, ""},
           {{200, good, "v1.4.2"}, ""},
           {{204, good, "1.4.2"}, "HTTP 204 (expected 200)"},
           {{200, good, ""}, "X-Version is missing (expected 1.4.2)"},
           {{200, "<html>", "1.4.2"}, "the body is not JSON"},
           {{200, "{}", "1.4.2"}, "'checks.0.ok' is missing in the body"},
           {{200, R"({"checks": [{"ok": false}], "count": 3})", "1.4.2"},
            "'checks.0.ok' is false (expected true)"},
           {{200, R"({"checks": [{"ok": true}], "count": "4"})", "1.4.2"},
            "'count' is 4 (expected 3)"},
       })
    EXPECT_EQ(steps::judge(settings, answer, "1.4.2"), complaint);
  EXPECT_EQ(steps::judge(settings, {200, good, "other"}, ""), "");
}

TEST(VerifyRollback, WantsTheVersionThatAnsweredBefore) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.health.answers = {{200, R"({"database": "ok"})", "1.4.2"},
                          {200, R"({"database": "ok"})", "1.4.1"}};
  const auto verified = world.verify_rollback();
  ASSERT_TRUE(verified.ok()) << verified.error().message();
  EXPECT_EQ(*verified, "1.4.1 answers again");
  EXPECT_EQ(world.attempts.size(), 2u);
}

// Found by pawl-sim: which version answers is chance then.
TEST(VerifyRollback, WithSharesOnTheAliasAnyOfItsVersionsMayAnswer) {
  StepWorld world;
  world.old_release_is_live();
  auto& function = world.functions.functions["meals-dev"];
  function.versions.push_back(function.versions.front());
  function.versions.back().version = "2";
  function.aliases["live"].additional_weights = {{"2", 0.25}};
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("move_alias").ok());
  world.answers("1.4.0");
  const auto verified = world.verify_rollback();
  ASSERT_TRUE(verified.ok()) << verified.error().message();
  EXPECT_EQ(*verified, "what was live before answers again");
}

TEST(VerifyRollback, AnErrorSaysThatItDoesNotAnswer) {
  StepWorld world;
  deploy_up_to_the_check(world);
  world.answers("1.4.2");
  const auto verified = world.verify_rollback();
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(world.attempts.size(), 3u);  // rollback_attempts
}

TEST(VerifyRollback, HasNothingToAskWhenNothingWasLiveOrItWasRedBefore) {
  StepWorld first;
  first.nothing_is_live();
  first.plan_deployment();
  ASSERT_TRUE(first.run_until("move_alias").ok());
  const auto nothing = first.verify_rollback();
  ASSERT_TRUE(nothing.ok());
  EXPECT_FALSE(nothing->has_value());

  StepWorld red;
  red.old_release_is_live();
  red.answers("1.4.1", 500);
  red.plan_deployment();
  ASSERT_TRUE(red.run_until("move_alias").ok());
  const auto standing = red.verify_rollback();
  ASSERT_TRUE(standing.ok());
  EXPECT_FALSE(standing->has_value());
}

TEST(FindUrl, TakesTheFixedAddressOrLooksTheApiUp) {
  PlannedWorld world;
  const auto found = world.run_until("find_url");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(text(*found, "url"), "https://meals.example");

  StepWorld fixed;
  fixed.config.environments[0].url.fixed = "https://fixed.example";
  fixed.health.urls.clear();
  fixed.old_release_is_live();
  fixed.plan_deployment();
  const auto given = fixed.run_until("find_url");
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(text(*given, "url"), "https://fixed.example");
}

TEST(FindUrl, AMissingApiIsFoundBeforeAnythingIsChanged) {
  StepWorld world;
  world.old_release_is_live();
  world.health.urls.clear();
  world.plan_deployment();
  const auto captured = world.run_until("capture_live");
  ASSERT_FALSE(captured.ok());
  EXPECT_EQ(captured.error().message(), "there is no HTTP API called meals-dev");
}

// An old release (version 1) and a newer one (version 2) that is live.
RollbackTarget two_releases(StepWorld& world) {
  world.old_release_is_live();
  auto& function = world.functions.functions["meals-dev"];
  world.functions.set_image(function.latest, StepWorld::new_image());
  world.functions.publish_and_point("meals-dev", "live");
  world.images.add(std::string(StepWorld::kRepository) + ":1.4.2", digest("new"));
  RollbackTarget target;
  target.deployment_id = "d-0";
  target.release = {"dev", "1.4.1", "1.4.1", "v1.4.1", std::string(40, 'b')};
  target.function_version = "1";
  target.image_uri = StepWorld::old_image();
  return target;
}

TEST(RestoreFunction, MovesTheAliasToTheVersionThatIsStillThere) {
  StepWorld world;
  world.plan_rollback(two_releases(world));
  const auto restored = world.run_until("restore_function");
  ASSERT_TRUE(restored.ok()) << restored.error().message();
  EXPECT_EQ(text(*restored, "function_version"), "1");
  EXPECT_EQ(text(*restored, "digest"), digest("old"));
  EXPECT_THAT(world.functions.ledger, ElementsAre("update_alias live -> 1"));
  EXPECT_TRUE(world.run_until("check_health").ok());
}

TEST(RestoreFunction, PutsTheImageBackWhenItsVersionIsGone) {
  StepWorld world;
  world.plan_rollback(two_releases(world));
  auto& function = world.functions.functions["meals-dev"];
  function.versions.erase(function.versions.begin());
  const auto restored = world.run_until("restore_function");
  ASSERT_TRUE(restored.ok()) << restored.error().message();
  EXPECT_EQ(text(*restored, "function_version"), "3");
  EXPECT_EQ(function.versions.back().image_uri, StepWorld::old_image());
  EXPECT_EQ(function.aliases["live"].version, "3");
}

TEST(RestoreFunction, SaysSoWhenNeitherIsThere) {
  StepWorld world;
  auto target = two_releases(world);
  target.image_uri.clear();
  target.function_version = "7";
  world.plan_rollback(target);
  const auto restored = world.run_until("restore_function");
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.error().message(),
            "version 7 of meals-dev is gone, and its image is not recorded");
}

TEST(RestoreFunction, WithoutAnAliasTheFunctionGetsTheImage) {
  StepWorld world;
  const auto target = two_releases(world);
  world.plan_rollback(target, "unqualified");
  const auto restored = world.run_until("restore_function");
  ASSERT_TRUE(restored.ok()) << restored.error().message();
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, StepWorld::old_image());
  ASSERT_TRUE(world.undo_step("restore_function").ok());
  EXPECT_EQ(world.functions.functions["meals-dev"].latest.image_uri, StepWorld::new_image());
}

TEST(RestoreFunctionUndo, PutsWhatWasLiveBeforeTheRollbackBack) {
  for (const bool version_is_gone : {false, true}) {
    StepWorld world;
    world.plan_rollback(two_releases(world));
    auto& function = world.functions.functions["meals-dev"];
    if (version_is_gone) function.versions.erase(function.versions.begin());
    ASSERT_TRUE(world.run_until("restore_function").ok());
    for (int times = 0; times < 2; ++times) {
      const auto undone = world.undo_step("restore_function");
      ASSERT_TRUE(undone.ok()) << undone.error().message();
      EXPECT_EQ(function.aliases["live"].version, "2");
      EXPECT_EQ(function.latest.image_uri, StepWorld::new_image());
    }
  }
}

std::string body_of(StepWorld& world, const std::string& key) {
  return world.objects.buckets["meals-dev-static"][key].body;
}

void put_by_hand(StepWorld& world, const std::string& key, const std::string& body) {
  PutRequest request;
  request.bucket = "meals-dev-static";
  request.key = key;
  request.body = body;
  PAWL_ASSERT(run(world.objects.put(request)).ok());
}

TEST(StaticFiles, NewOnesComeFirstAndFixedNamesAreSwitchedLast) {
  StepWorld world;
  world.old_release_is_live();
  put_by_hand(world, "static/index.html", "old page");
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("move_alias").ok());
  EXPECT_EQ(body_of(world, "static/app.0a1b2c.js"), "new script");
  EXPECT_EQ(body_of(world, "static/index.html"), "old page");
  const auto switched = world.run_until("switch_static");
  ASSERT_TRUE(switched.ok()) << switched.error().message();
  EXPECT_EQ(body_of(world, "static/index.html"), "new page");
  EXPECT_EQ(text(*switched, "manifest_digest"),
            world.deployment.output("upload_static", "manifest_digest"));

  const auto undone = world.undo_step("switch_static");
  ASSERT_TRUE(undone.ok()) << undone.error().message();
  EXPECT_EQ(body_of(world, "static/index.html"), "old page");
  EXPECT_FALSE(undone->empty());
}

TEST(StaticFiles, AfterTerraformTheFilesAreLookedForAgain) {
  StepWorld world;
  world.old_release_is_live();
  put_by_hand(world, "static/index.html", "old page");
  world.plan_deployment("terraformed");
  ASSERT_TRUE(world.run_until("upload_static").ok());
  ASSERT_TRUE(world.run_step("confirm_static").ok());
  EXPECT_TRUE(world.deployment.step("confirm_static")->observed);
}

TEST(StaticFiles, ABucketThatTerraformReplacedGetsThemAgain) {
  StepWorld world;
  world.old_release_is_live();
  world.plan_deployment("terraformed");
  ASSERT_TRUE(world.run_until("upload_static").ok());
  world.objects.buckets["meals-dev-static"].clear();
  const auto confirmed = world.run_step("confirm_static");
  ASSERT_TRUE(confirmed.ok()) << confirmed.error().message();
  EXPECT_EQ(body_of(world, "static/app.0a1b2c.js"), "new script");
  EXPECT_EQ(text(*confirmed, "manifest_digest"),
            world.deployment.output("upload_static", "manifest_digest"));
}

TEST(StaticFiles, FilesThatChangedBetweenTheTwoUploadsAreNoRelease) {
  StepWorld world;
  world.old_release_is_live();
  world.plan_deployment("terraformed");
  ASSERT_TRUE(world.run_until("upload_static").ok());
  world.objects.buckets["meals-dev-static"].clear();
  world.static_files.content["index.html"] = "edited page";
  const auto confirmed = world.run_step("confirm_static");
  ASSERT_FALSE(confirmed.ok());
  EXPECT_THAT(confirmed.error().message(), HasSubstr("were changed while"));
}

TEST(StaticFiles, ARollbackSwitchesToTheRecordedFiles) {
  StepWorld world;
  auto target = two_releases(world);
  world.plan_deployment();
  ASSERT_TRUE(world.run_until("switch_static").ok());
  target.static_manifest["digest"] = world.deployment.output("switch_static", "manifest_digest");
  put_by_hand(world, "static/index.html", "newer page");
  // The rollback is another deployment, of which nothing was put aside yet.
  std::erase_if(world.objects.buckets["meals-dev-static"], [](const auto& object) {
    return object.first.find("/.pawl/backup/") != std::string::npos;
  });
  world.plan_rollback(target);
  const auto switched = world.run_until("switch_static");
  ASSERT_TRUE(switched.ok()) << switched.error().message();
  EXPECT_EQ(body_of(world, "static/index.html"), "new page");
}

TEST(StaticFiles, AReleaseWithoutARecordSaysSo) {
  StepWorld world;
  auto target = two_releases(world);
  target.static_manifest["digest"] = digest("never uploaded");
  world.plan_rollback(target);
  const auto switched = world.run_until("switch_static");
  ASSERT_FALSE(switched.ok());
  EXPECT_THAT(switched.error().message(), HasSubstr("no record of that release's static files"));
}

TEST(BuildImage, BuildsTheCommitUnderAllItsTags) {
  StepWorld world;
  world.old_release_is_live();
  world.images.images.erase("ghcr.io/example/meals:1.4.2");
  world.plan_deployment("dev", /*needs_build=*/true);
  const auto built = world.run_step("build_image");
  ASSERT_TRUE(built.ok()) << built.error().message();
  ASSERT_EQ(world.builder.requests.size(), 1u);
  const BuildRequest& request = world.builder.requests[0];
  EXPECT_EQ(request.revision, std::string(40, 'a'));
  EXPECT_THAT(request.tags, ElementsAre("1.4.2", "sha-aaaaaaa"));
  EXPECT_EQ(request.labels.at("org.opencontainers.image.version"), "1.4.2");
  ASSERT_TRUE(world.run_until("copy_image").ok());
  EXPECT_EQ(world.deployment.output("copy_image", "digest"), text(*built, "digest"));
}

TEST(BuildImage, AnImageThatIsThereAfterACrashIsNotBuiltAgain) {
  StepWorld world;
  world.images.images.erase("ghcr.io/example/meals:1.4.2");
  world.plan_deployment("dev", /*needs_build=*/true);
  world.crash_in("build_image");
  ASSERT_TRUE(world.run_step("build_image").ok());
  EXPECT_TRUE(world.deployment.step("build_image")->observed);
  EXPECT_EQ(world.builder.requests.size(), 1u);
}

TEST(Infrastructure, AppliesTheVeryPlanAndKeepsItsOutputs) {
  StepWorld world;
  world.plan_deployment("terraformed");
  world.infrastructure.on_apply = [&] { world.nothing_is_live(); };
  const auto applied = world.run_until("apply_infrastructure");
  ASSERT_TRUE(applied.ok()) << applied.error().message();
  EXPECT_THAT(world.infrastructure.ledger, ElementsAre("apply .pawl/terraform/dev/d-1.tfplan"));
  EXPECT_EQ(world.infrastructure.requests[0].account_id, "000000000000");
  EXPECT_EQ(text(*applied, "outputs.url"), "https://meals.example");
  world.answers("1.4.2");
  EXPECT_TRUE(world.run_until("check_health").ok());
}

TEST(Infrastructure, APlanWithoutChangesIsNotApplied) {
  StepWorld world;
  world.infrastructure.changes = 0;
  world.plan_deployment("terraformed");
  ASSERT_TRUE(world.run_until("apply_infrastructure").ok());
  EXPECT_THAT(world.infrastructure.ledger, IsEmpty());
}

TEST(Infrastructure, AnApplyThatACrashCutOffIsAskedAboutNotRepeated) {
  for (const bool was_done : {true, false}) {
    StepWorld world;
    world.plan_deployment("terraformed");
    ASSERT_TRUE(world.run_until("plan_infrastructure").ok());
    world.crash_in("apply_infrastructure");
    world.infrastructure.changes = was_done ? 0 : 1;
    world.infrastructure.faults.fail("apply",
                                     Error(ErrorKind::conflict, "the saved plan is stale"));
    const auto again = world.run_step("apply_infrastructure");
    EXPECT_EQ(again.ok(), was_done);
    EXPECT_EQ(world.infrastructure.ledger.size(), 1u);
  }
}

TEST(Infrastructure, AMissingTerraformIsAClearError) {
  StepWorld world;
  world.infrastructure.faults.fail("available", Error(ErrorKind::not_found, "no terraform here"));
  world.plan_deployment("terraformed");
  const auto planned = world.run_until("plan_infrastructure");
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(planned.error().message(), "no terraform here");
}

TEST(NotifyStarted, TellsTheForgeOnceAndKeepsItsReferences) {
  PlannedWorld world;
  const auto told = world.run_step("notify_started");
  ASSERT_TRUE(told.ok());
  ASSERT_EQ(world.forge.started.size(), 1u);
  EXPECT_EQ(world.forge.started[0].repository, "example/meals");
  EXPECT_EQ(world.forge.started[0].outcome, "in_progress");
  EXPECT_EQ(world.forge.started[0].sha, std::string(40, 'a'));
  EXPECT_EQ(text(*told, "check_run"), "https://github.example/check/1");
  EXPECT_FALSE(world.deployment.plan->step("notify_started")->required);
}

// Whoever stopped it (a limit, a cancel) knows why: the engine puts that in front.
TEST(NotifyStarted, ThatWasCutOffIsNoSuccess) {
  PlannedWorld world;
  world.forge.cut_off = {"the commit status", "the deployment"};
  const auto told = world.run_step("notify_started");
  ASSERT_FALSE(told.ok());
  EXPECT_EQ(told.error().kind(), ErrorKind::interrupted);
  EXPECT_EQ(told.error().message(),
            "GitHub gave no answer about the commit status, the deployment");
}

TEST(Library, KnowsEveryKindOfEveryPlanAndNoOther) {
  StepWorld world;
  for (const auto& environment : world.config.environments) {
    world.plan_deployment(environment.name, true);
    for (const auto& step : world.deployment.plan->steps)
      EXPECT_NE(world.library->find(step.kind), nullptr) << step.kind;
  }
  EXPECT_EQ(world.library->find("make_coffee"), nullptr);
}

TEST(Library, AKindWithoutItsPortSaysSo) {
  StepWorld world;
  world.old_release_is_live();
  auto bare = make_step_library(StepPorts{});
  world.plan_deployment();
  std::swap(world.library, bare);
  const auto run = world.run_step("copy_image");
  ASSERT_FALSE(run.ok());
  EXPECT_EQ(run.error().message(), "copy_image cannot be run here: what it needs was not set up");
}

}  // namespace
}  // namespace pawl::fakes
