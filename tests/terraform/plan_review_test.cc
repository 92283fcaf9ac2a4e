#include "terraform/plan_review.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pawl {
namespace {

// One change of a plan, as `terraform show -json` has it.
std::string change(const std::string& type, const std::string& actions, const std::string& before,
                   const std::string& after, const std::string& unknown = "{}") {
  return fmt::format(
      R"({{"address":"module.m.{0}.app","type":"{0}","name":"app",)"
      R"("change":{{"actions":[{1}],"before":{2},"after":{3},"after_unknown":{4}}}}})",
      type, actions, before, after, unknown);
}

Result<void> review(const std::string& changes, const std::string& alias = "live") {
  const auto plan = parse_json_object(R"({"resource_changes":[)" + changes + "]}", "the plan");
  EXPECT_TRUE(plan.ok()) << changes;
  return review_plan(*plan, "meals-dev", alias);
}

constexpr const char* kFunction =
    R"({"function_name":"meals-dev","image_uri":"r@sha256:1","memory_size":128})";
constexpr const char* kAlias =
    R"({"name":"live","function_name":"meals-dev","function_version":"7","description":"x","routing_config":[]})";

TEST(PlanReview, RefusesToLetTheImageBeChanged) {
  const auto reviewed = review(
      change("aws_lambda_function", "\"update\"", kFunction,
             R"({"function_name":"meals-dev","image_uri":"r:bootstrap","memory_size":128})"));
  ASSERT_FALSE(reviewed.ok());
  EXPECT_EQ(reviewed.error().kind(), ErrorKind::refused);
  EXPECT_NE(reviewed.error().what().find("module.m.aws_lambda_function.app (image_uri: "
                                         "\"r@sha256:1\" -> \"r:bootstrap\")"),
            std::string::npos)
      << reviewed.error().what();
  EXPECT_NE(reviewed.error().hint().find("  resource \"aws_lambda_function\" \"app\" {\n"
                                         "    lifecycle {\n"
                                         "      ignore_changes = [image_uri]\n"),
            std::string::npos)
      << reviewed.error().hint();
}

TEST(PlanReview, RefusesToLetTheAliasBeMoved) {
  const auto reviewed = review(
      change("aws_lambda_alias", "\"update\"", kAlias,
             R"({"name":"live","function_name":"meals-dev","description":"","routing_config":[]})",
             R"({"function_version":true})"));
  ASSERT_FALSE(reviewed.ok());
  EXPECT_NE(reviewed.error().what().find("function_version: \"7\" -> known after apply"),
            std::string::npos)
      << reviewed.error().what();
  EXPECT_NE(reviewed.error().hint().find("ignore_changes = [function_version, description]"),
            std::string::npos)
      << reviewed.error().hint();
}

TEST(PlanReview, KnowsTheFunctionOfAnAliasByItsArn) {
  const auto reviewed = review(change(
      "aws_lambda_alias", "\"update\"",
      R"({"name":"live","function_name":"arn:aws:lambda:us-east-1:1:function:meals-dev","function_version":"7"})",
      R"({"name":"live","function_name":"arn:aws:lambda:us-east-1:1:function:meals-dev","function_version":"1"})"));
  EXPECT_FALSE(reviewed.ok());
}

TEST(PlanReview, RefusesToLetThemBeReplacedOrDestroyed) {
  const auto replaced =
      review(change("aws_lambda_function", "\"delete\",\"create\"", kFunction, kFunction));
  ASSERT_FALSE(replaced.ok());
  EXPECT_NE(replaced.error().what().find("it would be replaced"), std::string::npos);
  const auto destroyed = review(change("aws_lambda_alias", "\"delete\"", kAlias, "null"));
  ASSERT_FALSE(destroyed.ok());
  EXPECT_NE(destroyed.error().what().find("it would be destroyed"), std::string::npos);
}

TEST(PlanReview, LetsTheRestPass) {
  // Other settings of the function; the function when it is made; another function; another alias;
  // what was unset stays unset; nothing at all.
  const std::string rows[] = {
      change("aws_lambda_function", "\"update\"", kFunction,
             R"({"function_name":"meals-dev","image_uri":"r@sha256:1","memory_size":256})"),
      change("aws_lambda_function", "\"create\"", "null",
             R"({"function_name":"meals-dev","image_uri":"r:bootstrap"})"),
      change("aws_lambda_function", "\"update\"",
             R"({"function_name":"meals-dev-worker","image_uri":"a"})",
             R"({"function_name":"meals-dev-worker","image_uri":"b"})"),
      change("aws_lambda_alias", "\"update\"",
             R"({"name":"blue","function_name":"meals-dev","function_version":"7"})",
             R"({"name":"blue","function_name":"meals-dev","function_version":"1"})"),
      change("aws_lambda_alias", "\"no-op\"", kAlias, kAlias),
      change(
          "aws_lambda_alias", "\"update\"",
          R"({"name":"live","function_name":"meals-dev","function_version":"7","description":null})",
          R"({"name":"live","function_name":"meals-dev","function_version":"7","description":""})"),
      "",
  };
  for (const auto& row : rows) EXPECT_TRUE(review(row).ok()) << row;
}

TEST(PlanReview, LooksAtNoAliasWhenNoneIsUsed) {
  EXPECT_TRUE(review(change("aws_lambda_alias", "\"delete\"", kAlias, "null"), "").ok());
}

TEST(PlanReview, NamesEveryChange) {
  const auto reviewed = review(change("aws_lambda_function", "\"update\"", kFunction,
                                      R"({"function_name":"meals-dev","image_uri":"other"})") +
                               "," + change("aws_lambda_alias", "\"delete\"", kAlias, "null"));
  ASSERT_FALSE(reviewed.ok());
  EXPECT_NE(reviewed.error().what().find("aws_lambda_function.app"), std::string::npos);
  EXPECT_NE(reviewed.error().what().find("aws_lambda_alias.app"), std::string::npos);
}

TEST(PlanReview, SurvivesAPlanOfAnotherShape) {
  for (const char* text :
       {"{}", R"({"resource_changes":null})", R"({"resource_changes":[1,{}]})",
        R"({"resource_changes":[{"type":"aws_lambda_function","change":[]}]})"}) {
    const auto plan = parse_json_object(text, "the plan");
    EXPECT_TRUE(review_plan(*plan, "meals-dev", "live").ok()) << text;
  }
}

}  // namespace
}  // namespace pawl
