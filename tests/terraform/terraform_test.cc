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
    request_.settings = {"terraform", "backend.template", {"dev.tfvars"}};
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
    return run_now(terraform->plan(request_, {}));
  }
  Result<void> apply(const std::string& sha256) {
    auto terraform = make_terraform(processes_, options_);
    return run_now(terraform->apply(request_, sha256, {}));
  }
  std::string plan_file() const { return folder_ / ".pawl/plans/d1.tfplan"; }

  TempFolder folder_;
  FakeProcesses processes_;
  TerraformOptions options_;
  InfrastructureRequest request_;
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
  request_.settings = {"missing", "", {}};
  const auto no_tree = plan();
  ASSERT_FALSE(no_tree.ok());
  EXPECT_EQ(no_tree.error().kind(), ErrorKind::config);
  EXPECT_TRUE(processes_.commands.empty());
}

}  // namespace
}  // namespace pawl
