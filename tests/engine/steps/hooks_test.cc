// run_hook: what is called, with which key, what its answers mean, and when it is called again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/secret.h"
#include "core/hooks.h"
#include "engine/steps/step_world.h"

namespace pawl::fakes {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Error lost() {
  return Error(ErrorKind::timeout, "no answer came").with_outcome_unknown();
}

FunctionAnswer failed(const std::string& message, const std::string& log = "") {
  return {"{\"errorType\": \"MigrationError\", \"errorMessage\": \"" + message + "\"}", "Unhandled",
          "2", log};
}

std::string member(const FunctionCall& call, std::string_view name) {
  return string_or(*parse_json_object(call.payload, "the payload"), name);
}

class Hooks : public testing::Test {
 protected:
  void SetUp() override {
    world.old_release_is_live();
    world.health.urls["meals-hooked"] = "https://meals.example";
    world.answers("1.4.2");
  }
  /// Of one environment, with `setting` put into the hook `migrate`.
  void plan(const std::string& more = "") {
    auto text = std::string(kConfigText);
    const std::string hook = "{name: migrate, when: before_traffic, ";
    text.insert(text.find(hook) + hook.size(), more);
    auto parsed = parse_config(text, "pawl.yaml");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    world.config = *parsed;
    world.plan_deployment("hooked");
  }
  Result<json::object> until(const std::string& step) { return world.run_until(step); }

  StepWorld world;
};

TEST_F(Hooks, TheNewVersionIsCalledBeforeTheAliasMovesWithAKeyInThePayload) {
  plan();
  const auto done = until("hook_migrate");
  ASSERT_TRUE(done.ok()) << done.error().message();
  ASSERT_THAT(world.calls.calls, SizeIs(1));
  const FunctionCall& call = world.calls.calls[0];
  EXPECT_EQ(call.function, "meals-dev");
  EXPECT_EQ(call.qualifier, "2");
  EXPECT_EQ(member(call, "op"), "migrate");
  EXPECT_THAT(member(call, "idempotency_key"), SizeIs(32));
  EXPECT_EQ(call.timeout, std::chrono::minutes(5));
  EXPECT_EQ(world.alias().version, "1");
  EXPECT_EQ(string_or(*done, "function_version"), "2");
}

TEST_F(Hooks, OneAfterTheTrafficComesAfterTheCheckAndIsFollowedByAnother) {
  plan();
  ASSERT_TRUE(until("check_health_again").ok());
  ASSERT_THAT(world.calls.calls, SizeIs(2));
  EXPECT_EQ(member(world.calls.calls[1], "op"), "warm");
  EXPECT_EQ(world.calls.calls[1].timeout, std::chrono::seconds(20));
  const auto& needs = world.deployment.plan->step("hook_warm")->needs;
  EXPECT_THAT(needs, Contains("check_health"));
}

TEST_F(Hooks, TheKeyIsTheReleasesForWhatCannotBeUndoneAndTheDeploymentsForTheRest) {
  plan();
  ASSERT_TRUE(until("hook_warm").ok());
  Deployment again = world.deployment;
  again.id = "d-2";
  const auto of = [&](const Deployment& deployment, const std::string& name) {
    const auto hook = hook_from_json(deployment.plan->step(hook_step_id(name))->params);
    return hook_key(deployment, hook, digest("new"));
  };
  EXPECT_EQ(of(world.deployment, "migrate"), member(world.calls.calls[0], "idempotency_key"));
  EXPECT_EQ(of(world.deployment, "migrate"), of(again, "migrate"));
  EXPECT_NE(of(world.deployment, "warm"), of(again, "warm"));
  again.release.version = "1.5.0";
  EXPECT_NE(of(world.deployment, "migrate"), of(again, "migrate"));
}

TEST_F(Hooks, AFunctionsErrorIsShownWithWhatItPrintedAndWithoutSecrets) {
  register_for_redaction("hunter2-hunter2");
  plan();
  world.calls.answers.push_back(failed("relation exists (hunter2-hunter2)",
                                       "START RequestId: 1\nconnecting as hunter2-hunter2\n"
                                       "ALTER TABLE dishes\nREPORT RequestId: 1\n"));
  const auto done = until("hook_migrate");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().message(),
            "the hook migrate failed (Unhandled): MigrationError: relation exists (***); it "
            "printed last: connecting as *** / ALTER TABLE dishes");
  EXPECT_FALSE(done.error().outcome_unknown());
  EXPECT_THAT(world.log, Contains("  ALTER TABLE dishes"));
  EXPECT_THAT(world.log, Not(Contains(HasSubstr("hunter2"))));
  EXPECT_THAT(world.calls.calls, SizeIs(1));
  EXPECT_EQ(world.deployment.step("hook_migrate")->try_effect, kEffectPart);
}

// Lambda gives the last 4 KB, which may begin anywhere.
TEST_F(Hooks, ASecretThatTheEndOfTheLogCutsInTwoIsNotShown) {
  register_for_redaction("correct-horse-battery-staple");
  plan();
  const std::string log = "battery-staple\n" + std::string(4096 - 15 - 5, 'x') + "\nlast";
  world.calls.answers.push_back(failed("no", log));
  EXPECT_FALSE(until("hook_migrate").ok());
  EXPECT_THAT(world.log, Contains("  ***"));
  EXPECT_THAT(world.log, Not(Contains(HasSubstr("battery"))));
}

// Which of a function's variables are secrets is known only when they were read, by this process.
TEST_F(Hooks, WhatAFunctionSaysIsWithheldWhereItsVariablesCannotBeRead) {
  plan();
  ASSERT_TRUE(until("publish_version").ok());
  world.functions.faults.fail("get", Error(ErrorKind::denied, "not authorized"));
  world.calls.answers.push_back(failed("password is tr0ub4dor", "connecting with tr0ub4dor\n"));
  const auto done = world.run_step("hook_migrate");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().message(),
            "the hook migrate failed (Unhandled); its words are not shown, since its variables "
            "could not be read");
  EXPECT_THAT(world.log, Contains(HasSubstr("grant lambda:GetFunction")));
  EXPECT_THAT(world.log, Not(Contains(HasSubstr("tr0ub4dor"))));
}

TEST_F(Hooks, AnAnswerThatIsNotTheExpectedOneIsAFailure) {
  const struct {
    const char* payload;
    const char* says;
  } kAnswers[] = {
      {"{\"done\": false}", "'done' is false (expected true)"},
      {"{\"statusCode\": 500, \"done\": true}", "statusCode is 500"},
      {"{}", "'done' is missing in the body"},
      {"", "the body is not JSON"},
  };
  for (const auto& [payload, says] : kAnswers) {
    StepWorld fresh;
    fresh.old_release_is_live();
    fresh.health.urls["meals-hooked"] = "https://meals.example";
    fresh.plan_deployment("hooked");
    fresh.calls.answers.push_back(FunctionAnswer{payload, "", "2", ""});
    const auto done = fresh.run_until("hook_migrate");
    ASSERT_FALSE(done.ok()) << payload;
    EXPECT_THAT(done.error().message(), HasSubstr(says));
  }
}

TEST_F(Hooks, WhatWasRefusedBeforeTheFunctionRanIsCalledAgainWithTheSameKey) {
  plan();
  world.calls.answers.push_back(Error(ErrorKind::throttled, "Rate exceeded"));
  world.calls.answers.push_back(
      Error(ErrorKind::conflict, "Pending").with_code("ResourceConflictException"));
  ASSERT_TRUE(until("hook_migrate").ok());
  ASSERT_THAT(world.calls.calls, SizeIs(3));
  EXPECT_EQ(world.calls.calls[0].payload, world.calls.calls[2].payload);
}

TEST_F(Hooks, WhatIsRefusedForGoodIsNotCalledAgain) {
  plan();
  world.calls.answers.push_back(
      Error(ErrorKind::denied, "not authorized to perform: InvokeFunction"));
  const auto done = until("hook_migrate");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind(), ErrorKind::denied);
  EXPECT_THAT(done.error().message(), HasSubstr("was not called: not authorized"));
  EXPECT_THAT(world.calls.calls, SizeIs(1));
  EXPECT_EQ(world.deployment.step("hook_migrate")->try_effect, kEffectNone);
}

TEST_F(Hooks, AnOutcomeThatIsNotKnownIsLeftToAPerson) {
  plan();
  world.calls.answers.push_back(lost());
  const auto done = until("hook_migrate");
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(done.error().outcome_unknown());
  EXPECT_THAT(done.error().message(),
              HasSubstr("whether the hook migrate did its work is not known"));
  EXPECT_THAT(done.error().hint(), HasSubstr("--hook migrate=ran"));
  EXPECT_THAT(world.calls.calls, SizeIs(1));
}

TEST_F(Hooks, OneThatMayBeCalledTwiceIsAskedAgainWithTheSameKey) {
  plan("idempotent: true, ");
  world.calls.answers.push_back(lost());
  world.calls.answers.push_back(lost());
  ASSERT_TRUE(until("hook_migrate").ok());
  ASSERT_THAT(world.calls.calls, SizeIs(3));
  EXPECT_EQ(world.calls.calls[0].payload, world.calls.calls[2].payload);
}

TEST_F(Hooks, ACallThatIsRefusedTellsNothingOfTheOneBeforeIt) {
  plan("idempotent: true, ");
  world.calls.answers.push_back(lost());
  world.calls.answers.push_back(Error(ErrorKind::denied, "no longer"));
  const auto done = until("hook_migrate");
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(done.error().outcome_unknown());
  EXPECT_EQ(world.deployment.step("hook_migrate")->try_effect, kEffectUnknown);
}

TEST_F(Hooks, AFailureIsRepeatedAsOftenAsTheHookSays) {
  plan("idempotent: true, retries: 2, ");
  for (int i = 0; i < 3; ++i) world.calls.answers.push_back(failed("no connection"));
  EXPECT_FALSE(until("hook_migrate").ok());
  EXPECT_THAT(world.calls.calls, SizeIs(3));
}

TEST_F(Hooks, AfterACrashInTheCallItIsNotCalledBlindly) {
  plan();
  ASSERT_TRUE(until("publish_version").ok());
  // The process dies while the function runs: its last word is that it called.
  world.journal(EventType::step_started, "hook_migrate", {});
  world.journal(EventType::step_attempt, "hook_migrate",
                {{"number", 1}, {"effect", kEffectUnknown}});
  const auto done = world.run_step("hook_migrate");
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(done.error().outcome_unknown());
  EXPECT_THAT(world.calls.calls, IsEmpty());
}

TEST_F(Hooks, WhatWasAnsweredBeforeACrashIsNotCalledAgain) {
  plan();
  ASSERT_TRUE(until("publish_version").ok());
  world.crash_in("hook_migrate");
  ASSERT_TRUE(world.run_step("hook_migrate").ok());
  EXPECT_THAT(world.calls.calls, SizeIs(1));
}

TEST_F(Hooks, AnAliasThatSomebodyMovedStopsAHookThatCannotBeUndone) {
  plan();
  ASSERT_TRUE(until("publish_version").ok());
  world.alias().version = "9";
  const auto done = until("hook_migrate");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind(), ErrorKind::conflict);
  EXPECT_THAT(world.calls.calls, IsEmpty());
}

// The first deployment of an environment: at its capture there was nothing yet.
TEST_F(Hooks, AnAliasThatTerraformMadeInThisDeploymentStopsNoHook) {
  for (const bool is_terraforms : {true, false}) {
    StepWorld fresh;
    auto text = std::string(kConfigText);
    const std::string environment = "  hooked:\n";
    text.insert(text.find(environment) + environment.size(),
                "    infrastructure: {terraform: {dir: terraform, backend: backend.tpl}}\n");
    auto parsed = parse_config(text, "pawl.yaml");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    fresh.config = *parsed;
    fresh.infrastructure.on_apply = [&fresh, is_terraforms] {
      fresh.functions.add("meals-dev", StepWorld::old_image());
      fresh.functions.publish_and_point("meals-dev", "live");
      auto& description = fresh.functions.functions["meals-dev"].aliases["live"].description;
      description = is_terraforms ? "" : "meals 1.4.0 (bbbbbbb), pawl deployment d-9, token 7";
    };
    fresh.health.urls["meals-hooked"] = "https://meals.example";
    fresh.plan_deployment("hooked");
    ASSERT_TRUE(fresh.run_until("publish_version").ok());
    const auto done = fresh.run_until("hook_migrate");
    EXPECT_EQ(done.ok(), is_terraforms);
    EXPECT_EQ(fresh.calls.calls.size(), is_terraforms ? 1u : 0u);
  }
}

TEST_F(Hooks, WhatRanForThisReleaseBeforeIsNotCalledAgain) {
  world.facts.hook_runs["migrate"] = {"d-0", true};
  plan();
  const auto done = until("hook_migrate");
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(string_or(*done, "ran_in"), "d-0");
  EXPECT_THAT(world.calls.calls, IsEmpty());
}

TEST_F(Hooks, ItsUndoIsCalledWithItsOwnPayloadAndKey) {
  plan();
  ASSERT_TRUE(until("hook_warm").ok());
  ASSERT_TRUE(world.undo_step("hook_warm").ok());
  ASSERT_THAT(world.calls.calls, SizeIs(3));
  EXPECT_EQ(member(world.calls.calls[2], "op"), "cool");
  EXPECT_EQ(member(world.calls.calls[2], "idempotency_key"),
            "undo-" + member(world.calls.calls[1], "idempotency_key"));
}

TEST_F(Hooks, WhatWasNeverCalledIsNotUndone) {
  plan();
  ASSERT_TRUE(until("check_health").ok());
  world.calls.answers.push_back(Error(ErrorKind::denied, "no"));
  ASSERT_FALSE(world.run_step("hook_warm").ok());
  const size_t calls = world.calls.calls.size();
  ASSERT_TRUE(world.undo_step("hook_warm").ok());
  EXPECT_THAT(world.calls.calls, SizeIs(calls));
}

TEST_F(Hooks, PastTheMoveOfTheAliasThereIsNoWayBack) {
  plan();
  ASSERT_TRUE(until("hook_migrate").ok());
  const Plan& p = *world.deployment.plan;
  EXPECT_EQ(past_the_point_of_no_return(p, world.deployment), "");
  EXPECT_THAT(p.warnings, Contains(AllOf(HasSubstr("point of no return"), HasSubstr("hook_migrate"),
                                         HasSubstr("move_alias"))));
  ASSERT_TRUE(until("move_alias").ok());
  EXPECT_THAT(past_the_point_of_no_return(p, world.deployment),
              HasSubstr("the hook migrate has run, has no undo"));
}

TEST_F(Hooks, WhatThePreviousReleaseCanReadBarsNothing) {
  plan("compatible_with: previous, ");
  ASSERT_TRUE(until("move_alias").ok());
  EXPECT_EQ(past_the_point_of_no_return(*world.deployment.plan, world.deployment), "");
  EXPECT_THAT(world.deployment.plan->warnings, Not(Contains(HasSubstr("point of no return"))));
}

}  // namespace
}  // namespace pawl::fakes
