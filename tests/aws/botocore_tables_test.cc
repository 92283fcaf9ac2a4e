// Hosts, retry codes and the cost of a retry against botocore's own tables, where Python has them.
#include <gtest/gtest.h>

#include "aws/options.h"
#include "aws/partitions.h"
#include "aws/retry.h"
#include "base/json.h"
#include "oracle.h"

namespace pawl::aws {
namespace {

class Botocore : public testing::Test {
 protected:
  void SetUp() override {
    static const std::string text = test::oracle_output("botocore_tables.py");
    if (text.empty()) GTEST_SKIP() << "python3 with botocore is not here";
    auto parsed = parse_json_object(text, "botocore's tables");
    ASSERT_TRUE(parsed.ok());
    tables_ = *std::move(parsed);
  }
  std::vector<std::string> words(std::string_view key) const {
    std::vector<std::string> found;
    for (const auto& each : tables_.at(key).as_array()) found.emplace_back(each.as_string());
    return found;
  }
  json::object tables_;
};

const std::map<std::string, Service> kServices = {
    {"sts", Service::sts},       {"ecr", Service::ecr},
    {"lambda", Service::lambda}, {"apigatewayv2", Service::api_gateway},
    {"s3", Service::s3},         {"cloudwatch", Service::cloud_watch},
    {"sso", Service::sso},       {"sso-oidc", Service::sso_oidc}};

TEST_F(Botocore, HasTheSameHostForEachServiceInEachRegion) {
  int seen = 0;
  for (const auto& each : tables_.at("endpoints").as_array()) {
    const json::object& row = each.as_object();
    AwsOptions options;
    options.region = string_or(row, "region");
    options.use_fips = bool_or(row, "fips");
    options.use_dual_stack = bool_or(row, "dual");
    EXPECT_EQ(endpoint_of(options, kServices.at(string_or(row, "service"))).url,
              string_or(row, "url"))
        << json::serialize(row);
    EXPECT_EQ(partition_of(options.region).name, string_or(row, "partition")) << options.region;
    ++seen;
  }
  EXPECT_GT(seen, 1000);
}

TEST_F(Botocore, TriesAgainAfterTheSameCodesAtTheSameCost) {
  for (const auto& code : words("throttling")) EXPECT_TRUE(is_throttling_code(code)) << code;
  for (const auto& code : words("transient"))
    EXPECT_TRUE(is_transient_code(code) || is_throttling_code(code)) << code;
  EXPECT_FALSE(is_throttling_code("ValidationException"));
  EXPECT_EQ(int_or(tables_, "tokens"), kRetryTokens);
  EXPECT_EQ(int_or(tables_, "cost"), kRetryCost);
  EXPECT_EQ(int_or(tables_, "timeout_cost"), kTimeoutCost);
  EXPECT_EQ(int_or(tables_, "given_back"), kGivenBackWithoutRetry);
}

}  // namespace
}  // namespace pawl::aws
