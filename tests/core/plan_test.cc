#include "core/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/backoff.h"
#include "core/config_parser.h"
#include "core/plan_steps.h"

namespace pawl {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

Config config() {
  auto parsed = parse_config(R"(
app: meals
repository: example/meals
image: {source: ghcr.io/example/meals, build: {context: ., args: {APP_VERSION: "{version}", REV: "{revision}", STAGE: "{environment}"}}}
infrastructure: {terraform: {dir: terraform, var_files: ["{environment}.tfvars"]}}
static: {dir: static, bucket: meals-files, prefix: static/}
health: {expect: {version_header: X-App-Version}}
environments:
  full:
  plain: {infrastructure: none, static: none, health: none}
  unqualified: {function: {alias: none}}
  named: {function: {name: "{terraform.function}"}, url: "{terraform.url}", static: {bucket: "{terraform.bucket}"}}
)",
                             "pawl.yaml");
  PAWL_ASSERT(parsed.ok());
  return *parsed;
}

Plan deploy(const std::string& environment, bool needs_build, PlanFacts facts = {}) {
  const Config made = config();
  Decision decision;
  decision.verdict = Decision::Verdict::deploy;
  decision.release = {environment, "1.4.2", "1.4.2", "v1.4.2", std::string(40, 'a')};
  decision.needs_build = needs_build;
  return make_deploy_plan(made, **made.environment(environment), decision, facts);
}

std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> all;
  for (const auto& step : plan.steps) all.push_back(step.id);
  return all;
}

bool comes_after(const Plan& plan, const std::string& later, const std::string& earlier) {
  for (const auto& need : plan.step(later)->needs)
    if (need == earlier || comes_after(plan, need, earlier)) return true;
  return false;
}

TEST(DeployPlan, HasTheStepsOfTheDesign) {
  EXPECT_THAT(ids(deploy("full", true)),
              ElementsAre("notify_started", "capture_live", "build_image", "plan_infrastructure",
                          "apply_infrastructure", "copy_image", "upload_static", "confirm_static",
                          "update_function", "publish_version", "move_alias", "switch_static",
                          "find_url", "check_health"));
  EXPECT_THAT(ids(deploy("plain", false)),
              ElementsAre("notify_started", "capture_live", "copy_image", "update_function",
                          "publish_version", "move_alias", "find_url"));
}

TEST(DeployPlan, WhatTerraformNamesWaitsForIt) {
  PlanFacts facts;
  facts.bucket_exists = false;
  facts.terraform_outputs = {{"function", "meals-as-it-is"}};
  const Plan plan = deploy("named", false, facts);
  // What is live has the name that it had; what is changed gets the one that it will have.
  EXPECT_EQ(string_or(plan.step("capture_live")->params, "function"), "meals-as-it-is");
  EXPECT_EQ(string_or(plan.step("capture_live")->params, "url.fixed"), "");
  EXPECT_EQ(string_or(plan.step("plan_infrastructure")->params, "function"), "meals-as-it-is");
  EXPECT_EQ(string_or(plan.step("update_function")->params, "function"), "{terraform.function}");
  EXPECT_EQ(string_or(plan.step("find_url")->params, "fixed"), "{terraform.url}");
  for (const auto* named : {"copy_image", "upload_static", "update_function", "publish_version",
                            "move_alias", "switch_static", "find_url", "check_health"})
    EXPECT_TRUE(comes_after(plan, named, "apply_infrastructure")) << named;
  EXPECT_FALSE(comes_after(plan, "capture_live", "apply_infrastructure"));
}

TEST(DeployPlan, SaysWhatMayBeDestroyedThisOnce) {
  PlanFacts facts;
  facts.allow_destroy = {"aws_s3_bucket.files"};
  const Plan plan = deploy("full", false, facts);
  EXPECT_EQ(json::serialize(plan.step("plan_infrastructure")->params->at("allow_destroy")),
            R"(["aws_s3_bucket.files"])");
  EXPECT_EQ(json::serialize(plan.step("plan_infrastructure")->params->at("protect")),
            R"(["default"])");
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("aws_s3_bucket.files, although it is protected")));
}

TEST(DeployPlan, CapturesBeforeAnythingIsChanged) {
  for (const auto* environment : {"full", "plain", "unqualified"}) {
    const Plan plan = deploy(environment, true);
    for (const auto* changing :
         {"apply_infrastructure", "copy_image", "update_function", "publish_version",
          "upload_static", "confirm_static", "move_alias", "switch_static"})
      if (plan.step(changing) != nullptr) {
        EXPECT_TRUE(comes_after(plan, changing, "capture_live")) << environment << " " << changing;
      }
  }
}

TEST(DeployPlan, AFailedBuildChangesNothing) {
  const Plan plan = deploy("full", true);
  for (const auto* changing : {"apply_infrastructure", "copy_image", "update_function"})
    EXPECT_TRUE(comes_after(plan, changing, "build_image")) << changing;
}

TEST(DeployPlan, TheTrafficMovesAfterTheNewFilesAreThereAndTheFixedNamesAfterTheTraffic) {
  const Plan plan = deploy("full", false);
  EXPECT_TRUE(comes_after(plan, "move_alias", "upload_static"));
  EXPECT_TRUE(comes_after(plan, "switch_static", "move_alias"));
  EXPECT_TRUE(comes_after(plan, "check_health", "switch_static"));
  const Plan unqualified = deploy("unqualified", false);
  EXPECT_EQ(unqualified.step("move_alias"), nullptr);
  EXPECT_EQ(unqualified.step("publish_version"), nullptr);
  EXPECT_TRUE(comes_after(unqualified, "update_function", "upload_static"));
  EXPECT_TRUE(comes_after(unqualified, "switch_static", "update_function"));
}

TEST(DeployPlan, TheCopyWaitsForTerraformOnlyWhenItMakesTheRepository) {
  PlanFacts facts;
  EXPECT_FALSE(comes_after(deploy("full", false, facts), "copy_image", "apply_infrastructure"));
  facts.repository_exists = false;
  EXPECT_TRUE(comes_after(deploy("full", false, facts), "copy_image", "apply_infrastructure"));
}

TEST(DeployPlan, TheUploadWaitsForTerraformOnlyWhenItMakesTheBucket) {
  PlanFacts facts;
  const Plan beside = deploy("full", false, facts);
  EXPECT_FALSE(comes_after(beside, "upload_static", "apply_infrastructure"));
  EXPECT_TRUE(comes_after(beside, "confirm_static", "apply_infrastructure"));
  for (const auto* later : {"move_alias", "switch_static"})
    EXPECT_TRUE(comes_after(beside, later, "confirm_static")) << later;
  facts.bucket_exists = false;
  const Plan after = deploy("full", false, facts);
  EXPECT_TRUE(comes_after(after, "upload_static", "apply_infrastructure"));
  EXPECT_EQ(after.step("confirm_static"), nullptr);
}

TEST(DeployPlan, TheBuildKnowsItsTagsLabelsAndArguments) {
  PlanFacts facts;
  facts.on_main_branch = true;
  facts.git_remote_url = "https://github.com/example/meals";
  const Plan plan = deploy("full", true, facts);
  const auto& params = plan.step("build_image")->params;
  EXPECT_EQ(json::serialize(*find(params, "tags")), R"(["1.4.2","sha-aaaaaaa","latest"])");
  EXPECT_EQ(string_or(params, "args.APP_VERSION"), "1.4.2");
  EXPECT_EQ(string_or(params, "args.REV"), std::string(40, 'a'));
  EXPECT_EQ(string_or(params, "args.STAGE"), "full");
  const auto& labels = find(params, "labels")->get_object();
  EXPECT_EQ(labels.at("org.opencontainers.image.version").get_string(), "1.4.2");
  EXPECT_EQ(labels.at("org.opencontainers.image.source").get_string(),
            "https://github.com/example/meals");
  EXPECT_EQ(plan.step("build_image")->stage, Stage::build);
}

TEST(DeployPlan, SaysBeforehandWhatIsNotCheckedAndNotRestored) {
  EXPECT_THAT(deploy("plain", false).warnings, Contains(HasSubstr("without `health`")));
  EXPECT_THAT(deploy("full", false).warnings, Contains(HasSubstr("Terraform")));
  EXPECT_THAT(deploy("unqualified", false).warnings, Contains(HasSubstr("$LATEST")));
}

TEST(DeployPlan, FindingTheAddressIsRequiredOnlyToAskIt) {
  EXPECT_TRUE(deploy("full", false).step("find_url")->required);
  EXPECT_FALSE(deploy("plain", false).step("find_url")->required);
}

TEST(RollbackPlan, GoesBackToTheRecordedRelease) {
  const Config made = config();
  RollbackTarget target;
  target.release = {"full", "1.4.1", "1.4.1", "v1.4.1", std::string(40, 'b')};
  target.function_version = "7";
  target.image_uri = "registry.example/meals@sha256:" + std::string(64, '0');
  target.static_manifest["digest"] = "sha256:" + std::string(64, '1');
  target.live_sha = std::string(40, 'c');
  const Plan plan = make_rollback_plan(made, **made.environment("full"), target);
  EXPECT_THAT(ids(plan), ElementsAre("notify_started", "capture_live", "restore_function",
                                     "switch_static", "find_url", "check_health"));
  EXPECT_EQ(plan.kind, DeploymentKind::rollback);
  EXPECT_EQ(string_or(plan.step("notify_started")->params, "live_sha"), target.live_sha)
      << "what it takes back is told by the commits in between";
  EXPECT_EQ(string_or(plan.step("restore_function")->params, "function_version"), "7");
  EXPECT_EQ(int_or(plan.step("check_health")->params, "attempts"), 5);
  EXPECT_EQ(string_or(plan.step("check_health")->params, "version"), "1.4.1");
  EXPECT_EQ(check_plan(plan), "");

  target.static_manifest.clear();
  const Plan without = make_rollback_plan(made, **made.environment("full"), target);
  EXPECT_EQ(without.step("switch_static"), nullptr);
  EXPECT_THAT(without.warnings, Contains(HasSubstr("static files stay as they are")));
}

TEST(PlanJson, GoesRound) {
  for (const auto* environment : {"full", "plain", "unqualified"}) {
    const json::object written = to_json(deploy(environment, true));
    const auto read = plan_from_json(written);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(json::value(to_json(*read)), json::value(written));
  }
}

TEST(PlanJson, CarriesTheLimitsAndTheCancelPolicyOfItsEnvironment) {
  Config made = config();
  made.environments[0].policy = {std::chrono::minutes(5), std::chrono::minutes(50),
                                 OnCancel::leave};
  Decision decision;
  decision.release.environment = "full";
  const Plan plan = make_deploy_plan(made, made.environments[0], decision, {});
  EXPECT_EQ(plan_from_json(to_json(plan))->policy, made.environments[0].policy);
  const Plan back = make_rollback_plan(made, made.environments[0], {});
  EXPECT_EQ(back.policy, made.environments[0].policy);
}

TEST(PlanJson, OfAnOlderPawlHasTheDefaultsForWhatItDoesNotSay) {
  json::object written = to_json(deploy("plain", false));
  for (const auto* policy :
       {R"({})", R"({"step_limit_ms": 0, "deployment_limit_ms": -7, "on_cancel": "explode"})"}) {
    written["policy"] = *parse_json_object(policy, "test");
    EXPECT_EQ(plan_from_json(written)->policy, RunPolicy{}) << policy;
  }
  written.erase("policy");
  EXPECT_EQ(plan_from_json(written)->policy, RunPolicy{});
}

TEST(PlanJson, RefusesWhatIsNoPlan) {
  for (
      const auto* text :
      {"{}", R"({"kind": "deploy"})", R"({"kind": "dance", "steps": []})",
       R"({"kind": "deploy", "steps": [1]})", R"({"kind": "deploy", "steps": [{"id": "a"}]})",
       R"({"kind": "deploy", "steps": [{"id": "a", "kind": "a", "stage": "x"}]})",
       R"({"kind": "deploy", "steps": [{"id": "a", "kind": "a", "stage": "deploy", "needs": "b"}]})",
       R"({"kind": "deploy", "steps": [{"id": "a", "kind": "a", "stage": "deploy", "needs": ["b"]}]})"}) {
    const auto read = plan_from_json(*parse_json_object(text, "test"));
    EXPECT_FALSE(read.ok()) << text;
  }
}

PlanStep step(std::string id, std::vector<std::string> needs) {
  PlanStep made;
  made.id = made.kind = std::move(id);
  made.needs = std::move(needs);
  return made;
}

TEST(CheckPlan, SaysWhatIsWrong) {
  const auto check = [](std::vector<PlanStep> steps) {
    Plan plan;
    plan.steps = std::move(steps);
    return check_plan(plan);
  };
  EXPECT_EQ(check({}), "");
  EXPECT_EQ(check({step("a", {}), step("b", {"a"})}), "");
  EXPECT_EQ(check({step("a", {}), step("a", {})}), "two steps are called a");
  EXPECT_EQ(check({step("a", {"b"})}), "step a needs b, which is not in the plan");
  EXPECT_EQ(check({step("a", {"b"}), step("b", {})}), "a step stands before one that it needs");
  EXPECT_EQ(check({step("a", {"b"}), step("b", {"a"})}), "some steps need each other in a circle");
  EXPECT_EQ(check({step("a", {"a"})}), "some steps need each other in a circle");
  EXPECT_EQ(check({step("", {})}), "a step has no id");
}

TEST(HealthJson, GoesRound) {
  HealthSettings settings;
  settings.path = "/up";
  settings.attempts = 3;
  settings.max_wait = std::chrono::milliseconds(250);
  settings.passes = 2;
  settings.version_header = "X-V";
  settings.expect_json = {{"a.b", "ok"}};
  EXPECT_EQ(health_from_json(to_json(settings)), settings);
}

TEST(Backoff, DoublesUpToTheLongestWait) {
  using std::chrono::milliseconds;
  const milliseconds longest(60'000);
  std::vector<int64_t> seconds;
  for (int attempt = 1; attempt <= 8; ++attempt)
    seconds.push_back(health_wait(attempt, longest).count() / 1000);
  EXPECT_THAT(seconds, ElementsAre(1, 2, 4, 8, 16, 32, 60, 60));
  EXPECT_EQ(health_wait(1'000'000, longest), longest);
  EXPECT_EQ(health_wait(0, longest), milliseconds(1000));
  EXPECT_EQ(health_wait(3, milliseconds(0)), milliseconds(0));
  EXPECT_EQ(health_wait(3, milliseconds(-5)), milliseconds(0));
}

}  // namespace
}  // namespace pawl
