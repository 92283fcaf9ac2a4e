// One request to AWS: where it goes, how it is signed, when it is repeated, what its refusal says.
#include "aws/client.h"

#include <gtest/gtest.h>

#include "aws/errors.h"
#include "fake_http.h"

namespace pawl::aws {
namespace {

using fakes::run;
using test::Wire;

Call read_call() {
  Call call;
  call.service = Service::lambda;
  call.action = "lambda:GetFunction";
  call.path = "/2015-03-31/functions/meals";
  return call;
}
Call change_call() {
  Call call = read_call();
  call.method = "PUT";
  call.repeat = Repeat::when_not_done;
  return call;
}

TEST(Options, EndpointsComeFromTheStandardVariables) {
  const Variables variables = {{"AWS_DEFAULT_REGION", "eu-west-1"},
                               {"AWS_ENDPOINT_URL", "http://127.0.0.1:4510/"},
                               {"AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000"},
                               {"AWS_ENDPOINT_URL_APIGATEWAYV2", ""}};
  auto options = aws_options_from(variables, "");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->region, "eu-west-1");
  EXPECT_EQ(endpoint_of(*options, Service::s3).url, "http://127.0.0.1:9000");
  EXPECT_EQ(endpoint_of(*options, Service::api_gateway).url, "http://127.0.0.1:4510");
  EXPECT_TRUE(endpoint_of(*options, Service::sts).is_override);
  EXPECT_EQ(aws_options_from(variables, "us-west-2")->region, "us-west-2");
}

TEST(Options, WithoutVariablesEndpointsAreThoseOfTheRegion) {
  const auto options = *aws_options_from({}, "eu-central-1");
  EXPECT_EQ(endpoint_of(options, Service::ecr).url, "https://api.ecr.eu-central-1.amazonaws.com");
  EXPECT_EQ(endpoint_of(options, Service::cloud_watch).url,
            "https://monitoring.eu-central-1.amazonaws.com");
  EXPECT_EQ(endpoint_of(*aws_options_from({}, "cn-north-1"), Service::sts).url,
            "https://sts.cn-north-1.amazonaws.com.cn");
}

TEST(Options, SayWhatIsWrongWithAVariable) {
  EXPECT_EQ(aws_options_from({}, "").error().kind(), ErrorKind::usage);
  EXPECT_FALSE(aws_options_from({}, "us-east-1/evil.example").ok());
  const auto bad = aws_options_from({{"AWS_ENDPOINT_URL_S3", "localhost"}}, "us-east-1");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message().find("AWS_ENDPOINT_URL_S3"), std::string::npos);
}

TEST(Client, SignsForTheServiceAndItsHost) {
  Wire wire;
  wire.http.answer(200, "{}");
  ASSERT_TRUE(run(wire.client.send(read_call())).ok());
  EXPECT_EQ(wire.last().url, "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/meals");
  EXPECT_EQ(wire.last().headers.get_or("Host", ""), "lambda.us-east-1.amazonaws.com");
  EXPECT_NE(wire.last().headers.get_or("Authorization", "").find("/us-east-1/lambda/aws4_request"),
            std::string::npos);
}

TEST(Client, ReadsAreRepeatedWhenTheServiceIsBusyOrAway) {
  Wire wire;
  wire.http.answer(429, "{\"message\": \"Rate exceeded\"}",
                   {{"x-amzn-ErrorType", "TooManyRequestsException:http://x"}});
  wire.http.answer(503, "");
  wire.http.fail(Error(ErrorKind::timeout, "no answer").with_outcome_unknown());
  wire.http.answer(200, "{\"a\": 1}");
  auto answer = run(wire.client.send_json(read_call()));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(int_or(*answer, "a"), 1);
  EXPECT_EQ(wire.clock.sleeps.size(), 3u);
}

TEST(Client, GivesUpAfterSixTries) {
  Wire wire;
  for (int i = 0; i < 10; ++i) wire.http.answer(500, "");
  auto answer = run(wire.client.send(read_call()));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(wire.http.requests.size(), 6u);
}

TEST(Client, AChangeIsRepeatedOnlyWhenItWasSurelyNotDone) {
  struct Row {
    int status;
    const char* code;
    bool repeated;
    bool unknown;
  };
  const Row rows[] = {
      {429, "TooManyRequestsException", true, false},
      {503, "SlowDown", true, false},
      {500, "ServiceException", false, true},
      {502, "", false, true},
      {409, "ResourceConflictException", false, false},
      {412, "PreconditionFailedException", false, false},
  };
  for (const auto& row : rows) {
    Wire wire;
    wire.http.answer(row.status, "", {{"x-amzn-ErrorType", row.code}});
    wire.http.answer(200, "{}");
    auto answer = run(wire.client.send(change_call()));
    EXPECT_EQ(answer.ok(), row.repeated) << row.status << row.code;
    if (!answer.ok()) {
      EXPECT_EQ(answer.error().outcome_unknown(), row.unknown) << row.status;
    }
  }
  Wire refused;
  refused.http.fail(Error(ErrorKind::unavailable, "connection refused"));
  refused.http.answer(200, "{}");
  EXPECT_TRUE(run(refused.client.send(change_call())).ok());
  Wire lost;
  lost.http.fail(Error(ErrorKind::timeout, "no answer").with_outcome_unknown());
  auto answer = run(lost.client.send(change_call()));
  ASSERT_FALSE(answer.ok());
  EXPECT_TRUE(answer.error().outcome_unknown());
}

TEST(Client, EachTryIsSignedAnew) {
  Wire wire;
  wire.http.answer(503, "");
  wire.http.answer(200, "{}");
  ASSERT_TRUE(run(wire.client.send(read_call())).ok());
  wire.clock.elapsed_ms += 3'600'000;
  wire.http.answer(200, "{}");
  ASSERT_TRUE(run(wire.client.send(read_call())).ok());
  EXPECT_NE(wire.http.requests[0].headers.get_or("X-Amz-Date", ""),
            wire.http.requests[2].headers.get_or("X-Amz-Date", ""));
}

class CountingSource : public CredentialSource {
 public:
  Task<Result<Credentials>> get() override {
    Credentials credentials = Wire::keys();
    credentials.access_key_id = "KEY" + std::to_string(forgotten);
    co_return credentials;
  }
  void forget() override { ++forgotten; }
  int forgotten = 0;
};

TEST(Client, ExpiredCredentialsAreTakenAnewOnce) {
  Wire wire;
  auto source = std::make_shared<CountingSource>();
  Client client(wire.ports(), wire.options, source);
  const char* expired = "{\"message\": \"The security token included in the request is expired\"}";
  wire.http.answer(403, expired, {{"x-amzn-ErrorType", "ExpiredTokenException"}});
  wire.http.answer(200, "{}");
  ASSERT_TRUE(run(client.send(change_call())).ok());
  EXPECT_EQ(source->forgotten, 1);
  EXPECT_NE(wire.last().headers.get_or("Authorization", "").find("KEY1"), std::string::npos);
  wire.http.answer(403, expired, {{"x-amzn-ErrorType", "ExpiredTokenException"}});
  wire.http.answer(403, expired, {{"x-amzn-ErrorType", "ExpiredTokenException"}});
  auto answer = run(client.send(change_call()));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::denied);
}

TEST(Errors, KindsComeFromTheServicesCodes) {
  struct Row {
    int status;
    const char* code;
    ErrorKind kind;
  };
  const Row rows[] = {
      {404, "ResourceNotFoundException", ErrorKind::not_found},
      {400, "RepositoryNotFoundException", ErrorKind::not_found},
      {404, "NoSuchKey", ErrorKind::not_found},
      {409, "ResourceConflictException", ErrorKind::conflict},
      {412, "PreconditionFailed", ErrorKind::conflict},
      {400, "AccessDeniedException", ErrorKind::denied},
      {403, "UnrecognizedClientException", ErrorKind::denied},
      {400, "ExpiredToken", ErrorKind::denied},
      {400, "ThrottlingException", ErrorKind::throttled},
      {400, "Throttling", ErrorKind::throttled},
      {503, "SlowDown", ErrorKind::throttled},
      {400, "ValidationException", ErrorKind::failed},
      {500, "InternalFailure", ErrorKind::unavailable},
      {418, "", ErrorKind::failed},
      {403, "", ErrorKind::denied},
      {502, "", ErrorKind::unavailable},
  };
  for (const auto& row : rows) {
    HttpResponse response;
    response.status = row.status;
    response.body = std::string("{\"__type\": \"com.amazonaws.x#") + row.code + "\"}";
    EXPECT_EQ(error_from(response, "x:Y", false).kind(), row.kind) << row.code << row.status;
  }
}

TEST(Errors, ReadEveryShapeThatAwsUses) {
  const auto read = [](std::string body, Headers headers = {}) {
    HttpResponse response;
    response.status = 400;
    response.body = std::move(body);
    response.headers = std::move(headers);
    return read_service_error(response);
  };
  EXPECT_EQ(read("{\"Type\": \"User\", \"Message\": \"no\"}",
                 {{"x-amzn-ErrorType", "ResourceNotFoundException:http://internal"}})
                .code,
            "ResourceNotFoundException");
  EXPECT_EQ(read("{\"__type\": \"a.b#LimitExceededException\", \"message\": \"m\"}").message, "m");
  EXPECT_EQ(read("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                 "<Message>m</Message></Error></ErrorResponse>")
                .code,
            "AccessDenied");
  EXPECT_EQ(read("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>").code, "NoSuchKey");
  EXPECT_EQ(read("<html><body>502 Bad Gateway</body></html>").code, "");
  EXPECT_EQ(read("<unclosed").code, "");
  EXPECT_EQ(read("").code, "");
}

TEST(Errors, ADenialNamesThePermissionThatIsMissing) {
  Wire wire;
  wire.http.answer(403, "{\"Message\": \"User: x is not authorized to perform: y\"}",
                   {{"x-amzn-ErrorType", "AccessDeniedException"}});
  auto answer = run(wire.client.send(read_call()));
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().hint().find("lambda:GetFunction"), std::string::npos);
  EXPECT_NE(answer.error().message().find("not authorized"), std::string::npos);
}

}  // namespace
}  // namespace pawl::aws
