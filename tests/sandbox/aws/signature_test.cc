// Who may ask at all, and what each protocol says to those who may not; faults.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sandbox/aws/rig.h"

namespace pawl::sandbox {
namespace {

struct Probe {
  const char* service;
  const char* method;
  const char* target;
  const char* body;
  Headers headers;
};

std::vector<Probe> one_of_each() {
  return {
      {"lambda", "GET", "/2015-03-31/functions/f", "", {}},
      {"sts",
       "POST",
       "/",
       "Action=GetCallerIdentity&Version=2011-06-15",
       {{"Content-Type", "application/x-www-form-urlencoded"}}},
      {"ecr",
       "POST",
       "/",
       "{}",
       {{"X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"}}},
      {"apigateway", "GET", "/v2/apis", "", {}},
      {"monitoring",
       "POST",
       "/",
       "{}",
       {{"X-Amz-Target", "GraniteServiceVersion20100801.DescribeAlarms"}}},
      {"s3", "GET", "/", "", {}},
  };
}

/// The error's code, wherever the protocol puts it.
std::string code_in(AwsRig& rig, const std::string& service, const HttpResponse& response) {
  if (service == "s3") return rig.xml(response).text_of("Code");
  if (service == "sts") return rig.xml(response).text_of("Error/Code");
  return response.headers.get_or("x-amzn-ErrorType", "");
}

struct Expected {
  const char* lambda;
  const char* sts;
  const char* s3;
};

void expect_refused(AwsRig& rig, const Expected& expected) {
  for (const Probe& probe : one_of_each()) {
    const auto response =
        rig.call(probe.service, probe.method, probe.target, probe.body, probe.headers);
    const std::string service = probe.service;
    const std::string code = code_in(rig, service, response);
    EXPECT_EQ(response.status / 100, 4) << service;
    if (service == "s3") {
      EXPECT_EQ(code, expected.s3);
    } else if (service == "sts") {
      EXPECT_EQ(code, expected.sts);
    } else if (service != "monitoring") {
      EXPECT_EQ(code, expected.lambda) << service;
    }
  }
}

TEST(Signatures, AGoodOneOpensEveryService) {
  AwsRig rig;
  rig.deploy();
  for (const Probe& probe : one_of_each())
    EXPECT_EQ(rig.call(probe.service, probe.method, probe.target, probe.body, probe.headers).status,
              200)
        << probe.service;
}

TEST(Signatures, AWrongSecretIsRefusedInEachServicesWords) {
  AwsRig rig;
  rig.credentials.secret_access_key = Secret("another secret");
  expect_refused(rig,
                 {"InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"});
}

TEST(Signatures, AnUnknownKeyIsRefusedInEachServicesWords) {
  AwsRig rig;
  rig.credentials.access_key_id = "AKIANOBODY0000000000";
  expect_refused(rig,
                 {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"});
}

TEST(Signatures, NoneAtAllIsRefusedInEachServicesWords) {
  AwsRig rig;
  rig.signed_requests = false;
  expect_refused(
      rig, {"MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"});
}

TEST(Signatures, ABodyThatWasChangedIsNoticed) {
  AwsRig rig;
  rig.deploy();
  const std::string claimed = sha256_hex("{}");
  const auto response = rig.call("lambda", "PUT", "/2015-03-31/functions/f/code",
                                 R"({"ImageUri":"x"})", {{"x-amz-content-sha256", claimed}});
  EXPECT_GE(response.status, 400);
  EXPECT_TRUE(rig.cloud.ledger.of("lambda", "UpdateFunctionCode").empty());
}

std::string web_identity_form(const AwsRig& rig, const std::string& role) {
  std::string payload = base64_encode(R"({"aud":"sts.amazonaws.com","sub":"repo:a/b:ref:x"})");
  while (payload.back() == '=') payload.pop_back();
  return "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=run-7&RoleArn=" +
         url_encode(rig.cloud.sts.role_arn(role)) + "&WebIdentityToken=e30." + payload + ".c2ln";
}

TEST(Signatures, ATemporaryKeyWorksUntilItEndsAndOnlyWithItsToken) {
  AwsRig rig;
  rig.cloud.sts.add_role("deployer", rig.clock.now());
  rig.signed_requests = false;  // this one call needs none
  const auto response = rig.form("sts", web_identity_form(rig, "deployer"));
  ASSERT_EQ(response.status, 200) << response.body;
  rig.signed_requests = true;
  const auto answer = rig.xml(response);
  const std::string base = "AssumeRoleWithWebIdentityResult/";
  EXPECT_EQ(answer.text_of(base + "AssumedRoleUser/Arn"),
            "arn:aws:sts::000000000000:assumed-role/deployer/run-7");
  EXPECT_EQ(answer.text_of(base + "SubjectFromWebIdentityToken"), "repo:a/b:ref:x");

  rig.credentials.access_key_id = answer.text_of(base + "Credentials/AccessKeyId");
  rig.credentials.secret_access_key = Secret(answer.text_of(base + "Credentials/SecretAccessKey"));
  const Secret token(answer.text_of(base + "Credentials/SessionToken"));
  const std::string who = "Action=GetCallerIdentity&Version=2011-06-15";
  EXPECT_EQ(rig.xml(rig.form("sts", who)).text_of("Error/Code"), "InvalidClientTokenId");
  rig.credentials.session_token = token;
  EXPECT_EQ(rig.xml(rig.form("sts", who)).text_of("GetCallerIdentityResult/Arn"),
            "arn:aws:sts::000000000000:assumed-role/deployer/run-7");
  rig.clock.shift += std::chrono::hours(1);
  EXPECT_EQ(rig.xml(rig.form("sts", who)).text_of("Error/Code"), "ExpiredToken");
  EXPECT_EQ(
      rig.call("lambda", "GET", "/2015-03-31/functions/f").headers.get_or("x-amzn-ErrorType", ""),
      "ExpiredTokenException");
}

TEST(Signatures, ARoleThatIsNotThereCannotBeTaken) {
  AwsRig rig;
  const auto response = rig.form("sts", web_identity_form(rig, "nobody"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(rig.xml(response).text_of("Error/Code"), "AccessDenied");
}

TEST(Faults, EachServiceThrottlesInItsOwnWords) {
  const struct {
    const char* operation;
    size_t probe;
    int status;
    const char* code;
  } rows[] = {{"GetFunction", 0, 429, "TooManyRequestsException"},
              {"GetCallerIdentity", 1, 400, "Throttling"},
              {"DescribeRepositories", 2, 400, "ThrottlingException"},
              {"GetApis", 3, 429, "TooManyRequestsException"},
              {"DescribeAlarms", 4, 400, "Throttling"},
              {"ListBuckets", 5, 503, "SlowDown"}};
  AwsRig rig;
  rig.deploy();
  for (const auto& row : rows) {
    FaultAction throttle;
    throttle.throttle = true;
    rig.faults.actions[row.operation] = throttle;
    const Probe probe = one_of_each()[row.probe];
    auto send = [&] {
      return rig.call(probe.service, probe.method, probe.target, probe.body, probe.headers);
    };
    const auto response = send();
    EXPECT_EQ(response.status, row.status) << row.operation;
    EXPECT_EQ(code_in(rig, probe.service, response), row.code) << row.operation;
    EXPECT_EQ(send().status, 200) << row.operation;
  }
}

TEST(Faults, AnErrorIsAnsweredInsteadOfDoingTheWork) {
  AwsRig rig;
  rig.deploy();
  FaultAction fault;
  fault.status = 500;
  rig.faults.actions["UpdateFunctionCode"] = fault;
  const auto response = rig.call("lambda", "PUT", "/2015-03-31/functions/f/code",
                                 R"({"ImageUri":")" + rig.image('b') + "\"}");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.headers.get_or("x-amzn-ErrorType", ""), "ServiceException");
  EXPECT_TRUE(rig.cloud.ledger.of("lambda", "UpdateFunctionCode").empty());
  EXPECT_EQ(rig.faults.asked.back(), "lambda UpdateFunctionCode f");
}

TEST(Faults, AnAnswerIsDroppedAfterTheWorkWasDone) {
  AwsRig rig;
  rig.deploy();
  FaultAction fault;
  fault.drop_answer = true;
  rig.faults.actions["UpdateFunctionCode"] = fault;
  const auto response = rig.send("lambda", "PUT", "/2015-03-31/functions/f/code",
                                 R"({"ImageUri":")" + rig.image('b') + "\"}");
  ASSERT_FALSE(response.ok());
  EXPECT_TRUE(response.error().outcome_unknown());
  EXPECT_EQ(rig.cloud.ledger.of("lambda", "UpdateFunctionCode").size(), 1u);
}

TEST(Faults, ASlowAnswerIsWaitedForAndThenGood) {
  AwsRig rig;
  rig.deploy();
  FaultAction fault;
  fault.delay = std::chrono::seconds(30);
  rig.faults.actions["GetFunction"] = fault;
  EXPECT_EQ(rig.call("lambda", "GET", "/2015-03-31/functions/f").status, 200);
  EXPECT_EQ(rig.clock.slept, std::chrono::seconds(30));
}

TEST(AwsFaceTest, TellsOfChangesAndAnswersButNotOfReads) {
  AwsRig rig;
  rig.deploy();
  rig.call("lambda", "GET", "/2015-03-31/functions/f");
  EXPECT_EQ(rig.changes, 0);
  rig.call("s3", "PUT", "/site");
  EXPECT_EQ(rig.changes, 1);
  EXPECT_EQ(rig.answers,
            (std::vector<std::string>{"lambda GetFunction f 200", "s3 CreateBucket site 200"}));
}

}  // namespace
}  // namespace pawl::sandbox
