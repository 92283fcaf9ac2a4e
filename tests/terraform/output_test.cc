#include "terraform/output.h"

#include <gtest/gtest.h>

#include "terraform/terraform.h"

namespace pawl {
namespace {

TEST(BackendTemplate, IsFilledIn) {
  const auto filled =
      fill_backend_template("bucket = \"tf-${AWS_ACCOUNT_ID}\"\nregion = \"${AWS_REGION}\"\n",
                            "123456789012", "eu-central-1");
  ASSERT_TRUE(filled.ok());
  EXPECT_EQ(*filled, "bucket = \"tf-123456789012\"\nregion = \"eu-central-1\"\n");
  EXPECT_EQ(*fill_backend_template("", "1", "r"), "");
  EXPECT_EQ(*fill_backend_template("costs $5 {}", "1", "r"), "costs $5 {}");
}

TEST(BackendTemplate, NamesTheLineOfWhatItCannotFillIn) {
  struct Row {
    const char* text;
    const char* account;
    const char* what;
  };
  const Row rows[] = {
      {"a\nkey = \"${ENVIRONMENT}\"\n", "1", "line 2: '${ENVIRONMENT}' is not known"},
      {"key = \"${AWS_REGION\n}\"", "1", "line 1: '${' without its '}'"},
      {"${AWS_REGION}\n\n${", "1", "line 3: '${' without its '}'"},
      {"${}", "1", "line 1: '${}' is not known"},
      {"${AWS_ACCOUNT_ID}", "", "line 1: there is no value for AWS_ACCOUNT_ID"},
  };
  for (const auto& row : rows) {
    const auto filled = fill_backend_template(row.text, row.account, "us-east-1");
    ASSERT_FALSE(filled.ok()) << row.text;
    EXPECT_EQ(filled.error().kind(), ErrorKind::config);
    EXPECT_EQ(filled.error().what(), row.what);
  }
}

TEST(TerraformLine, IsReadFromJson) {
  const auto summary = read_terraform_line(
      R"({"@message":"Plan: 2 to add, 1 to change, 3 to destroy.","type":"change_summary",)"
      R"("changes":{"add":2,"change":1,"import":0,"remove":3,"operation":"plan"}})");
  EXPECT_TRUE(summary.is_summary);
  EXPECT_EQ(summary.to_add, 2);
  EXPECT_EQ(summary.to_change, 1);
  EXPECT_EQ(summary.to_destroy, 3);
  const auto error = read_terraform_line(
      R"({"@level":"error","@message":"Error: Unsupported argument","type":"diagnostic",)"
      R"("diagnostic":{"severity":"error","summary":"Unsupported argument","detail":"Not here.",)"
      R"("range":{"filename":"api.tf","start":{"line":7}}}})");
  EXPECT_TRUE(error.is_error);
  EXPECT_EQ(error.error_detail, "Unsupported argument: Not here. (api.tf:7)");
  const auto warning = read_terraform_line(
      R"({"@message":"Warning: x","type":"diagnostic","diagnostic":{"severity":"warning"}})");
  EXPECT_FALSE(warning.is_error);
  EXPECT_EQ(warning.message, "Warning: x");
  EXPECT_EQ(read_terraform_line("plain text").message, "");
  EXPECT_EQ(read_terraform_line("[1]").message, "");
}

TEST(TerraformError, NamesWhoHoldsTheLock) {
  const auto error = terraform_error(
      "terraform", "plan",
      "Error acquiring the state lock: Error message: operation error S3: PutObject, "
      "PreconditionFailed\nLock Info:\n  ID:        0f2b-11\n  Path:      b/k\n"
      "  Operation: OperationTypeApply\n  Who:       ana@laptop\n  Version:   1.11.4\n"
      "  Created:   2026-11-24 10:00:00.1 +0000 UTC\n  Info:      \n\n\nTerraform acquires a lock");
  EXPECT_EQ(error.kind(), ErrorKind::conflict);
  EXPECT_EQ(error.what(),
            "`terraform plan` cannot go on: the state is locked by ana@laptop (apply, since "
            "2026-11-24 10:00:00.1 +0000 UTC, lock 0f2b-11)");
  EXPECT_NE(error.hint().find("terraform force-unlock 0f2b-11"), std::string::npos);
}

TEST(TerraformError, HasTheKindOfItsCause) {
  struct Row {
    const char* text;
    ErrorKind kind;
  };
  const Row rows[] = {
      {"Error acquiring the state lock: PreconditionFailed", ErrorKind::conflict},
      {"Error acquiring the state lock: PutObject, api error AccessDenied", ErrorKind::denied},
      {"Saved plan is stale: The given plan file can no longer be applied", ErrorKind::conflict},
      {"No valid credential sources found: see", ErrorKind::denied},
      {"api error AccessDenied: not authorized", ErrorKind::denied},
      {"Unsupported argument: Not here. (api.tf:7)", ErrorKind::failed},
      {"", ErrorKind::failed},
  };
  for (const auto& row : rows)
    EXPECT_EQ(terraform_error("terraform", "apply", row.text).kind(), row.kind) << row.text;
}

// Waiting helps against a run that holds the lock, and against nothing else.
TEST(TerraformError, TellsAStateThatIsLockedFromALockThatCannotBeTaken) {
  EXPECT_EQ(
      terraform_error("tofu", "plan", "Error acquiring the state lock\n Who: ana@laptop\n").code(),
      kStateLocked);
  EXPECT_EQ(terraform_error("tofu", "plan", "Error acquiring the state lock: AccessDenied").code(),
            "");
}

TEST(PlainError, LosesTheFrame) {
  EXPECT_EQ(plain_error("\n\u2577\n\u2502 Error: Failed to get workspaces\n\u2502 \n"
                        "\u2502   The bucket \u00e4 is missing.\n\u2575\n"),
            "Failed to get workspaces The bucket \u00e4 is missing.");
  EXPECT_EQ(plain_error(""), "");
  EXPECT_EQ(plain_error("\xE2"), "\xE2");
}

TEST(NeedsInit, IsWhatTerraformAsksFor) {
  EXPECT_TRUE(needs_init("Backend initialization required, please run \"terraform init\""));
  EXPECT_TRUE(needs_init("Inconsistent dependency lock file: x"));
  EXPECT_TRUE(needs_init("Module not installed: This module is not yet installed."));
  EXPECT_TRUE(needs_init("Backend initialization required, please run \"tofu init\""));
  EXPECT_FALSE(needs_init("Unsupported argument"));
}

}  // namespace
}  // namespace pawl
