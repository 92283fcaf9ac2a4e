// The adapter with the real Terraform, the real AWS provider and the real S3 backend, against an
// AWS that checks signatures. Skipped where terraform, its provider or moto is not found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/loop.h"
#include "support/server_process.h"
#include "support/temp_folder.h"
#include "terraform/provider_mirror.h"
#include "terraform/terraform.h"

namespace pawl {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kPassword = "a-password-for-nobody-to-see";

constexpr const char* kTree = R"(
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
  backend "s3" {}
}
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
}
variable "name" { type = string }
variable "days" { type = number }
variable "password" {
  type      = string
  sensitive = true
}
resource "aws_cloudwatch_log_group" "app" {
  name              = "/pawl/${var.name}"
  retention_in_days = var.days
}
resource "aws_ssm_parameter" "password" {
  name  = "/pawl/${var.name}/password"
  type  = "String"
  value = var.password
}
output "log_group" { value = aws_cloudwatch_log_group.app.name }
output "days" { value = var.days }
output "password" {
  value     = var.password
  sensitive = true
}
)";

constexpr const char* kTakenName = R"(
resource "aws_ecr_repository" "taken" {
  name       = "contract-lambda"
  depends_on = [aws_ssm_parameter.password]
}
)";

// Hangs between two resources, until a file says that it may go on.
constexpr const char* kHangs = R"(
resource "terraform_data" "slow" {
  depends_on = [aws_cloudwatch_log_group.app]
  provisioner "local-exec" {
    command = "test -e go && exit 0; touch started; exec sleep 100"
  }
}
resource "aws_cloudwatch_log_group" "after" {
  name       = "/pawl/${var.name}/after"
  depends_on = [terraform_data.slow]
}
)";

constexpr const char* kBackend = R"(bucket                      = "contract-assets"
key                         = "${AWS_ACCOUNT_ID}/tree.tfstate"
region                      = "${AWS_REGION}"
use_lockfile                = true
use_path_style              = true
skip_credentials_validation = true
skip_metadata_api_check     = true
skip_requesting_account_id  = true
skip_region_validation      = true
)";

class TerraformContract : public testing::Test {
 protected:
  void SetUp() override {
    if (!find_program("terraform")) GTEST_SKIP() << "terraform is not installed";
    const auto mirror = test::aws_provider_mirror();
    if (!mirror)
      GTEST_SKIP() << "no mirror of Terraform's AWS provider (PAWL_TEST_TERRAFORM_MIRROR)";
    const std::string url = string_or(moto().ready(), "url");
    if (url.empty()) GTEST_SKIP() << "python3 with moto is not here";
    options_.directory = folder_.path().string();
    options_.scratch_dir = folder_ / ".pawl/terraform";
    options_.plugin_cache = folder_ / ".pawl/terraform/plugins";
    options_.owns_plugin_cache = true;
    options_.clock = &loop_.clock();
    options_.environment = {
        {"TF_CLI_CONFIG_FILE", folder_.write("terraform.rc", test::cli_config_for(*mirror))},
        {"AWS_ENDPOINT_URL", url},
        {"AWS_ACCESS_KEY_ID", string_or(moto().ready(), "key")},
        {"AWS_SECRET_ACCESS_KEY", string_or(moto().ready(), "secret")},
        {"AWS_REGION", "us-east-1"},
        {"AWS_EC2_METADATA_DISABLED", "true"}};
    folder_.write("tree/main.tf", kTree);
    folder_.write("tree/backend.template", kBackend);
    set_days(7);
    request_.settings.dir = "tree";
    request_.settings.backend = "backend.template";
    request_.settings.var_files = {"dev.tfvars"};
    request_.environment = "dev";
    request_.region = "us-east-1";
    request_.account_id = "123456789012";
    request_.plan_file = ".pawl/plans/d1.tfplan";
    request_.function = "meals-dev";
  }
  void TearDown() override {
    const std::string secret = string_or(moto().ready(), "secret", kPassword);
    EXPECT_THAT(log_, Not(HasSubstr(kPassword)));
    EXPECT_THAT(log_, Not(HasSubstr(secret)));
  }

  static const test::ServerProcess& moto() {
    static const test::ServerProcess server(
        {"python3", std::string(PAWL_SOURCE_DIR) + "/tests/aws/signed_moto.py"});
    return server;
  }
  void set_days(int days) {
    folder_.write("tree/dev.tfvars", "name = \"meals\"\ndays = " + std::to_string(days) +
                                         "\npassword = \"" + kPassword + "\"\n");
  }
  LogLine log() {
    return [this](std::string_view line) { log_ += std::string(line) + "\n"; };
  }
  Result<InfrastructurePlan> plan() {
    auto terraform = make_terraform(*processes_, options_);
    return loop_.run(terraform->plan(request_, log()));
  }
  /// Adds, changes, destroys; {-1, ..} with a failure noted when there is no plan.
  std::vector<int> planned() {
    const auto made = plan();
    EXPECT_TRUE(made.ok()) << made.error().message() << "\n" << log_;
    if (!made.ok()) return {-1, -1, -1};
    plan_ = *made;
    return {made->to_add, made->to_change, made->to_destroy};
  }
  Result<void> apply() {
    auto terraform = make_terraform(*processes_, options_);
    return loop_.run(terraform->apply(request_, plan_.plan_sha256, log()));
  }
  void wait_a_little() {
    ASSERT_TRUE(loop_.run(loop_.clock().sleep_for(std::chrono::milliseconds(20))).ok());
  }
  bool plan_is_kept() const { return std::filesystem::exists(folder_ / request_.plan_file); }

  void a_failing_apply_is_told_in_terraforms_words();
  void a_locked_state_and_a_stopped_apply();
  void the_next_plan_goes_on_from_there();
  void nothing_to_do_leaves_no_plan();
  void outputs_are_read_without_secrets();

  test::TempFolder folder_;
  Loop loop_;
  std::unique_ptr<Processes> processes_ = make_processes(loop_);
  TerraformOptions options_;
  InfrastructureRequest request_;
  InfrastructurePlan plan_;
  std::string log_;
};

void TerraformContract::a_failing_apply_is_told_in_terraforms_words() {
  folder_.write("tree/taken.tf", kTakenName);
  EXPECT_EQ(planned(), (std::vector<int>{3, 0, 0}));
  EXPECT_THAT(log_, HasSubstr("aws_cloudwatch_log_group.app: Plan to create"));
  EXPECT_THAT(log_, HasSubstr("  +   create  aws_ssm_parameter.password\n"));
  // Every environment has its links into the one cache.
  EXPECT_TRUE(
      std::filesystem::exists(folder_ / ".pawl/terraform/plugins/registry.terraform.io/hashicorp"));
  const auto applied = apply();
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().kind(), ErrorKind::failed);
  const std::string what = applied.error().what();
  EXPECT_THAT(what, HasSubstr("`terraform apply` failed: creating ECR Repository"));
  EXPECT_THAT(what, HasSubstr("RepositoryAlreadyExistsException"));
  EXPECT_THAT(what, HasSubstr("taken.tf:2"));
  EXPECT_THAT(what, Not(HasSubstr(kPassword)));
  EXPECT_THAT(log_, HasSubstr("aws_ssm_parameter.password: Creation complete"));
  EXPECT_FALSE(plan_is_kept());
}

void TerraformContract::outputs_are_read_without_secrets() {
  auto terraform = make_terraform(*processes_, options_);
  const auto outputs = loop_.run(terraform->outputs(request_));
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  EXPECT_EQ(json::serialize(*outputs), R"({"days":14,"log_group":"/pawl/meals"})");
}

// The lock is held by a real run, which is then told to stop.
void TerraformContract::a_locked_state_and_a_stopped_apply() {
  set_days(14);
  std::string tree = kTree;
  const size_t from = tree.find("resource \"aws_ssm_parameter\"");
  tree.erase(from, tree.find("output \"log_group\"") - from);
  folder_.write("tree/main.tf", tree);
  folder_.write("tree/hangs.tf", kHangs);
  // What the failed apply made is in the state.
  std::filesystem::remove(folder_ / "tree/taken.tf");
  EXPECT_EQ(planned(), (std::vector<int>{2, 1, 1}));
  auto terraform = make_terraform(*processes_, options_);
  std::stop_source stop;
  const TaskContext context{stop.get_token()};
  auto applying = terraform->apply(request_, plan_.plan_sha256, log());
  applying.start(&context);
  while (!std::filesystem::exists(folder_ / "tree/started") && !applying.done()) wait_a_little();

  const std::string first_plan = request_.plan_file;
  request_.plan_file = ".pawl/other-plans/d2.tfplan";
  const auto second = plan();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::conflict) << second.error().message();
  EXPECT_THAT(second.error().what(),
              testing::MatchesRegex(".*the state is locked by [^ ]+@[^ ]+ \\(apply, since .*"));
  EXPECT_THAT(second.error().hint(), HasSubstr("terraform force-unlock "));

  stop.request_stop();
  while (!applying.done()) wait_a_little();
  const auto stopped = applying.take();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().kind(), ErrorKind::interrupted) << stopped.error().message();
  EXPECT_THAT(log_, HasSubstr("Interrupt received"));
  EXPECT_THAT(log_, Not(HasSubstr("Two interrupts received")));
}

void TerraformContract::the_next_plan_goes_on_from_there() {
  // The lock was given back. One is half made and made anew, one was never begun.
  folder_.write("tree/go", "");
  EXPECT_EQ(planned(), (std::vector<int>{2, 0, 1})) << log_;
  const auto applied = apply();
  EXPECT_TRUE(applied.ok()) << applied.error().message() << "\n" << log_;
}

void TerraformContract::nothing_to_do_leaves_no_plan() {
  EXPECT_EQ(planned(), (std::vector<int>{0, 0, 0}));
  EXPECT_FALSE(plan_.has_changes);
  EXPECT_FALSE(plan_is_kept());
}

#define PAWL_SECTION(name) \
  do {                     \
    SCOPED_TRACE(#name);   \
    name();                \
  } while (false)

// One state goes through all of it: each start of Terraform with its provider takes seconds.
TEST_F(TerraformContract, PlansAppliesFailsStopsAndGoesOn) {
  auto terraform = make_terraform(*processes_, options_);
  const auto version = loop_.run(terraform->available(request_.settings));
  ASSERT_TRUE(version.ok()) << version.error().message();
  EXPECT_THAT(*version, HasSubstr("Terraform v"));
  PAWL_SECTION(a_failing_apply_is_told_in_terraforms_words);
  PAWL_SECTION(a_locked_state_and_a_stopped_apply);
  PAWL_SECTION(the_next_plan_goes_on_from_there);
  PAWL_SECTION(nothing_to_do_leaves_no_plan);
  PAWL_SECTION(outputs_are_read_without_secrets);
}

}  // namespace
}  // namespace pawl
