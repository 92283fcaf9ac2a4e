#include "terraform/plan_summary.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "terraform/protection.h"
#include "terraform/sensitive.h"

namespace pawl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

json::object plan_of(const std::string& text) {
  auto plan = parse_json_object(text, "the plan");
  EXPECT_TRUE(plan.ok()) << text;
  return plan.ok() ? *plan : json::object();
}

std::string change(const std::string& address, const std::string& actions,
                   const std::string& rest = "", const std::string& more = "") {
  return fmt::format(
      R"({{"address":"{}","type":"{}","mode":"managed",{}"change":{{"actions":[{}]{}}}}})", address,
      address.substr(0, address.find('.')), more, actions, rest);
}

PlanSummary summary_of(const std::string& changes) {
  return summarise_plan(plan_of(R"({"resource_changes":[)" + changes + "]}"));
}

TEST(PlanSummary, HasALineForEachResourceAndTheReason) {
  const auto summary = summary_of(
      change("aws_sqs_queue.new", R"("create")") + "," +
      change("aws_lambda_function.app", R"("update")",
             R"(,"before":{"memory_size":128,"timeout":3,"arn":"a"},)"
             R"("after":{"memory_size":256,"timeout":3,"arn":"a"},)"
             R"("after_unknown":{"last_modified":true,"layers":[false]})") +
      "," +
      change("aws_s3_bucket.files", R"("delete","create")", R"(,"replace_paths":[["bucket"]])",
             R"("action_reason":"replace_because_cannot_update",)") +
      "," +
      change("aws_iam_role.old", R"("delete")", "",
             R"("action_reason":"delete_because_no_resource_config",)") +
      "," + change("aws_kms_key.kept", R"("no-op")"));
  EXPECT_THAT(summary_lines(summary),
              ElementsAre("the plan: 1 to create, 1 to update, 1 to replace, 1 to destroy",
                          "  +   create  aws_sqs_queue.new",
                          "  ~   update  aws_lambda_function.app: last_modified, memory_size",
                          "  -/+ replace aws_s3_bucket.files (bucket cannot be changed in place)",
                          "  -   destroy aws_iam_role.old (it is not in the tree any more)"));
}

TEST(PlanSummary, TellsOutputsAndDrift) {
  const auto summary = summarise_plan(plan_of(
      R"({"output_changes":{"url":{"actions":["update"]},"same":{"actions":["no-op"]}},)"
      R"("resource_drift":[{"address":"aws_iam_role.app","change":{"actions":["update"]}}]})"));
  EXPECT_THAT(summary_lines(summary),
              ElementsAre("the plan changes outputs only", "  outputs that change: url",
                          "  changed outside of Terraform: aws_iam_role.app"));
}

TEST(PlanSummary, NamesNoValue) {
  const auto summary =
      summary_of(change("aws_ssm_parameter.p", R"("update")",
                        R"(,"before":{"value":"old-secret"},"after":{"value":"new-secret"})"));
  const std::string kept = json::serialize(to_json(summary.changes, 10));
  EXPECT_EQ(kept,
            R"([{"address":"aws_ssm_parameter.p","action":"update","attributes":["value"]}])");
}

TEST(PlanSummary, IsBounded) {
  std::string changes;
  for (int i = 0; i < 500; ++i)
    changes += (i > 0 ? "," : "") + change(fmt::format("aws_sqs_queue.q{}", i), R"("create")");
  const auto summary = summary_of(changes);
  EXPECT_EQ(summary_lines(summary).size(), 202u);
  EXPECT_EQ(summary_lines(summary).back(), "  and 300 more");
  EXPECT_EQ(to_json(summary.changes, 200).size(), 200u);
}

TEST(PlanSummary, TakesWhateverIsNoPlan) {
  for (const char* text : {"{}", R"({"resource_changes":7})", R"({"resource_changes":[1,{}]})",
                           R"({"resource_changes":[{"change":{"actions":"delete"}}]})",
                           R"({"resource_drift":{},"output_changes":[]})"})
    EXPECT_THAT(summary_lines(summarise_plan(plan_of(text))),
                ElementsAre("the plan changes nothing"))
        << text;
}

// ---- protection ----

const std::string kGone = change("aws_dynamodb_table.meals", R"("delete")") + "," +
                          change("aws_s3_bucket.files", R"("create","delete")") + "," +
                          change("aws_iam_role.old", R"("delete")") + "," +
                          change("aws_db_instance.new", R"("create")");

TEST(Protection, StopsWhatHoldsDataFromBeingDestroyedOrReplaced) {
  const auto checked = check_protection(summary_of(kGone), {{"default"}, {}, "prod"});
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind(), ErrorKind::refused);
  EXPECT_EQ(checked.error().what(),
            "the Terraform plan takes away what is protected, and what is in it: "
            "aws_dynamodb_table.meals would be destroyed; aws_s3_bucket.files would be replaced");
  EXPECT_THAT(checked.error().hint(),
              HasSubstr("pawl deploy prod --allow-destroy 'aws_dynamodb_table.meals' "
                        "--allow-destroy 'aws_s3_bucket.files'"));
}

TEST(Protection, LetsGoWhatAPersonAllowedAndSaysWhich) {
  const auto checked = check_protection(
      summary_of(kGone), {{"default"}, {"aws_dynamodb_table.meals", "aws_s3_bucket"}, "prod"});
  ASSERT_TRUE(checked.ok()) << checked.error().message();
  EXPECT_THAT(*checked, ElementsAre("aws_dynamodb_table.meals", "aws_s3_bucket.files"));
  EXPECT_FALSE(
      check_protection(summary_of(kGone), {{"default"}, {"aws_s3_bucket.other"}, "prod"}).ok());
}

TEST(Protection, IsOfTheTypesThatAreConfigured) {
  EXPECT_TRUE(is_protected("aws_s3_bucket", {"default"}));
  EXPECT_TRUE(is_protected("aws_fsx_lustre_file_system", {"default"}));
  EXPECT_FALSE(is_protected("aws_s3_bucket_policy", {"default"}));
  EXPECT_FALSE(is_protected("aws_s3_bucket", {}));
  EXPECT_FALSE(is_protected("aws_s3_bucket", {"aws_sqs_queue"}));
  EXPECT_TRUE(is_protected("aws_s3_bucket", {"aws_sqs_queue", "default"}));
  EXPECT_TRUE(is_protected("aws_sqs_queue", {"aws_sqs_*"}));
  EXPECT_FALSE(is_protected("aws_sns_topic", {"aws_sqs_*"}));
}

// ---- sensitive values ----

TEST(SensitiveValues, AreTakenOutOfWhatIsTold) {
  const SensitiveValues values(plan_of(R"({
    "configuration": {"root_module": {"variables": {"pw": {"sensitive": true}, "name": {}}}},
    "variables": {"pw": {"value": "variable-secret"}, "name": {"value": "not-secret"}},
    "resource_changes": [{"change": {
      "before": {"key": "attribute-before", "tags": {"a": "plain-text", "b": "nested-secret"}},
      "before_sensitive": {"key": true, "tags": {"b": true}},
      "after": {"list": ["first-plain", "second-secret"]},
      "after_sensitive": {"list": [false, true]}}}],
    "output_changes": {"o": {"before": null, "after": "output-secret",
      "before_sensitive": false, "after_sensitive": true}},
    "prior_state": {"values": {"root_module": {"child_modules": [{"resources": [
      {"values": {"pem": "-----BEGIN-----\nline-of-the-key\n"}, "sensitive_values": {"pem": true}}
    ]}]}}}})"));
  EXPECT_EQ(values.clean("variable-secret not-secret attribute-before plain-text nested-secret "
                         "first-plain second-secret output-secret line-of-the-key"),
            "(sensitive) not-secret (sensitive) plain-text (sensitive) first-plain (sensitive) "
            "(sensitive) (sensitive)");
}

TEST(SensitiveValues, OneThatHoldsAnotherGoesWhole) {
  const SensitiveValues values(
      plan_of(R"({"output_changes":{"a":{"after":"secret","after_sensitive":true},)"
              R"("b":{"after":"secret-and-more","after_sensitive":true}}})"));
  EXPECT_EQ(values.clean("got secret-and-more"), "got (sensitive)");
}

TEST(SensitiveValues, ThatAreShortAreLeft) {
  const SensitiveValues values(
      plan_of(R"({"output_changes":{"a":{"after":"true","after_sensitive":true}}})"));
  EXPECT_EQ(values.size(), 0u);
  EXPECT_EQ(values.clean("true"), "true");
}

}  // namespace
}  // namespace pawl
