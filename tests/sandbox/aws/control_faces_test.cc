// ECR, API Gateway and CloudWatch over HTTP.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sandbox/aws/cbor.h"
#include "sandbox/aws/rig.h"

namespace pawl::sandbox {
namespace {

TEST(EcrFace, DescribesRepositoriesAndImages) {
  AwsRig rig;
  rig.deploy();
  auto o = rig.ecr("DescribeRepositories", json::object{{"repositoryNames", json::array{"meals"}}});
  const json::object repository = o.at("repositories").as_array().at(0).as_object();
  EXPECT_EQ(string_or(repository, "repositoryUri"), "127.0.0.1:4513/meals");
  EXPECT_EQ(string_or(repository, "imageTagMutability"), "MUTABLE");
  o = rig.ecr("DescribeImages",
              json::object{{"repositoryName", "meals"},
                           {"imageIds", json::array{json::object{{"imageTag", "a"}}}}});
  EXPECT_EQ(string_or(o.at("imageDetails").as_array().at(0).as_object(), "imageDigest"),
            AwsRig::digest_of('a'));
  o = rig.ecr("ListImages", json::object{{"repositoryName", "meals"}, {"maxResults", 1}});
  EXPECT_EQ(o.at("imageIds").as_array().size(), 1u);
  EXPECT_EQ(string_or(o, "nextToken"), "1");
  o = rig.ecr("BatchGetImage",
              json::object{{"repositoryName", "meals"},
                           {"imageIds", json::array{json::object{{"imageTag", "a"}},
                                                    json::object{{"imageTag", "none"}}}}});
  EXPECT_EQ(string_or(o.at("images").as_array().at(0).as_object(), "imageManifest"), "{}");
  EXPECT_EQ(string_or(o.at("failures").as_array().at(0).as_object(), "failureCode"),
            "ImageNotFound");
}

TEST(EcrFace, RefusesInItsOwnWords) {
  AwsRig rig;
  rig.deploy();
  const struct {
    const char* operation;
    json::object body;
    const char* type;
  } rows[] = {
      {"DescribeRepositories",
       {{"repositoryNames", json::array{"no"}}},
       "RepositoryNotFoundException"},
      {"CreateRepository", {{"repositoryName", "meals"}}, "RepositoryAlreadyExistsException"},
      {"CreateRepository", {{"repositoryName", "Bad"}}, "InvalidParameterException"},
      {"DeleteRepository", {{"repositoryName", "meals"}}, "RepositoryNotEmptyException"},
      {"GetLifecyclePolicy", {{"repositoryName", "meals"}}, "LifecyclePolicyNotFoundException"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(string_or(rig.ecr(row.operation, row.body, 400), "__type"), row.type);
}

TEST(EcrFace, ItsPasswordIsTheRegistrys) {
  AwsRig rig;
  const json::object o = rig.ecr("GetAuthorizationToken", {});
  const json::object data = o.at("authorizationData").as_array().at(0).as_object();
  const std::string token = *base64_decode(string_or(data, "authorizationToken"));
  ASSERT_EQ(token.substr(0, 4), "AWS:");
  EXPECT_TRUE(rig.cloud.ecr.accepts_password(token.substr(4), rig.clock.now()));
  EXPECT_EQ(string_or(data, "proxyEndpoint"), "http://127.0.0.1:4513");
  EXPECT_GT(number_or(data, "expiresAt"), static_cast<double>(rig.clock.now().unix_ms) / 1000);
}

TEST(ApiGatewayFace, AnApiIsMadeAndFound) {
  AwsRig rig;
  rig.deploy();
  const auto created = rig.call(
      "apigateway", "POST", "/v2/apis",
      json::serialize(json::object{{"name", "meals-dev"},
                                   {"protocolType", "HTTP"},
                                   {"target", rig.cloud.lambda.function_arn("f", "live")}}));
  ASSERT_EQ(created.status, 201) << created.body;
  const json::object api = *parse_json_object(created.body, "the API");
  const std::string id = string_or(api, "apiId");
  EXPECT_EQ(string_or(api, "apiEndpoint"), "http://127.0.0.1:4520");
  auto items = [&](const std::string& target) {
    const auto response = rig.call("apigateway", "GET", target);
    EXPECT_EQ(response.status, 200) << target;
    return parse_json_object(response.body, "the items")->at("items").as_array();
  };
  EXPECT_EQ(items("/v2/apis").size(), 1u);
  EXPECT_EQ(
      string_or(items("/v2/apis/" + id + "/integrations").at(0).as_object(), "integrationUri"),
      rig.cloud.lambda.function_arn("f", "live"));
  EXPECT_EQ(string_or(items("/v2/apis/" + id + "/routes").at(0).as_object(), "routeKey"),
            "$default");
  EXPECT_EQ(string_or(items("/v2/apis/" + id + "/stages").at(0).as_object(), "stageName"),
            "$default");
  EXPECT_EQ(rig.call("apigateway", "GET", "/v2/apis/none").status, 404);
  EXPECT_EQ(rig.call("apigateway", "DELETE", "/v2/apis/" + id).status, 204);
  EXPECT_TRUE(items("/v2/apis").empty());
}

TEST(ApiGatewayFace, ListsInPages) {
  AwsRig rig;
  for (int i = 0; i < 3; ++i)
    rig.call("apigateway", "POST", "/v2/apis", R"({"name":"x","protocolType":"HTTP"})");
  const auto first =
      *parse_json_object(rig.call("apigateway", "GET", "/v2/apis?maxResults=2").body, "the page");
  EXPECT_EQ(first.at("items").as_array().size(), 2u);
  const auto second = *parse_json_object(
      rig.call("apigateway", "GET",
               "/v2/apis?maxResults=2&nextToken=" + string_or(first, "nextToken"))
          .body,
      "the page");
  EXPECT_EQ(second.at("items").as_array().size(), 1u);
  EXPECT_FALSE(second.contains("nextToken"));
}

struct Alarmed : AwsRig {
  Alarmed() {
    cloud::Alarm alarm;
    alarm.name = "errors";
    alarm.metric = {"AWS/Lambda", "Errors", {{"FunctionName", "f"}}};
    (void)cloud.watch.put_alarm(alarm, clock.now());
    (void)cloud.watch.set_state("errors", "ALARM", "a drill", clock.now());
  }
};

TEST(CloudWatchFace, SaysTheSameInItsThreeProtocols) {
  Alarmed rig;
  const auto query = rig.form("monitoring",
                              "Action=DescribeAlarms&Version=2010-08-01"
                              "&AlarmNames.member.1=errors");
  EXPECT_EQ(rig.xml(query).text_of("DescribeAlarmsResult/MetricAlarms/member/StateValue"), "ALARM");
  EXPECT_EQ(
      rig.xml(query).text_of("DescribeAlarmsResult/MetricAlarms/member/Dimensions/member/Value"),
      "f");

  const auto plain = rig.call("monitoring", "POST", "/", R"({"AlarmNames":["errors"]})",
                              {{"X-Amz-Target", "GraniteServiceVersion20100801.DescribeAlarms"},
                               {"Content-Type", "application/x-amz-json-1.0"}});
  const json::object in_json = *parse_json_object(plain.body, "the answer");
  const json::object alarm = in_json.at("MetricAlarms").as_array().at(0).as_object();
  EXPECT_EQ(string_or(alarm, "StateValue"), "ALARM");
  EXPECT_TRUE(alarm.at("StateUpdatedTimestamp").is_double());

  const auto binary = rig.call(
      "monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms",
      cbor_encode(json::object{{"AlarmNames", json::array{"errors"}}}),
      {{"smithy-protocol", "rpc-v2-cbor"}, {"Content-Type", "application/cbor"}});
  EXPECT_EQ(binary.headers.get_or("smithy-protocol", ""), "rpc-v2-cbor");
  const json::value in_cbor = *cbor_decode(binary.body);
  const json::object same = in_cbor.at("MetricAlarms").as_array().at(0).as_object();
  EXPECT_EQ(string_or(same, "StateValue"), "ALARM");
  EXPECT_TRUE(timestamp_in(same.at("StateUpdatedTimestamp")));
}

TEST(CloudWatchFace, RefusesInItsThreeProtocols) {
  Alarmed rig;
  const auto query = rig.form("monitoring",
                              "Action=SetAlarmState&Version=2010-08-01"
                              "&AlarmName=none&StateValue=OK&StateReason=x");
  EXPECT_EQ(query.status, 404);
  EXPECT_EQ(rig.xml(query).text_of("Error/Code"), "ResourceNotFound");
  const auto plain =
      rig.call("monitoring", "POST", "/", R"({"AlarmName":"none","StateValue":"OK"})",
               {{"X-Amz-Target", "GraniteServiceVersion20100801.SetAlarmState"}});
  EXPECT_EQ(plain.headers.get_or("x-amzn-query-error", ""), "ResourceNotFound;Sender");
  const auto binary = rig.call(
      "monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/SetAlarmState",
      cbor_encode(json::object{{"AlarmName", "none"}, {"StateValue", "OK"}}),
      {{"smithy-protocol", "rpc-v2-cbor"}});
  EXPECT_EQ(string_or(cbor_decode(binary.body)->as_object(), "__type"), "ResourceNotFound");
  const auto broken = rig.call("monitoring", "POST",
                               "/service/GraniteServiceVersion20100801/operation/DescribeAlarms",
                               "\xff", {{"smithy-protocol", "rpc-v2-cbor"}});
  EXPECT_EQ(broken.status, 400);
}

TEST(CloudWatchFace, MetricsGoInAndComeOut) {
  AwsRig rig;
  auto post = [&](const std::string& operation, const json::object& body) {
    const auto response =
        rig.call("monitoring", "POST", "/", json::serialize(body),
                 {{"X-Amz-Target", "GraniteServiceVersion20100801." + operation}});
    EXPECT_EQ(response.status, 200) << response.body;
    return *parse_json_object(response.body, "the answer");
  };
  const double now = static_cast<double>(rig.clock.now().unix_ms) / 1000;
  post(
      "PutMetricData",
      json::object{{"Namespace", "App"},
                   {"MetricData",
                    json::array{json::object{{"MetricName", "Requests"}, {"Value", 3}},
                                json::object{{"MetricName", "Requests"},
                                             {"StatisticValues", json::object{{"SampleCount", 2},
                                                                              {"Sum", 10},
                                                                              {"Minimum", 4},
                                                                              {"Maximum", 6}}}}}}});
  const json::object metric{{"Namespace", "App"}, {"MetricName", "Requests"}};
  const auto data = post(
      "GetMetricData",
      json::object{{"StartTime", now - 7200},
                   {"EndTime", now + 7200},
                   {"MetricDataQueries",
                    json::array{json::object{
                        {"Id", "m"},
                        {"MetricStat",
                         json::object{{"Metric", metric}, {"Period", 86400}, {"Stat", "Sum"}}}}}}});
  const json::object result = data.at("MetricDataResults").as_array().at(0).as_object();
  EXPECT_EQ(json::serialize(result.at("Values")), "[1.3E1]");
  const auto listed = post("ListMetrics", json::object{{"Namespace", "App"}});
  EXPECT_EQ(listed.at("Metrics").as_array().size(), 1u);
}

}  // namespace
}  // namespace pawl::sandbox
