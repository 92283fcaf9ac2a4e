#include "core/terraform_outputs.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

const json::object kOutputs{{"url", "https://meals.example"},
                            {"port", 8080},
                            {"on", true},
                            {"nothing", nullptr},
                            {"hosts", json::array{"a", "b"}},
                            {"api", json::object{{"url", "https://api.example"}}}};

TEST(TerraformOutputs, StandForTextsNumbersAndBooleans) {
  struct Row {
    const char* text;
    const char* filled;
  };
  const Row rows[] = {
      {"{terraform.url}/health", "https://meals.example/health"},
      {"{terraform.url}:{terraform.port}", "https://meals.example:8080"},
      {"{terraform.on}", "true"},
      {"{terraform.api.url}", "https://api.example"},
      {"no name", "no name"},
      {"{app}", "{app}"},
      {"", ""},
  };
  for (const auto& row : rows) {
    const auto filled = fill_outputs(std::string_view(row.text), kOutputs);
    ASSERT_TRUE(filled.ok()) << row.text;
    EXPECT_EQ(*filled, row.filled);
  }
}

TEST(TerraformOutputs, SayWhichOneThereIsNot) {
  struct Row {
    const char* text;
    ErrorKind kind;
    const char* what;
  };
  const Row rows[] = {
      {"{terraform.address}", ErrorKind::not_found,
       "Terraform has no output 'address', or it is sensitive"},
      {"{terraform.nothing}", ErrorKind::not_found,
       "Terraform has no output 'nothing', or it is sensitive"},
      {"{terraform.hosts}", ErrorKind::failed,
       "Terraform's output 'hosts' is not a text but a list"},
      {"{terraform.api}", ErrorKind::failed,
       "Terraform's output 'api' is not a text but an object"},
      {"{terraform.url", ErrorKind::config, nullptr},
      {"{terraform.}", ErrorKind::config, nullptr},
      {"{terraform..url}", ErrorKind::config, nullptr},
  };
  for (const auto& row : rows) {
    const auto filled = fill_outputs(std::string_view(row.text), kOutputs);
    ASSERT_FALSE(filled.ok()) << row.text;
    EXPECT_EQ(filled.error().kind(), row.kind) << row.text;
    if (row.what != nullptr) {
      EXPECT_EQ(filled.error().what(), row.what);
    }
    EXPECT_EQ(flaw_in_output_names(row.text).empty(), row.kind != ErrorKind::config) << row.text;
  }
}

TEST(TerraformOutputs, AreFilledInAtEveryDepth) {
  const json::object params{{"url", json::object{{"fixed", "{terraform.url}"}}},
                            {"list", json::array{"{terraform.port}", 7}},
                            {"plain", 3}};
  EXPECT_TRUE(names_output(json::value(params)));
  const auto filled = fill_outputs(params, kOutputs);
  ASSERT_TRUE(filled.ok());
  EXPECT_EQ(json::serialize(*filled),
            R"({"url":{"fixed":"https://meals.example"},"list":["8080",7],"plain":3})");
  EXPECT_FALSE(names_output(json::value(*filled)));
  EXPECT_FALSE(fill_outputs(params, json::object{}).ok());
}

TEST(TerraformOutputs, ThatAreNotKnownYetLeaveANameEmpty) {
  EnvironmentConfig environment;
  environment.function.name = "{terraform.function}";
  environment.function.repository = "meals-dev";
  environment.url.fixed = "{terraform.url}";
  EXPECT_TRUE(names_output(environment));
  const auto known = with_known_outputs(environment, kOutputs);
  EXPECT_EQ(known.function.name, "");
  EXPECT_EQ(known.function.repository, "meals-dev");
  EXPECT_EQ(known.url.fixed, "https://meals.example");
  EXPECT_FALSE(names_output(known));
}

}  // namespace
}  // namespace pawl
