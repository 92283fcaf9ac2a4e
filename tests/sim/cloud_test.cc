#include "sim/cloud/cloud.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sim/world.h"

namespace pawl::cloud {
namespace {

std::string token(const std::string& claims) {
  std::string payload = base64_encode(claims);
  while (!payload.empty() && payload.back() == '=') payload.pop_back();
  return "e30." + payload + ".c2ln";
}

struct Identity : World {
  Identity() { cloud.sts.add_role("deployer", now); }
  Result<AssumedRole> assume(const std::string& claims, int seconds = 3600,
                             const std::string& role = "deployer") {
    return cloud.sts.assume_with_web_identity(
        {cloud.sts.role_arn(role), "run-1", token(claims), seconds}, now);
  }
};

constexpr const char* kClaims =
    R"({"iss":"https://token.actions.githubusercontent.com","aud":"sts.amazonaws.com",)"
    R"("sub":"repo:example/meals:environment:dev"})";

TEST(StsModel, ARoleIsTakenForATimeWithAWebIdentity) {
  Identity w;
  auto assumed = w.assume(kClaims, 900);
  ASSERT_TRUE(assumed.ok()) << assumed.error().message();
  const Principal& p = assumed->principal;
  EXPECT_EQ(p.arn, "arn:aws:sts::000000000000:assumed-role/deployer/run-1");
  EXPECT_EQ(p.access_key_id.substr(0, 4), "ASIA");
  EXPECT_EQ(assumed->subject, "repo:example/meals:environment:dev");
  EXPECT_EQ(w.cloud.sts.find_key(p.access_key_id, p.session_token, w.now)->secret, p.secret);
  EXPECT_EQ(code_of(w.cloud.sts.find_key(p.access_key_id, "", w.now)), "InvalidClientTokenId");
  w.pass(900s);
  EXPECT_EQ(code_of(w.cloud.sts.find_key(p.access_key_id, p.session_token, w.now)), "ExpiredToken");
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
TEST(StsModel, ArnsNameThePartitionOfTheRegion) {
  const std::pair<const char*, std::string> rows[] = {{"eu-central-1", "arn:aws:"},
                                                      {"cn-north-1", "arn:aws-cn:"},
                                                      {"us-gov-west-1", "arn:aws-us-gov:"}};
  for (const auto& [region, prefix] : rows) {
    MemoryBlobStore blobs;
    CloudOptions options;
    options.account = {"111122223333", region};
    Cloud cloud{options, blobs};
    const WallTime now{1'790'000'000'000};
    cloud.sts.add_key("AKIA", "secret", "ana");
    EXPECT_EQ(cloud.sts.key("AKIA")->arn, prefix + "iam::111122223333:user/ana");
    const std::string role = cloud.sts.role_arn("deployer");
    EXPECT_EQ(role, prefix + "iam::111122223333:role/deployer");
    cloud.sts.add_role("deployer", now);
    const auto assumed = cloud.sts.assume_role(role, "run-1", 900, now);
    ASSERT_TRUE(assumed.ok()) << assumed.error().message();
    EXPECT_EQ(assumed->principal.arn, prefix + "sts::111122223333:assumed-role/deployer/run-1");
    EXPECT_EQ(cloud.lambda.function_arn("f"),
              prefix + "lambda:" + region + ":111122223333:function:f");
    EXPECT_EQ(cloud.sts.assume_role("arn:other:iam::111122223333:role/deployer", "r1", 900, now)
                  .error()
                  .code(),
              "AccessDenied");
  }
}

TEST(StsModel, RefusesWhatItShould) {
  Identity w;
  EXPECT_EQ(code_of(w.assume(kClaims, 3600, "nobody")), "AccessDenied");
  EXPECT_EQ(code_of(w.assume(R"({"aud":"other","sub":"x"})")), "InvalidIdentityToken");
  EXPECT_EQ(code_of(w.assume(R"({"aud":"sts.amazonaws.com","sub":"x","exp":1})")),
            "ExpiredTokenException");
  EXPECT_EQ(code_of(w.assume(kClaims, 60)), "ValidationError");
  EXPECT_EQ(code_of(w.assume(kClaims, 7200)), "ValidationError");
  EXPECT_EQ(code_of(w.cloud.sts.assume_with_web_identity(
                {w.cloud.sts.role_arn("deployer"), "run-1", "no-jwt", 3600}, w.now)),
            "InvalidIdentityToken");
  w.cloud.sts.find_role("deployer")->subjects = {"repo:example/meals:environment:*"};
  EXPECT_TRUE(w.assume(kClaims).ok());
  w.cloud.sts.find_role("deployer")->subjects = {"repo:example/other:*"};
  EXPECT_EQ(code_of(w.assume(kClaims)), "AccessDenied");
}

TEST(EcrModel, KnowsImagesByDigestAndByTag) {
  World w;
  auto by_tag = w.cloud.ecr.find_image("meals", {"", "a"});
  ASSERT_TRUE(by_tag.ok());
  EXPECT_EQ(by_tag->digest, digest_of('a'));
  EXPECT_EQ(by_tag->size_bytes, 42u);
  EXPECT_EQ(code_of(w.cloud.ecr.find_image("meals", {digest_of('b'), "a"})),
            "ImageNotFoundException");
  // A tag that moves leaves the image behind, untagged.
  ASSERT_TRUE(w.cloud.ecr.put_image("meals", "a", digest_of('b'), kManifestType, "{}", w.now).ok());
  EXPECT_EQ(w.cloud.ecr.find_image("meals", {"", "a"})->digest, digest_of('b'));
  EXPECT_TRUE(w.cloud.ecr.find_image("meals", {digest_of('a'), ""})->tags.empty());
}

TEST(EcrModel, AnImmutableTagIsNotMoved) {
  World w;
  ASSERT_TRUE(w.cloud.ecr.set_immutable_tags("meals", true, w.now).ok());
  EXPECT_EQ(code_of(w.cloud.ecr.check_push("meals", "a", digest_of('b'))),
            "ImageTagAlreadyExistsException");
  EXPECT_TRUE(w.cloud.ecr.check_push("meals", "a", digest_of('a')).ok());
  EXPECT_TRUE(w.cloud.ecr.check_push("meals", "new", digest_of('a')).ok());
  EXPECT_EQ(code_of(w.cloud.ecr.check_push("other", "a", digest_of('a'))),
            "RepositoryNotFoundException");
}

TEST(EcrModel, DeletingTellsTheRegistry) {
  World w;
  std::vector<std::string> gone;
  w.cloud.ecr.hooks.image_removed = [&](const std::string& repository, const std::string& digest) {
    gone.push_back(repository + "@" + digest);
  };
  w.cloud.ecr.hooks.tag_removed = [&](const std::string& repository, const std::string& tag) {
    gone.push_back(repository + ":" + tag);
  };
  ASSERT_TRUE(
      w.cloud.ecr.put_image("meals", "a2", digest_of('a'), kManifestType, "{}", w.now).ok());
  ASSERT_TRUE(w.cloud.ecr.remove_image("meals", {"", "a"}, w.now).ok());
  ASSERT_TRUE(w.cloud.ecr.remove_image("meals", {"", "a2"}, w.now).ok());
  EXPECT_EQ(gone, (std::vector<std::string>{"meals:a", "meals@" + digest_of('a')}));
  EXPECT_EQ(code_of(w.cloud.ecr.remove("meals", false, w.now)), "RepositoryNotEmptyException");
  EXPECT_TRUE(w.cloud.ecr.remove("meals", true, w.now).ok());
}

TEST(EcrModel, ItsTokensEndAfterTwelveHours) {
  World w;
  const RegistryToken token = w.cloud.ecr.issue_token(w.now);
  EXPECT_TRUE(w.cloud.ecr.accepts_password(token.password, w.now));
  EXPECT_FALSE(w.cloud.ecr.accepts_password("wrong", w.now));
  w.pass(12h);
  EXPECT_FALSE(w.cloud.ecr.accepts_password(token.password, w.now));
}

TEST(EcrModel, RepositoryNamesAreChecked) {
  World w;
  for (const char* name : {"a", "Upper", "-a", "a//b", "a/", "a b", "a__b"})
    EXPECT_EQ(code_of(w.cloud.ecr.create(name, false, w.now)), "InvalidParameterException") << name;
  for (const char* name : {"ab", "team/app", "a-b.c_d/e0"})
    EXPECT_TRUE(w.cloud.ecr.create(name, false, w.now).ok()) << name;
}

TEST(ApiGatewayModel, AQuickApiLeadsToItsFunction) {
  World w;
  HttpApi wanted;
  wanted.name = "meals-dev";
  auto api = w.cloud.apis.create(wanted, w.cloud.lambda.function_arn("f", "live"), w.now);
  ASSERT_TRUE(api.ok());
  EXPECT_EQ(api->endpoint, "http://127.0.0.1:4520");
  auto target = w.cloud.apis.target(api->id, "GET", "/health");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->function, "f");
  EXPECT_EQ(target->qualifier, "live");
  EXPECT_EQ(target->route_key, "$default");
  // As Terraform writes it.
  const std::string integration = api->integrations.begin()->first;
  ASSERT_TRUE(w.cloud.apis
                  .update_integration(
                      api->id, integration,
                      [&](Integration& i) {
                        i.uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" +
                                w.cloud.lambda.function_arn("g") + "/invocations";
                      },
                      w.now)
                  .ok());
  EXPECT_EQ(w.cloud.apis.target(api->id, "GET", "/")->function, "g");
  EXPECT_EQ(w.cloud.apis.target(api->id, "GET", "/")->qualifier, "");
}

TEST(ApiGatewayModel, NumbersOfDeletedApisAreUsedAgain) {
  World w;
  HttpApi wanted;
  wanted.name = "x";
  const std::string first = w.cloud.apis.create(wanted, "", w.now)->id;
  EXPECT_EQ(w.cloud.apis.create(wanted, "", w.now)->number, 1);
  ASSERT_TRUE(w.cloud.apis.remove(first, w.now).ok());
  EXPECT_EQ(w.cloud.apis.create(wanted, "", w.now)->number, 0);
}

TEST(CloudWatchModel, SumsUpByPeriod) {
  World w;
  w.now = {60'000 * 1000};
  const MetricId id{"App", "Errors", {{"Env", "dev"}}};
  for (const auto& [offset, value] : {std::pair{0, 1.0}, {30, 3.0}, {61, 10.0}})
    ASSERT_TRUE(
        w.cloud.watch
            .put(id, {w.now + std::chrono::seconds(offset), 1, value, value, value, "Count"}, w.now)
            .ok());
  const WallTime end = w.now + 5min;
  auto sums = w.cloud.watch.statistic(id, "Sum", 60, w.now, end);
  ASSERT_EQ(sums->size(), 2u);
  EXPECT_EQ((*sums)[0].value, 4);
  EXPECT_EQ((*sums)[1].value, 10);
  EXPECT_EQ((*w.cloud.watch.statistic(id, "Average", 300, w.now, end))[0].value, 14.0 / 3);
  EXPECT_EQ((*w.cloud.watch.statistic(id, "p50", 300, w.now, end))[0].value, 3);
  EXPECT_EQ(code_of(w.cloud.watch.statistic(id, "Median", 60, w.now, end)),
            "InvalidParameterValue");
}

TEST(CloudWatchModel, AnAlarmFollowsItsMetricAndElseKeepsWhatWasSet) {
  World w;
  w.now = {60'000 * 1000};
  Alarm alarm;
  alarm.name = "errors";
  alarm.metric = {"App", "Errors", {}};
  alarm.statistic = "Sum";
  alarm.threshold = 5;
  ASSERT_TRUE(w.cloud.watch.put_alarm(alarm, w.now).ok());
  auto state = [&] { return w.cloud.watch.alarms({}, w.now).items.at(0).state; };
  EXPECT_EQ(state(), "INSUFFICIENT_DATA");
  ASSERT_TRUE(w.cloud.watch.set_state("errors", "ALARM", "a drill", w.now).ok());
  EXPECT_EQ(state(), "ALARM");
  ASSERT_TRUE(w.cloud.watch.put(alarm.metric, {w.now, 1, 1, 1, 1, "Count"}, w.now).ok());
  w.pass(60s);
  EXPECT_EQ(state(), "OK");
  ASSERT_TRUE(w.cloud.watch.put(alarm.metric, {w.now, 1, 9, 9, 9, "Count"}, w.now).ok());
  w.pass(60s);
  EXPECT_EQ(state(), "ALARM");
  EXPECT_EQ(code_of(w.cloud.watch.set_state("none", "OK", "", w.now)), "ResourceNotFound");
  EXPECT_EQ(code_of(w.cloud.watch.set_state("errors", "FINE", "", w.now)), "ValidationError");
}

TEST(Cloud, TheLedgerHoldsEachChangeOnceAndNoReadsAndNoRefusals) {
  World w;
  w.deployed();
  const auto before = w.cloud.ledger.last_sequence();
  (void)w.cloud.lambda.get("f", "", w.now);
  (void)w.cloud.lambda.list_versions("f", "", 10, w.now);
  (void)w.cloud.lambda.update_code("f", {"nonsense", "", "", false, false}, w.now);
  (void)w.cloud.lambda.publish("f", {}, w.now);  // unchanged
  w.cloud.record_call({"f", "live", "1", 5ms, false, false}, w.now);
  EXPECT_EQ(w.cloud.ledger.last_sequence(), before);
  (void)w.cloud.lambda.update_alias({"f", "live", {}, "x", {}, ""}, w.now);
  EXPECT_EQ(w.cloud.ledger.last_sequence(), before + 1);
  const Mutation& last = w.cloud.ledger.entries().back();
  EXPECT_EQ(last.action, "UpdateAlias");
  EXPECT_EQ(last.resource, "f:live");
  EXPECT_EQ(last.time, w.now);
}

TEST(Cloud, CallsAreCountedByFunctionAliasAndVersion) {
  World w;
  w.cloud.record_call({"f", "live", "2", 120ms, true, false}, w.now);
  const WallTime end = w.now + 1min;
  for (const Dimensions& dimensions :
       {Dimensions{{"FunctionName", "f"}},
        Dimensions{{"FunctionName", "f"}, {"Resource", "f:live"}},
        Dimensions{{"FunctionName", "f"}, {"Resource", "f:live"}, {"ExecutedVersion", "2"}}}) {
    auto errors =
        w.cloud.watch.statistic({"AWS/Lambda", "Errors", dimensions}, "Sum", 60, w.now, end);
    ASSERT_EQ(errors->size(), 1u);
    EXPECT_EQ(errors->front().value, 1);
  }
}

TEST(Cloud, TheSameSeedGivesTheSameWorld) {
  World first;
  World second;
  for (World* w : {&first, &second}) {
    w->deployed();
    w->release('b');
    (void)w->cloud.s3.create_bucket("site", w->now);
  }
  EXPECT_EQ(first.cloud.to_json(), second.cloud.to_json());
}

TEST(Cloud, TheStateSurvivesBeingWrittenAndRead) {
  Identity w;
  w.deployed();
  ASSERT_TRUE(w.assume(kClaims).ok());
  w.release('b');
  ASSERT_TRUE(w.cloud.lambda.put_provisioned("f", "live", 2, w.now).ok());
  ASSERT_TRUE(w.cloud.lambda.put_reserved_concurrency("f", 5, w.now).ok());
  ASSERT_TRUE(w.cloud.lambda.tag("f", {{"k.with.dots", "v"}}, w.now).ok());
  UpdateSettings settings;
  settings.environment = std::map<std::string, std::string>{{"A.B", "c"}};
  ASSERT_TRUE(w.cloud.lambda.update_settings("f", settings, w.now).ok());  // stays in progress
  ASSERT_TRUE(w.cloud.s3.create_bucket("site", w.now).ok());
  ASSERT_TRUE(w.cloud.s3.put_bytes("site", "a", "body", {}, {}, w.now).ok());
  auto upload = w.cloud.s3.create_upload("site", "big", {}, w.now);
  ASSERT_TRUE(w.cloud.s3.upload_part("site", "big", upload->id, 1, *w.blobs.put("x"), w.now).ok());
  HttpApi api;
  api.name = "f";
  ASSERT_TRUE(w.cloud.apis.create(api, w.cloud.lambda.function_arn("f", "live"), w.now).ok());
  Alarm alarm;
  alarm.name = "errors";
  ASSERT_TRUE(w.cloud.watch.put_alarm(alarm, w.now).ok());
  ASSERT_TRUE(w.cloud.watch.put({"N", "M", {}}, {w.now, 1, 2, 2, 2, "Count"}, w.now).ok());
  w.cloud.ecr.issue_token(w.now);

  const std::string text = json::serialize(w.cloud.to_json());
  Cloud read({}, w.blobs);
  ASSERT_TRUE(read.load(*parse_json_object(text, "the state")).ok());
  EXPECT_EQ(json::serialize(read.to_json()), text);
  EXPECT_EQ(read.lambda.get("f", "", w.now)->last_update_status, "InProgress");
  EXPECT_EQ(*read.s3.read("site", "a"), "body");
  EXPECT_EQ(read.s3.blob_ids().size(), 2u);
}

TEST(Cloud, StateOfAnotherFormatIsRefused) {
  World w;
  EXPECT_FALSE(w.cloud.load(json::object{{"format", 99}}).ok());
}

}  // namespace
}  // namespace pawl::cloud
