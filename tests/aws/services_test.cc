// What goes over the wire for each call, and what is read from the answers.
#include <gtest/gtest.h>

#include "aws/api_gateway.h"
#include "aws/cloud_watch.h"
#include "aws/ecr.h"
#include "aws/lambda.h"
#include "aws/s3.h"
#include "aws/sts.h"
#include "base/hash.h"
#include "base/secret.h"
#include "fake_http.h"
#include "support/fakes/run.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

using fakes::run;
using test::Wire;

const char* const kConfiguration =
    "{\"FunctionName\":\"meals\",\"FunctionArn\":\"arn:aws:lambda:x\",\"Version\":\"7\","
    "\"RevisionId\":\"r1\",\"CodeSha256\":\"abc\",\"State\":\"Active\","
    "\"LastUpdateStatus\":\"InProgress\",\"Architectures\":[\"arm64\"]}";

TEST(Lambda, ReadsAFunctionWithItsImage) {
  Wire wire;
  wire.http.answer(200,
                   std::string("{\"Configuration\":") + kConfiguration +
                       ",\"Code\":{\"ImageUri\":\"h/r:t\",\"ResolvedImageUri\":\"h/r@sha256:1\"}}");
  Lambda lambda(wire.client);
  auto state = run(lambda.get("meals", "live"));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->version, "7");
  EXPECT_EQ(state->revision_id, "r1");
  EXPECT_EQ(state->image_uri, "h/r:t");
  EXPECT_EQ(state->resolved_image_uri, "h/r@sha256:1");
  EXPECT_EQ(state->last_update_status, "InProgress");
  EXPECT_EQ(state->architecture, "arm64");
  EXPECT_EQ(wire.last().url,
            "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/meals?Qualifier=live");
}

TEST(Lambda, SendsPreconditionsOnlyWhenThereAreSome) {
  Wire wire;
  Lambda lambda(wire.client);
  wire.http.answer(200, kConfiguration);
  ASSERT_TRUE(run(lambda.update_code("meals", "h/r@sha256:1", "r1")).ok());
  EXPECT_EQ(wire.last().method, "PUT");
  EXPECT_EQ(wire.last().body, "{\"ImageUri\":\"h/r@sha256:1\",\"RevisionId\":\"r1\"}");
  wire.http.answer(201, kConfiguration);
  ASSERT_TRUE(run(lambda.publish_version("meals", "", "", "the key")).ok());
  EXPECT_EQ(wire.last().body, "{\"Description\":\"the key\"}");
  EXPECT_EQ(wire.last().url,
            "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/meals/versions");
}

TEST(Lambda, ListsAllPagesWithoutLatest) {
  Wire wire;
  wire.http.answer(200,
                   "{\"Versions\":[{\"Version\":\"$LATEST\"},{\"Version\":\"1\"}],"
                   "\"NextMarker\":\"m/1\"}");
  wire.http.answer(200, "{\"Versions\":[{\"Version\":\"2\"}]}");
  Lambda lambda(wire.client);
  auto versions = run(lambda.list_versions("meals"));
  ASSERT_TRUE(versions.ok());
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ((*versions)[1].version, "2");
  EXPECT_NE(wire.last().url.find("Marker=m%2F1"), std::string::npos);
}

TEST(Lambda, AnAliasThatIsNotThereIsAValue) {
  Wire wire;
  Lambda lambda(wire.client);
  wire.http.answer(404, "{}", {{"x-amzn-ErrorType", "ResourceNotFoundException"}});
  auto alias = run(lambda.get_alias("meals", "live"));
  ASSERT_TRUE(alias.ok());
  EXPECT_FALSE(alias->has_value());
  wire.http.answer(403, "{}", {{"x-amzn-ErrorType", "AccessDeniedException"}});
  EXPECT_FALSE(run(lambda.get_alias("meals", "live")).ok());
}

TEST(Lambda, AliasesCarryTheirWeightsAlsoWhenThereAreNone) {
  Wire wire;
  Lambda lambda(wire.client);
  AliasState alias{"meals", "live", "3", "words", "r9", {{"2", 0.25}}};
  wire.http.answer(200,
                   "{\"Name\":\"live\",\"FunctionVersion\":\"3\",\"RevisionId\":\"r10\","
                   "\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.25}}}");
  auto updated = run(lambda.update_alias(alias));
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(updated->revision_id, "r10");
  EXPECT_DOUBLE_EQ(updated->additional_weights.at("2"), 0.25);
  EXPECT_NE(wire.last().body.find("\"RevisionId\":\"r9\""), std::string::npos);
  alias.additional_weights.clear();
  wire.http.answer(200, "{}");
  ASSERT_TRUE(run(lambda.update_alias(alias)).ok());
  EXPECT_NE(wire.last().body.find("\"RoutingConfig\":{\"AdditionalVersionWeights\":{}}"),
            std::string::npos);
}

TEST(Lambda, InvokesOnceAndTellsAFunctionsOwnError) {
  Wire wire;
  Lambda lambda(wire.client);
  FunctionCall call;
  call.function = "meals";
  call.qualifier = "4";
  call.payload = "{}";
  call.timeout = std::chrono::minutes(2);
  wire.http.answer(200, "{\"errorMessage\":\"boom\"}",
                   {{"X-Amz-Function-Error", "Unhandled"},
                    {"X-Amz-Executed-Version", "4"},
                    {"X-Amz-Log-Result", "dHJhY2ViYWNrCg=="}});
  auto invoked = run(lambda.call(call));
  ASSERT_TRUE(invoked.ok());
  EXPECT_EQ(invoked->function_error, "Unhandled");
  EXPECT_EQ(invoked->executed_version, "4");
  EXPECT_EQ(invoked->log_tail, "traceback\n");
  EXPECT_EQ(wire.last().headers.get_or("X-Amz-Log-Type", ""), "Tail");
  EXPECT_EQ(wire.last().headers.get_or("X-Amz-Invocation-Type", ""), "RequestResponse");
  EXPECT_GE(wire.last().timeout, call.timeout);
  wire.http.answer(502, "");
  auto lost = run(lambda.call(call));
  ASSERT_FALSE(lost.ok());
  EXPECT_TRUE(lost.error().outcome_unknown());
  EXPECT_EQ(wire.http.requests.size(), 2u);
}

TEST(Lambda, ProvisionedConcurrencyIsReadSetAndTakenAway) {
  Wire wire;
  Lambda lambda(wire.client);
  wire.http.answer(404, "{}",
                   {{"x-amzn-ErrorType", "ProvisionedConcurrencyConfigNotFoundException"}});
  EXPECT_FALSE(run(lambda.provisioned("meals", "live"))->has_value());
  wire.http.answer(202,
                   "{\"RequestedProvisionedConcurrentExecutions\":5,\"Status\":\"IN_PROGRESS\"}");
  EXPECT_EQ(run(lambda.provision("meals", "live", 5))->requested, 5);
  EXPECT_EQ(wire.last().url,
            "https://lambda.us-east-1.amazonaws.com/2019-09-30/functions/meals/"
            "provisioned-concurrency?Qualifier=live");
  wire.http.answer(204, "");
  EXPECT_TRUE(run(lambda.unprovision("meals", "live")).ok());
}

TEST(Lambda, TellsWhatAVersionPinsAndKeepsItsValuesToItself) {
  Wire wire;
  Lambda lambda(wire.client);
  wire.http.answer(200,
                   "{\"Configuration\":{\"Role\":\"arn:aws:iam::1:role/meals\",\"MemorySize\":512,"
                   "\"Timeout\":30,\"Environment\":{\"Variables\":{\"STAGE\":\"production\","
                   "\"DB_PASSWORD\":\"correct horse battery\",\"SECRET_ARN\":\"arn:aws:sm:1:x\","
                   "\"DSN\":\"postgres://u:staple-gun@db/meals\"}}},\"Code\":{}}");
  auto state = run(lambda.get("meals", ""));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->role, "arn:aws:iam::1:role/meals");
  EXPECT_EQ(state->memory_mb, 512);
  EXPECT_EQ(state->timeout_seconds, 30);
  ASSERT_EQ(state->environment.size(), 4u);
  for (const auto& [name, hash] : state->environment) EXPECT_EQ(hash.size(), 64u) << name;
  EXPECT_TRUE(holds_secret("it said correct horse battery"));
  EXPECT_TRUE(holds_secret("staple-gun"));
  EXPECT_FALSE(holds_secret("production arn:aws:sm:1:x"));
}

TEST(Lambda, ListsAliasesPageByPageAndDeletesOneVersion) {
  Wire wire;
  Lambda lambda(wire.client);
  wire.http.answer(200,
                   "{\"Aliases\":[{\"Name\":\"a\",\"FunctionVersion\":\"1\"}],"
                   "\"NextMarker\":\"m\"}");
  wire.http.answer(200, "{\"Aliases\":[{\"Name\":\"b\",\"FunctionVersion\":\"2\"}]}");
  auto aliases = run(lambda.list_aliases("meals"));
  ASSERT_TRUE(aliases.ok());
  ASSERT_EQ(aliases->size(), 2u);
  EXPECT_EQ(aliases->back().version, "2");
  wire.http.answer(204, "");
  ASSERT_TRUE(run(lambda.delete_version("meals", "3")).ok());
  EXPECT_EQ(wire.last().method, "DELETE");
  EXPECT_NE(wire.last().url.find("/functions/meals?Qualifier=3"), std::string::npos);
  wire.http.answer(200, "{\"ReservedConcurrentExecutions\":7}");
  EXPECT_EQ(*run(lambda.reserved("meals")), std::optional<int>(7));
  wire.http.answer(200, "{}");
  EXPECT_EQ(*run(lambda.reserved("meals")), std::nullopt);
}

TEST(Ecr, FindsARepositoryAndLogsIn) {
  Wire wire;
  Ecr ecr(wire.client);
  wire.http.answer(200, "{\"repositories\":[{\"repositoryUri\":\"1.dkr.ecr.x/meals\"}]}");
  EXPECT_EQ(*run(ecr.find_uri("meals")), "1.dkr.ecr.x/meals");
  EXPECT_EQ(wire.last().headers.get_or("X-Amz-Target", ""),
            "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories");
  wire.http.answer(400, "{\"__type\":\"RepositoryNotFoundException\"}");
  EXPECT_EQ(run(ecr.find_uri("meals")).error().kind(), ErrorKind::not_found);
  wire.http.answer(200,
                   "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnBhc3N3b3Jk\","
                   "\"expiresAt\":1.7e9,\"proxyEndpoint\":\"https://1.dkr.ecr.x\"}]}");
  auto login = run(ecr.login());
  ASSERT_TRUE(login.ok());
  EXPECT_EQ(login->user, "AWS");
  EXPECT_EQ(login->password.reveal_for("the test"), "password");
  EXPECT_EQ(login->expires.unix_ms, 1'700'000'000'000);
  wire.http.answer(200, "{\"authorizationData\":[{\"authorizationToken\":\"!\"}]}");
  EXPECT_FALSE(run(ecr.login()).ok());
}

TEST(Ecr, AnImageThatIsNotThereIsAnAnswer) {
  Wire wire;
  Ecr ecr(wire.client);
  wire.http.answer(200, "{\"images\":[],\"failures\":[{\"failureCode\":\"ImageNotFound\"}]}");
  EXPECT_FALSE(*run(ecr.has_image("meals", "sha256:1")));
  wire.http.answer(400, "{\"__type\":\"ImageNotFoundException\"}");
  EXPECT_TRUE(run(ecr.images("meals", "sha256:1"))->empty());
}

TEST(ApiGateway, FindsAnApiByNameOverAllPages) {
  Wire wire;
  ApiGateway gateway(wire.client);
  wire.http.answer(200,
                   "{\"items\":[{\"name\":\"other\",\"apiEndpoint\":\"https://o\"}],"
                   "\"nextToken\":\"n=\"}");
  wire.http.answer(200, "{\"items\":[{\"name\":\"meals\",\"apiEndpoint\":\"https://m\"}]}");
  EXPECT_EQ(*run(gateway.find_url("meals")), "https://m");
  EXPECT_NE(wire.last().url.find("nextToken=n%3D"), std::string::npos);
  wire.http.answer(200, "{\"items\":[]}");
  EXPECT_EQ(run(gateway.find_url("meals")).error().kind(), ErrorKind::not_found);
  wire.http.answer(200,
                   "{\"items\":[{\"name\":\"m\",\"apiEndpoint\":\"a\"},"
                   "{\"name\":\"m\",\"apiEndpoint\":\"b\"}]}");
  EXPECT_EQ(run(gateway.find_url("m")).error().kind(), ErrorKind::conflict);
}

TEST(CloudWatch, ReadsAlarmsAndMetrics) {
  Wire wire;
  CloudWatch watch(wire.client);
  wire.http.answer(200,
                   "<DescribeAlarmsResponse><DescribeAlarmsResult><MetricAlarms><member>"
                   "<AlarmName>errors</AlarmName><StateValue>ALARM</StateValue></member>"
                   "</MetricAlarms></DescribeAlarmsResult></DescribeAlarmsResponse>");
  auto alarms = run(watch.alarms({"errors"}));
  ASSERT_TRUE(alarms.ok());
  ASSERT_EQ(alarms->size(), 1u);
  EXPECT_EQ((*alarms)[0].state, "ALARM");
  wire.http.answer(200,
                   "<R><GetMetricDataResult><MetricDataResults><member><Timestamps>"
                   "<member>2026-01-01T00:01:00Z</member><member>2026-01-01T00:00:00Z</member>"
                   "</Timestamps><Values><member>2.5</member><member>1</member></Values></member>"
                   "</MetricDataResults></GetMetricDataResult></R>");
  MetricQuery query;
  query.metric_namespace = "AWS/Lambda";
  query.name = "Errors";
  query.dimensions = {{"FunctionName", "meals"}};
  auto points = run(watch.metric(query, {0}, {1000}));
  ASSERT_TRUE(points.ok());
  ASSERT_EQ(points->size(), 2u);
  EXPECT_DOUBLE_EQ((*points)[0].value, 1);
  EXPECT_NE(wire.last().body.find("Dimensions.member.1.Name=FunctionName"), std::string::npos);
}

TEST(S3, BucketsAreHostsAtAwsAndPathsElsewhere) {
  Wire aws;
  aws.http.answer(404, "");
  EXPECT_FALSE(run(S3(aws.client).head("bucket", "a b/c"))->has_value());
  EXPECT_EQ(aws.last().url, "https://bucket.s3.us-east-1.amazonaws.com/a%20b/c");
  aws.http.answer(404, "");
  (void)run(S3(aws.client).head("dotted.bucket", "k"));
  EXPECT_EQ(aws.last().url, "https://s3.us-east-1.amazonaws.com/dotted.bucket/k");
  Wire local({"us-east-1", {{"", "http://127.0.0.1:4510"}}});
  local.http.answer(404, "");
  (void)run(S3(local.client).head("bucket", "k"));
  EXPECT_EQ(local.last().url, "http://127.0.0.1:4510/bucket/k");
}

TEST(S3, PutsCarryHashHeadersAndPreconditions) {
  Wire wire;
  S3 store(wire.client);
  PutRequest request;
  request.bucket = "bucket";
  request.key = "index.html";
  request.body = std::string("hello");
  request.content_type = "text/html";
  request.cache_control = "no-cache";
  request.if_match = "old";
  wire.http.answer(200, "", {{"ETag", "\"new\""}});
  auto put = run(store.put(request));
  ASSERT_TRUE(put.ok());
  EXPECT_EQ(put->etag, "new");
  const Headers& headers = wire.last().headers;
  EXPECT_EQ(headers.get_or("If-Match", ""), "\"old\"");
  EXPECT_EQ(headers.get_or("Cache-Control", ""), "no-cache");
  EXPECT_EQ(headers.get_or("x-amz-meta-sha256", ""), sha256_hex("hello"));
  EXPECT_EQ(headers.get_or("x-amz-content-sha256", ""), sha256_hex("hello"));
  EXPECT_EQ(headers.get_or("x-amz-checksum-sha256", ""),
            "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
  for (const int status : {412, 404}) {
    wire.http.answer(status, "");
    EXPECT_EQ(run(store.put(request)).error().kind(), ErrorKind::conflict) << status;
  }
}

TEST(S3, ABucketInAnotherRegionIsSaidSo) {
  Wire wire;
  wire.http.answer(301, "<Error><Code>PermanentRedirect</Code></Error>");
  auto listed = run(S3(wire.client).list("bucket", "", kEveryObject));
  ASSERT_FALSE(listed.ok());
  EXPECT_EQ(listed.error().kind(), ErrorKind::config);
  EXPECT_NE(listed.error().hint().find("region"), std::string::npos);
}

TEST(S3, PartsThatFailAreTakenBack) {
  Wire wire;
  pawl::test::TempFolder folder;
  PutRequest request;
  request.bucket = "bucket";
  request.key = "large.bin";
  const uint64_t size = kMultipartBytes + 1;
  request.body = FileOnDisk{folder.write("large.bin", std::string(size, 'x')), size};
  wire.http.answer(200, "<R><UploadId>u1</UploadId></R>");
  wire.http.answer(200, "", {{"ETag", "\"p1\""}});
  wire.http.answer(403, "<Error><Code>AccessDenied</Code></Error>");
  wire.http.answer(204, "");
  auto put = run(S3(wire.client).put(request));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().kind(), ErrorKind::denied);
  EXPECT_EQ(wire.last().method, "DELETE");
  EXPECT_NE(wire.last().url.find("uploadId=u1"), std::string::npos);
}

TEST(S3, PartsAreNeverMoreThanTenThousand) {
  EXPECT_EQ(part_bytes_for(20u << 20), 8u << 20);
  const uint64_t huge = uint64_t{5} << 40;
  EXPECT_LE((huge + part_bytes_for(huge) - 1) / part_bytes_for(huge), 10'000u);
}

}  // namespace
}  // namespace pawl::aws
