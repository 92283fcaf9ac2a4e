#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sandbox/aws/rig.h"

namespace pawl::sandbox {
namespace {

constexpr const char* kFunction = "/2015-03-31/functions/f";

std::string text(const json::object& o, const char* path) {
  return string_or(o, path);
}

TEST(LambdaFace, AReleaseGoesThroughInTheDocumentedShapes) {
  AwsRig rig;
  rig.deploy();
  const json::object before = rig.lambda("GET", kFunction, 200);
  EXPECT_EQ(text(before, "Configuration.Version"), "$LATEST");
  EXPECT_EQ(text(before, "Code.RepositoryType"), "ECR");
  EXPECT_EQ(text(before, "Code.ResolvedImageUri"), rig.image('a'));
  EXPECT_EQ(text(before, "Configuration.FunctionArn"),
            "arn:aws:lambda:us-east-1:000000000000:function:f");

  const json::object updated =
      rig.lambda("PUT", std::string(kFunction) + "/code", 200,
                 json::object{{"ImageUri", rig.image('b')},
                              {"RevisionId", text(before, "Configuration.RevisionId")}});
  EXPECT_EQ(text(updated, "LastUpdateStatus"), "InProgress");
  EXPECT_EQ(text(updated, "CodeSha256"), std::string(64, 'b'));
  rig.settle();
  const json::object ready = rig.lambda("GET", std::string(kFunction) + "/configuration", 200);
  EXPECT_EQ(text(ready, "LastUpdateStatus"), "Successful");

  const json::object version = rig.lambda("POST", std::string(kFunction) + "/versions", 201,
                                          json::object{{"CodeSha256", std::string(64, 'b')},
                                                       {"RevisionId", text(ready, "RevisionId")},
                                                       {"Description", "v2"}});
  EXPECT_EQ(text(version, "Version"), "2");
  EXPECT_EQ(text(version, "State"), "Pending");
  EXPECT_EQ(text(version, "FunctionArn"), "arn:aws:lambda:us-east-1:000000000000:function:f:2");
  rig.settle();

  const json::object alias = rig.lambda("GET", std::string(kFunction) + "/aliases/live", 200);
  EXPECT_EQ(text(alias, "FunctionVersion"), "1");
  const json::object moved = rig.lambda(
      "PUT", std::string(kFunction) + "/aliases/live", 200,
      json::object{
          {"FunctionVersion", "2"},
          {"Description", "release 2"},
          {"RevisionId", text(alias, "RevisionId")},
          {"RoutingConfig", json::object{{"AdditionalVersionWeights", json::object{{"1", 0.1}}}}}});
  EXPECT_EQ(text(moved, "FunctionVersion"), "2");
  EXPECT_EQ(number_or(moved, "RoutingConfig.AdditionalVersionWeights.1"), 0.1);

  // Each version keeps its own image.
  EXPECT_EQ(text(rig.lambda("GET", std::string(kFunction) + "?Qualifier=1", 200),
                 "Code.ResolvedImageUri"),
            rig.image('a'));
  EXPECT_EQ(text(rig.lambda("GET", std::string(kFunction) + "?Qualifier=live", 200),
                 "Code.ResolvedImageUri"),
            rig.image('b'));
  const json::object list = rig.lambda("GET", std::string(kFunction) + "/versions", 200);
  EXPECT_EQ(list.at("Versions").as_array().size(), 3u);
  EXPECT_FALSE(list.at("Versions").as_array()[1].as_object().contains("State"));
}

TEST(LambdaFace, ErrorsNameTheirTypeInTheHeader) {
  AwsRig rig;
  rig.deploy();
  const struct {
    const char* method;
    std::string target;
    std::string body;
    int status;
    const char* type;
  } rows[] = {
      {"GET", "/2015-03-31/functions/none", "", 404, "ResourceNotFoundException"},
      {"GET", "/2015-03-31/functions/f?Qualifier=9", "", 404, "ResourceNotFoundException"},
      {"PUT", "/2015-03-31/functions/f/code",
       R"({"ImageUri":")" + rig.image('b') + R"(","RevisionId":"stale"})", 412,
       "PreconditionFailedException"},
      {"PUT", "/2015-03-31/functions/f/code", R"({"ImageUri":"127.0.0.1:4513/meals:no"})", 400,
       "InvalidParameterValueException"},
      {"PUT", "/2015-03-31/functions/f/code", "no json", 400, "InvalidRequestContentException"},
      {"DELETE", "/2015-03-31/functions/f?Qualifier=1", "", 409, "ResourceConflictException"},
      {"GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1", "", 404,
       "ProvisionedConcurrencyConfigNotFoundException"},
      {"POST", "/2015-03-31/functions/f/unknown", "{}", 501, "UnknownOperationException"},
  };
  for (const auto& row : rows) {
    const auto response = rig.call("lambda", row.method, row.target, row.body);
    EXPECT_EQ(response.status, row.status) << row.target << response.body;
    EXPECT_EQ(response.headers.get_or("x-amzn-ErrorType", ""), row.type) << row.target;
    EXPECT_FALSE(response.headers.get_or("x-amzn-RequestId", "").empty());
  }
}

TEST(LambdaFace, InvokeGivesTheFunctionsAnswerOrItsError) {
  AwsRig rig;
  rig.deploy();
  const std::string target = std::string(kFunction) + "/invocations?Qualifier=live";
  const Headers tail{{"X-Amz-Log-Type", "Tail"}};
  rig.runner.answer = [](const InvokeRequest& r) -> Result<InvokeResult> {
    InvokeResult result;
    result.payload = R"({"echo":)" + r.payload + "}";
    result.log_tail = "a line";
    return result;
  };
  auto response = rig.call("lambda", "POST", target, R"({"a":1})", tail);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"echo":{"a":1}})");
  EXPECT_EQ(response.headers.get_or("X-Amz-Executed-Version", ""), "1");
  EXPECT_EQ(response.headers.get_or("X-Amz-Log-Result", ""), base64_encode("a line"));
  EXPECT_FALSE(response.headers.has("X-Amz-Function-Error"));
  const InvokeRequest& request = rig.runner.calls.at(0);
  EXPECT_EQ(request.code.repository, "meals");
  EXPECT_EQ(request.code.image_digest, AwsRig::digest_of('a'));
  EXPECT_EQ(request.code.version, "1");
  EXPECT_EQ(request.invoked_arn, "arn:aws:lambda:us-east-1:000000000000:function:f:live");

  rig.runner.answer = [](const InvokeRequest&) -> Result<InvokeResult> {
    InvokeResult result;
    result.payload = R"({"errorMessage":"boom"})";
    result.function_error = "Unhandled";
    return result;
  };
  response = rig.call("lambda", "POST", target, "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get_or("X-Amz-Function-Error", ""), "Unhandled");
  const auto errors = rig.cloud.watch.statistic(
      {"AWS/Lambda", "Errors", {{"FunctionName", "f"}, {"Resource", "f:live"}}}, "Sum", 60, {0},
      rig.clock.now() + std::chrono::minutes(1));
  EXPECT_EQ(errors->back().value, 1);

  rig.runner.answer = [](const InvokeRequest&) -> Result<InvokeResult> {
    return Error(ErrorKind::not_found, "the image is gone");
  };
  response = rig.call("lambda", "POST", target, "");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.headers.get_or("x-amzn-ErrorType", ""), "ServiceException");
}

TEST(LambdaFace, InvokeKnowsItsOtherKinds) {
  AwsRig rig;
  rig.deploy();
  const std::string target = std::string(kFunction) + "/invocations";
  EXPECT_EQ(rig.call("lambda", "POST", target, "{}", {{"X-Amz-Invocation-Type", "DryRun"}}).status,
            204);
  EXPECT_TRUE(rig.runner.calls.empty());
  EXPECT_EQ(rig.call("lambda", "POST", target, "{}", {{"X-Amz-Invocation-Type", "Event"}}).status,
            202);
  EXPECT_EQ(rig.runner.calls.size(), 1u);
  EXPECT_EQ(rig.call("lambda", "POST", target, "no json").status, 400);
  EXPECT_EQ(rig.call("lambda", "POST", "/2015-03-31/functions/g/invocations", "{}").status, 404);
}

TEST(LambdaFace, ConcurrencyIsSetAndTheRunnerKeepsInstancesWarm) {
  AwsRig rig;
  rig.deploy();
  rig.lambda("PUT", "/2017-10-31/functions/f/concurrency", 200,
             json::object{{"ReservedConcurrentExecutions", 7}});
  EXPECT_EQ(int_or(rig.lambda("GET", "/2019-09-30/functions/f/concurrency", 200),
                   "ReservedConcurrentExecutions"),
            7);
  EXPECT_EQ(int_or(rig.lambda("GET", kFunction, 200), "Concurrency.ReservedConcurrentExecutions"),
            7);
  const std::string provisioned = "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=live";
  const auto put =
      rig.lambda("PUT", provisioned, 202, json::object{{"ProvisionedConcurrentExecutions", 2}});
  EXPECT_EQ(text(put, "Status"), "IN_PROGRESS");
  EXPECT_EQ(rig.runner.warm.at("f:1"), 2);
  rig.settle();
  EXPECT_EQ(text(rig.lambda("GET", provisioned, 200), "Status"), "READY");
  const auto list =
      rig.lambda("GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL", 200);
  EXPECT_EQ(list.at("ProvisionedConcurrencyConfigs").as_array().size(), 1u);
  rig.lambda("DELETE", provisioned, 204);
  EXPECT_EQ(rig.runner.warm.at("f:1"), 0);
  rig.lambda("DELETE", "/2017-10-31/functions/f/concurrency", 204);
}

TEST(LambdaFace, ReservedConcurrencyLimitsTheCalls) {
  AwsRig rig;
  rig.deploy();
  ASSERT_TRUE(rig.cloud.lambda.put_reserved_concurrency("f", 0, rig.clock.now()).ok());
  const auto response = rig.call("lambda", "POST", std::string(kFunction) + "/invocations", "{}");
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.headers.get_or("x-amzn-ErrorType", ""), "TooManyRequestsException");
}

TEST(LambdaFace, TagsAreNamedByAnEncodedArn) {
  AwsRig rig;
  rig.deploy();
  const std::string target = "/2017-03-31/tags/" + url_encode(rig.cloud.lambda.function_arn("f"));
  rig.lambda("POST", target, 204, json::object{{"Tags", json::object{{"pawl", "1"}, {"b", "2"}}}});
  rig.lambda("DELETE", target + "?tagKeys=b", 204);
  EXPECT_EQ(json::serialize(rig.lambda("GET", target, 200)), R"({"Tags":{"pawl":"1"}})");
}

TEST(LambdaFace, CreatesAndDeletesFunctions) {
  AwsRig rig;
  rig.deploy();
  const json::object created = rig.lambda(
      "POST", "/2015-03-31/functions", 201,
      json::object{{"FunctionName", "g"},
                   {"PackageType", "Image"},
                   {"Code", json::object{{"ImageUri", rig.image('b')}}},
                   {"Role", rig.cloud.sts.role_arn("g")},
                   {"MemorySize", 512},
                   {"Environment", json::object{{"Variables", json::object{{"STAGE", "dev"}}}}},
                   {"ImageConfig", json::object{{"Command", json::array{"serve"}}}},
                   {"Publish", true}});
  EXPECT_EQ(text(created, "Version"), "1");
  EXPECT_EQ(text(created, "State"), "Pending");
  EXPECT_EQ(text(created, "Environment.Variables.STAGE"), "dev");
  EXPECT_EQ(int_or(created, "MemorySize"), 512);
  EXPECT_EQ(rig.lambda("GET", "/2015-03-31/functions/", 200).at("Functions").as_array().size(), 2u);
  rig.lambda("DELETE", "/2015-03-31/functions/g", 204);
  EXPECT_EQ(rig.runner.retired, (std::vector<std::string>{"g:"}));
  rig.lambda("GET", "/2015-03-31/functions/g", 404);
}

}  // namespace
}  // namespace pawl::sandbox
