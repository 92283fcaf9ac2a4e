// The adapter with the real Terraform, on its built-in provider and a state in a file: what needs
// no cloud. Skipped where terraform is not found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/loop.h"
#include "support/temp_folder.h"
#include "terraform/terraform.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kPassword = "a-password-for-nobody-to-see";

constexpr const char* kTree = R"(
variable "key" { default = "one" }
resource "terraform_data" "table" { triggers_replace = [var.key] }
resource "terraform_data" "other" { input = var.key }
output "key" { value = var.key }
output "nested" { value = { url = "https://meals.example/${var.key}" } }
)";

// Known only while it is applied; what it says is then full of a secret.
constexpr const char* kLeaks = R"(
variable "password" {
  sensitive = true
  default   = "a-password-for-nobody-to-see"
}
resource "terraform_data" "leaks" {
  input = var.password
  lifecycle {
    postcondition {
      condition     = self.id == "never"
      error_message = "the server refused ${nonsensitive(var.password)}"
    }
  }
}
)";

constexpr const char* kHangs = R"(
resource "terraform_data" "hangs" {
  provisioner "local-exec" {
    command = "touch started; while ! test -e go; do sleep 0.05; done"
  }
}
)";

class LocalTerraform : public testing::Test {
 protected:
  void SetUp() override {
    if (!find_program("terraform")) GTEST_SKIP() << "terraform is not installed";
    options_.directory = folder_.path().string();
    options_.scratch_dir = folder_ / ".pawl/terraform";
    options_.plugin_cache = folder_ / ".pawl/plugins";
    options_.environment = {{"TF_CLI_CONFIG_FILE", "/dev/null"}};
    options_.clock = &loop_.clock();
    folder_.write("tree/main.tf", kTree);
    request_.settings.dir = "tree";
    request_.environment = "dev";
    request_.region = "us-east-1";
    request_.plan_file = ".pawl/terraform/dev/d1.tfplan";
  }

  LogLine log() {
    return [this](std::string_view line) { log_ += std::string(line) + "\n"; };
  }
  Result<InfrastructurePlan> plan() {
    auto terraform = make_terraform(*processes_, options_);
    return loop_.run(terraform->plan(request_, log()));
  }
  Result<void> apply(const InfrastructurePlan& made) {
    auto terraform = make_terraform(*processes_, options_);
    request_.changes = made.to_add + made.to_change + made.to_destroy;
    request_.progress = [this](uint64_t done, uint64_t total) {
      progress_.emplace_back(done, total);
    };
    return loop_.run(terraform->apply(request_, made.plan_sha256, log()));
  }
  /// Plans and applies; failures are noted.
  InfrastructurePlan carry_out() {
    auto made = plan();
    EXPECT_TRUE(made.ok()) << made.error().message() << "\n" << log_;
    if (!made.ok()) return {};
    const auto applied = apply(*made);
    EXPECT_TRUE(applied.ok()) << applied.error().message() << "\n" << log_;
    return *made;
  }
  Result<json::object> outputs() {
    auto terraform = make_terraform(*processes_, options_);
    return loop_.run(terraform->outputs(request_));
  }
  void set_key(const std::string& key) {
    folder_.write("tree/key.auto.tfvars", "key = \"" + key + "\"\n");
  }
  bool plan_is_kept() const { return fs::exists(folder_ / request_.plan_file); }

  test::TempFolder folder_;
  Loop loop_;
  std::unique_ptr<Processes> processes_ = make_processes(loop_);
  TerraformOptions options_;
  InfrastructureRequest request_;
  std::vector<std::pair<uint64_t, uint64_t>> progress_;
  std::string log_;
};

TEST_F(LocalTerraform, TellsWhatItWillDoAndHowFarItIs) {
  EXPECT_EQ(json::serialize(*outputs()), "{}");  // of a state that is not there yet
  const auto made = carry_out();
  EXPECT_EQ(made.to_add, 2);
  EXPECT_THAT(log_, HasSubstr("the plan: 2 to create\n"));
  EXPECT_THAT(log_, HasSubstr("  +   create  terraform_data.table\n"));
  EXPECT_THAT(progress_, ElementsAre(std::pair(1, 2), std::pair(2, 2)));
  EXPECT_FALSE(plan_is_kept());
  EXPECT_EQ(json::serialize(*outputs()),
            R"({"key":"one","nested":{"url":"https://meals.example/one"}})");

  set_key("two");
  log_.clear();
  const auto changed = carry_out();
  EXPECT_THAT(log_, HasSubstr("the plan: 1 to update, 1 to replace\n"));
  EXPECT_THAT(log_, HasSubstr("  ~   update  terraform_data.other: input, output\n"));
  EXPECT_THAT(log_, HasSubstr("  -/+ replace terraform_data.table (triggers_replace cannot be "
                              "changed in place)\n"));
  EXPECT_EQ(changed.changes.size(), 2u);
  EXPECT_EQ(string_or(*outputs(), "key"), "two");

  const auto nothing = plan();
  ASSERT_TRUE(nothing.ok());
  EXPECT_FALSE(nothing->has_changes);
  EXPECT_FALSE(plan_is_kept());
}

TEST_F(LocalTerraform, ReplacesNothingThatIsProtectedUnlessThatWasAllowed) {
  request_.settings.protect = {"terraform_*"};
  carry_out();
  set_key("two");
  const auto refused = plan();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::refused);
  EXPECT_THAT(refused.error().what(), HasSubstr("terraform_data.table would be replaced"));
  EXPECT_THAT(refused.error().hint(),
              HasSubstr("pawl deploy dev --allow-destroy 'terraform_data.table'"));
  EXPECT_FALSE(plan_is_kept());
  request_.allow_destroy = {"terraform_data.table"};
  const auto allowed = carry_out();
  EXPECT_THAT(allowed.allowed, ElementsAre("terraform_data.table"));
}

TEST_F(LocalTerraform, LetsNoSecretOutOfAnErrorThatHoldsIt) {
  folder_.write("tree/leaks.tf", kLeaks);
  const auto made = plan();
  ASSERT_TRUE(made.ok()) << made.error().message();
  const auto mode = fs::status(folder_ / request_.plan_file).permissions();
  EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);
  const auto applied = apply(*made);
  ASSERT_FALSE(applied.ok());
  EXPECT_THAT(applied.error().message(), HasSubstr("the server refused (sensitive)"));
  EXPECT_THAT(log_, Not(HasSubstr(kPassword)));
  EXPECT_FALSE(plan_is_kept());
}

TEST_F(LocalTerraform, WaitsForTheRunThatHoldsTheLockAndNamesIt) {
  folder_.write("tree/hangs.tf", kHangs);
  const auto made = plan();
  ASSERT_TRUE(made.ok());
  auto holder = make_terraform(*processes_, options_);
  const TaskContext context;
  const LogLine silent;
  auto applying = holder->apply(request_, made->plan_sha256, silent);
  applying.start(&context);
  const auto wait_a_little = [&] {
    ASSERT_TRUE(loop_.run(loop_.clock().sleep_for(std::chrono::milliseconds(10))).ok());
  };
  while (!fs::exists(folder_ / "tree/started") && !applying.done()) wait_a_little();

  auto waiter = make_terraform(*processes_, options_);
  InfrastructureRequest second = request_;
  second.plan_file = ".pawl/terraform/other/d2.tfplan";
  second.lock_wait = std::chrono::minutes(2);
  // The other one ends as soon as it was named.
  LogLine until_named = [this](std::string_view line) {
    log_ += std::string(line) + "\n";
    if (line.find("the state is locked by") != std::string_view::npos) folder_.write("tree/go", "");
  };
  const auto planned = loop_.run(waiter->plan(second, until_named));
  ASSERT_TRUE(planned.ok()) << planned.error().message();
  EXPECT_FALSE(planned->has_changes) << log_;
  EXPECT_THAT(log_,
              testing::ContainsRegex("locked by [^ ]+@[^ ]+ \\(apply, since .*waiting for it"));
  EXPECT_THAT(log_, Not(HasSubstr("Error acquiring")));
  while (!applying.done()) wait_a_little();
  EXPECT_TRUE(applying.take().ok());
}

TEST_F(LocalTerraform, KeepsWorkspacesApart) {
  request_.settings.workspace = "blue";
  carry_out();
  EXPECT_TRUE(fs::exists(folder_ / "tree/terraform.tfstate.d/blue/terraform.tfstate"));
  request_.settings.workspace = "green";
  EXPECT_EQ(json::serialize(*outputs()), "{}");
  request_.settings.workspace = "blue";
  EXPECT_EQ(string_or(*outputs(), "key"), "one");
}

// What differs from Terraform's words stands in for OpenTofu: its name.
TEST_F(LocalTerraform, IsOpenTofuJustAsWell) {
  // The pipe has sed's exit code: the one that counts is kept by bash.
  const auto tofu =
      folder_.write("bin/tofu",
                    "#!/bin/bash\nterraform \"$@\" | sed -u -e 's/Terraform v/OpenTofu v/; "
                    "s/terraform init/tofu init/g'\nexit ${PIPESTATUS[0]}\n");
  fs::permissions(tofu, fs::perms::owner_all);
  request_.settings.binary = "bin/tofu";
  auto terraform = make_terraform(*processes_, options_);
  const auto version = loop_.run(terraform->available(request_.settings));
  ASSERT_TRUE(version.ok()) << version.error().message();
  EXPECT_THAT(*version, HasSubstr("OpenTofu v"));
  folder_.write("tree/backend.tf", "terraform {\n  backend \"local\" { path = \"kept\" }\n}\n");
  EXPECT_EQ(carry_out().to_add, 2);
  EXPECT_EQ(string_or(*outputs(), "key"), "one");
  // It asks for another init in words of its own.
  fs::remove_all(folder_ / ".pawl/terraform/dev-us-east-1/data");
  fs::create_directories(folder_ / ".pawl/terraform/dev-us-east-1/data");
  const auto nothing = plan();
  ASSERT_TRUE(nothing.ok()) << nothing.error().message();
  EXPECT_FALSE(nothing->has_changes);
  EXPECT_THAT(log_, HasSubstr("tofu asks for another init"));
}

TEST_F(LocalTerraform, SaysWhatToInstall) {
  request_.settings.binary = "tofu-that-is-nowhere";
  auto terraform = make_terraform(*processes_, options_);
  const auto version = loop_.run(terraform->available(request_.settings));
  ASSERT_FALSE(version.ok());
  EXPECT_THAT(version.error().what(), HasSubstr("there is no tofu-that-is-nowhere here"));
  EXPECT_THAT(version.error().hint(), HasSubstr("opentofu.org"));
}

}  // namespace
}  // namespace pawl
