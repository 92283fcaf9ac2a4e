// What is run when, with a Terraform that does what the test says.
#include "terraform/terraform.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "support/fake_processes.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

using test::FakeProcesses;
using test::run_now;
using test::TempFolder;

constexpr const char* kNeedsInit =
    R"({"type":"diagnostic","diagnostic":{"severity":"error","summary":"Backend initialization required, please run \"terraform init\"","detail":""}})"
    "\n";
constexpr const char* kSummary =
    R"({"type":"change_summary","@message":"Plan: 1 to add","changes":{"add":1,"change":0,"remove":0}})"
    "\n";

class TerraformRuns : public testing::Test {
 protected:
  TerraformRuns() {
    folder_.write("terraform/main.tf", "terraform {}\n");
    folder_.write("terraform/backend.template", "bucket = \"b-${AWS_ACCOUNT_ID}\"\n");
    options_.directory = folder_.path().string();
    options_.scratch_dir = folder_ / ".pawl/terraform";
    request_.settings.dir = "terraform";
    request_.settings.backend = "backend.template";
    request_.settings.var_files = {"dev.tfvars"};
    request_.environment = "dev";
    request_.region = "us-east-1";
    request_.account_id = "123456789012";
    request_.plan_file = ".pawl/plans/d1.tfplan";
    request_.function = "meals-dev";
    request_.alias = "live";
  }

  void plan_has(const std::string& content, int code = 2, int times = 1'000) {
    processes_.answer({" plan "}, {code, kSummary, ""}, times, [content](const Command& command) {
      for (const auto& word : command.argv)
        if (word.rfind("-out=", 0) == 0) std::ofstream(word.substr(5)) << content;
    });
    processes_.answer({" show "}, {0, "{}", ""});
  }

  Result<InfrastructurePlan> plan() {
    auto terraform = make_terraform(processes_, options_);
    return run_now(terraform->plan(request_, log()));
  }
  Result<void> apply(const std::string& sha256) {
    auto terraform = make_terraform(processes_, options_);
    return run_now(terraform->apply(request_, sha256, log()));
  }
  LogLine log() {
    return [this](std::string_view line) { log_ += std::string(line) + "\n"; };
  }
  std::string plan_file() const { return folder_ / ".pawl/plans/d1.tfplan"; }

  TempFolder folder_;
  FakeProcesses processes_;
  TerraformOptions options_;
  InfrastructureRequest request_;
  std::string log_;
};

TEST_F(TerraformRuns, SavesAPlanThatOnlyItsOwnerCanRead) {
  plan_has("a plan");
  const auto planned = plan();
  ASSERT_TRUE(planned.ok()) << planned.error().message();
  EXPECT_TRUE(planned->has_changes);
  EXPECT_EQ(planned->to_add, 1);
  EXPECT_EQ(planned->plan_sha256, sha256_hex("a plan"));
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(plan_file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto command = processes_.with({" plan "}).at(0);
  EXPECT_EQ(command.directory, folder_ / "terraform");
  EXPECT_NE(FakeProcesses::line_of(command).find("-var-file=dev.tfvars"), std::string::npos);
}

TEST_F(TerraformRuns, KeepsNoPlanThatChangesNothing) {
  plan_has("a plan", 0);
  const auto planned = plan();
  ASSERT_TRUE(planned.ok());
  EXPECT_FALSE(planned->has_changes);
  EXPECT_FALSE(std::filesystem::exists(plan_file()));
  EXPECT_TRUE(processes_.with({" show "}).empty());
}

TEST_F(TerraformRuns, InitialisesOnceForTheSameBackend) {
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  ASSERT_TRUE(plan().ok());
  ASSERT_EQ(processes_.with({" init "}).size(), 1u);
  const auto line = FakeProcesses::line_of(processes_.with({" init "})[0]);
  const auto at = line.find("-backend-config=");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(TempFolder::read(line.substr(at + 16)), "bucket = \"b-123456789012\"\n");
}

TEST_F(TerraformRuns, InitialisesAgainWhenTheTreeOrTheBackendChanged) {
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  folder_.write("terraform/main.tf", "terraform { }\n");
  ASSERT_TRUE(plan().ok());
  EXPECT_EQ(processes_.with({" init "}).size(), 2u);
  request_.account_id = "210987654321";
  ASSERT_TRUE(plan().ok());
  EXPECT_EQ(processes_.with({" init "}).size(), 3u);
}

TEST_F(TerraformRuns, KeepsEnvironmentsApart) {
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  request_.environment = "prod";
  ASSERT_TRUE(plan().ok());
  request_.environment = "dev";
  ASSERT_TRUE(plan().ok());
  EXPECT_EQ(processes_.with({" init "}).size(), 2u);
  const auto plans = processes_.with({" plan "});
  ASSERT_EQ(plans.size(), 3u);
  EXPECT_NE(plans[0].environment.at("TF_DATA_DIR"), plans[1].environment.at("TF_DATA_DIR"));
  EXPECT_EQ(plans[0].environment.at("TF_DATA_DIR"), plans[2].environment.at("TF_DATA_DIR"));
}

TEST_F(TerraformRuns, InitialisesOnceMoreWhenTerraformAsksForIt) {
  processes_.answer({" plan "}, {1, kNeedsInit, ""}, 1);
  plan_has("a plan");
  const auto planned = plan();
  ASSERT_TRUE(planned.ok()) << planned.error().message();
  EXPECT_EQ(processes_.with({" init "}).size(), 2u);
  EXPECT_EQ(processes_.with({" plan "}).size(), 2u);
}

TEST_F(TerraformRuns, GivesUpWhenTerraformAsksForInitAgain) {
  processes_.answer({" plan "}, {1, kNeedsInit, ""});
  const auto planned = plan();
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(processes_.with({" plan "}).size(), 2u);
}

TEST_F(TerraformRuns, AnInitThatFailedIsDoneAgainTheNextTime) {
  processes_.answer({" init "}, {1, "", "Error: Failed to get existing workspaces\n"}, 1);
  plan_has("a plan");
  const auto failed = plan();
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().what(), "`terraform init` failed: Failed to get existing workspaces");
  EXPECT_TRUE(plan().ok());
}

TEST_F(TerraformRuns, RefusesAPlanThatWouldTakeItsWorkBack) {
  processes_.answer(
      {" show "},
      {0,
       R"({"resource_changes":[{"type":"aws_lambda_function","name":"app","address":"a",)"
       R"("change":{"actions":["update"],"before":{"function_name":"meals-dev","image_uri":"x"},)"
       R"("after":{"function_name":"meals-dev","image_uri":"y"}}}]})",
       ""});
  plan_has("a plan");
  const auto planned = plan();
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(planned.error().kind(), ErrorKind::refused);
  EXPECT_FALSE(std::filesystem::exists(plan_file()));
}

TEST_F(TerraformRuns, AppliesThePlanThatWasMadeAndForgetsIt) {
  plan_has("a plan");
  const auto planned = plan();
  ASSERT_TRUE(planned.ok());
  ASSERT_TRUE(apply(planned->plan_sha256).ok());
  ASSERT_EQ(processes_.with({" apply "}).size(), 1u);
  EXPECT_EQ(processes_.with({" apply "})[0].argv.back(), plan_file());
  EXPECT_FALSE(std::filesystem::exists(plan_file()));
}

TEST_F(TerraformRuns, AppliesNoOtherPlan) {
  plan_has("a plan");
  const auto planned = plan();
  std::ofstream(plan_file()) << "another plan";
  const auto other = apply(planned->plan_sha256);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().kind(), ErrorKind::conflict);
  std::filesystem::remove(plan_file());
  const auto gone = apply(planned->plan_sha256);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().kind(), ErrorKind::conflict);
  EXPECT_TRUE(processes_.with({" apply "}).empty());
}

TEST_F(TerraformRuns, KeepsThePlanOnlyWhenTheLockWasTaken) {
  plan_has("a plan");
  processes_.answer({" apply "}, {1, "", "Error acquiring the state lock\n Who: ana@laptop\n"}, 1);
  processes_.answer({" apply "}, {1, "", "Error: creating the role: LimitExceeded\n"}, 1);
  const auto planned = plan();
  const auto locked = apply(planned->plan_sha256);
  ASSERT_FALSE(locked.ok());
  EXPECT_EQ(locked.error().kind(), ErrorKind::conflict);
  EXPECT_NE(locked.error().what().find("locked by ana@laptop"), std::string::npos);
  const auto failed = apply(planned->plan_sha256);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind(), ErrorKind::failed);
  EXPECT_FALSE(std::filesystem::exists(plan_file()));
}

constexpr const char* kLockedByAna =
    R"({"type":"diagnostic","@message":"Error: Error acquiring the state lock","diagnostic":)"
    R"({"severity":"error","summary":"Error acquiring the state lock","detail":)"
    R"("PreconditionFailed\nLock Info:\n  ID:        0f2b\n  Operation: OperationTypeApply\n)"
    R"(  Who:       ana@laptop\n  Created:   2026-11-24 10:00:00 UTC\n"}})"
    "\n";

TEST_F(TerraformRuns, NamesWhoHoldsTheLockOnceAndWaitsForThem) {
  request_.lock_wait = std::chrono::minutes(10);
  processes_.answer({" plan "}, {1, kLockedByAna, ""}, 3);
  plan_has("a plan");
  const auto planned = plan();
  ASSERT_TRUE(planned.ok()) << planned.error().message();
  const std::string told =
      "`terraform plan` cannot go on: the state is locked by ana@laptop (apply, since 2026-11-24 "
      "10:00:00 UTC, lock 0f2b); waiting for it, at most 10 min 0 s\n";
  EXPECT_NE(log_.find(told), std::string::npos) << log_;
  EXPECT_EQ(log_.find("ana@laptop"), log_.rfind("ana@laptop"));
  // The first look tells at once who it is; Terraform itself does the waiting.
  const auto plans = processes_.with({" plan "});
  ASSERT_EQ(plans.size(), 4u);
  EXPECT_NE(FakeProcesses::line_of(plans[0]).find(" -lock-timeout=0s "), std::string::npos);
  EXPECT_NE(FakeProcesses::line_of(plans[3]).find(" -lock-timeout=60s "), std::string::npos);
}

TEST_F(TerraformRuns, WaitsForALockNoLongerThanItMay) {
  request_.lock_wait = std::chrono::seconds(90);
  processes_.answer({" plan "}, {1, kLockedByAna, ""});
  const auto planned = plan();
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(planned.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(planned.error().message().rfind("while waiting 1 min 30 s for the state's lock: ", 0),
            0u)
      << planned.error().message();
  EXPECT_NE(planned.error().what().find("locked by ana@laptop"), std::string::npos);
  ASSERT_EQ(processes_.with({" plan "}).size(), 3u);
  EXPECT_EQ(processes_.with({" -lock-timeout=30s "}).size(), 1u);
}

TEST_F(TerraformRuns, DoesNotWaitWhereTheLockMayNotBeTakenAtAll) {
  request_.lock_wait = std::chrono::minutes(10);
  processes_.answer({" plan "},
                    {1, "", "Error: Error acquiring the state lock: api error AccessDenied\n"});
  const auto planned = plan();
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(planned.error().kind(), ErrorKind::denied);
  EXPECT_EQ(processes_.with({" plan "}).size(), 1u);
}

TEST_F(TerraformRuns, GivesNoSecretOfAPlanAway) {
  processes_.answer({" show "},
                    {0,
                     R"({"configuration":{"root_module":{"variables":{"pw":)"
                     R"({"sensitive":true}}}},"variables":{"pw":{"value":"hunter22"}}})",
                     ""});
  plan_has("a plan");
  processes_.answer(
      {" apply "},
      {1,
       R"({"type":"diagnostic","@message":"Error: hunter22 is too short","diagnostic":)"
       R"({"severity":"error","summary":"hunter22 is too short","detail":""}})"
       "\nplain hunter22\n",
       ""});
  const auto planned = plan();
  ASSERT_TRUE(planned.ok());
  const auto applied = apply(planned->plan_sha256);
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().what(), "`terraform apply` failed: (sensitive) is too short");
  EXPECT_NE(log_.find("plain (sensitive)"), std::string::npos);
  EXPECT_EQ(log_.find("hunter22"), std::string::npos);
}

TEST_F(TerraformRuns, LetsNoVariableOfAShellDecide) {
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  for (const auto& command : processes_.commands)
    EXPECT_EQ(command.unset, (std::vector<std::string>{"TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER",
                                                       "TF_WORKSPACE"}));
}

TEST_F(TerraformRuns, GivesEachCommandFreshCredentials) {
  int asked = 0;
  options_.credentials = [&asked]() -> Task<Result<std::map<std::string, std::string>>> {
    std::map<std::string, std::string> variables{{"AWS_ACCESS_KEY_ID", std::to_string(++asked)}};
    co_return variables;
  };
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  EXPECT_EQ(processes_.with({" init "})[0].environment.at("AWS_ACCESS_KEY_ID"), "1");
  EXPECT_EQ(processes_.with({" plan "})[0].environment.at("AWS_ACCESS_KEY_ID"), "2");
}

TEST_F(TerraformRuns, ForgetsPlansThatDeadProcessesLeft) {
  const std::string stale = folder_.write(".pawl/plans/d0.tfplan", "secrets");
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(plan_file()));
  make_terraform(processes_, options_)->discard(request_.plan_file);
  EXPECT_FALSE(std::filesystem::exists(plan_file()));
}

TEST_F(TerraformRuns, KeepsProvidersOnceForAllEnvironments) {
  options_.plugin_cache = folder_ / "plugins";
  options_.owns_plugin_cache = true;
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  EXPECT_EQ(processes_.with({" init "})[0].environment.at("TF_PLUGIN_CACHE_DIR"),
            options_.plugin_cache);
}

TEST_F(TerraformRuns, ChoosesTheWorkspaceWithTheInit) {
  request_.settings.workspace = "blue";
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  ASSERT_TRUE(plan().ok());
  ASSERT_EQ(processes_.with({" workspace select -no-color -or-create blue"}).size(), 1u);
  request_.settings.workspace = "green";
  ASSERT_TRUE(plan().ok());
  EXPECT_EQ(processes_.with({" workspace select -no-color -or-create green"}).size(), 1u);
}

TEST_F(TerraformRuns, RunsOpenTofuByTheSameCode) {
  request_.settings.binary = "tofu";
  plan_has("a plan");
  ASSERT_TRUE(plan().ok());
  for (const auto& command : processes_.commands) EXPECT_EQ(command.argv[0], "tofu");
  request_.settings.binary = "bin/tofu";
  processes_.answer({" output "}, {1, "", "Error: no state\n"});
  auto terraform = make_terraform(processes_, options_);
  const auto outputs = run_now(terraform->outputs(request_));
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().what(), "`tofu output` failed: no state");
  EXPECT_EQ(processes_.commands.back().argv[0], folder_ / "bin/tofu");
}

TEST_F(TerraformRuns, ReadsOutputsThatAreNoSecrets) {
  processes_.answer({" output "},
                    {0,
                     R"({"url":{"sensitive":false,"type":"string","value":"https://x"},)"
                     R"("password":{"sensitive":true,"type":"string","value":"hunter2"}})",
                     ""});
  auto terraform = make_terraform(processes_, options_);
  const auto outputs = run_now(terraform->outputs(request_));
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(json::serialize(*outputs), R"({"url":"https://x"})");
}

TEST_F(TerraformRuns, NamesWhatIsMissingInTheTree) {
  request_.settings.backend = "missing.template";
  const auto no_template = plan();
  ASSERT_FALSE(no_template.ok());
  EXPECT_EQ(no_template.error().kind(), ErrorKind::config);
  EXPECT_NE(no_template.error().message().find("terraform/missing.template"), std::string::npos);
  request_.settings = {};
  request_.settings.dir = "missing";
  const auto no_tree = plan();
  ASSERT_FALSE(no_tree.ok());
  EXPECT_EQ(no_tree.error().kind(), ErrorKind::config);
  EXPECT_TRUE(processes_.commands.empty());
}

}  // namespace
}  // namespace pawl
