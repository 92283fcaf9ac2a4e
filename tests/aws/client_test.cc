// One request to AWS: where it goes, how it is signed, when it is repeated, what its refusal says.
#include "aws/client.h"

#include <gtest/gtest.h>

#include <ctime>

#include "aws/errors.h"
#include "aws/sigv4.h"
#include "fake_http.h"
#include "support/fakes/run.h"

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
  wire.http.fail(Error(ErrorKind::timeout, "no answer").with_outcome_unknown());
  wire.http.answer(200, "{\"a\": 1}");
  auto answer = run(wire.client.send_json(read_call()));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(int_or(*answer, "a"), 1);
  EXPECT_EQ(wire.clock.sleeps.size(), 2u);
}

TEST(Client, GivesUpAfterThreeTriesOrAsManyAsWereSet) {
  for (const auto& [set, tries] : {std::pair{"", 3u}, {"1", 1u}, {"7", 7u}}) {
    Wire wire(*aws_options_from({{"AWS_MAX_ATTEMPTS", set}}, "us-east-1"));
    for (int i = 0; i < 10; ++i) wire.http.answer(500, "");
    auto answer = run(wire.client.send(read_call()));
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind(), ErrorKind::unavailable);
    EXPECT_EQ(wire.http.requests.size(), tries) << set;
  }
  EXPECT_FALSE(aws_options_from({{"AWS_MAX_ATTEMPTS", "many"}}, "us-east-1").ok());
}

// 500 tokens and 5 for a try: a hundred tries, and then each call has but one until calls succeed.
TEST(Client, StopsTryingAgainWhenTooManyCallsFail) {
  Wire wire;
  for (int i = 0; i < 200; ++i) wire.http.answer(503, "");
  for (int call = 0; call < 50; ++call) EXPECT_FALSE(run(wire.client.send(read_call())).ok());
  EXPECT_EQ(wire.http.requests.size(), 150u);
  auto spent = run(wire.client.send(read_call()));
  ASSERT_FALSE(spent.ok());
  EXPECT_EQ(wire.http.requests.size(), 151u);
  EXPECT_NE(spent.error().message().find("too many calls failed"), std::string::npos);
  wire.http.answers.clear();
  for (int call = 0; call < 5; ++call) {
    wire.http.answer(200, "{}");
    EXPECT_TRUE(run(wire.client.send(read_call())).ok());
  }
  wire.http.answer(503, "");
  wire.http.answer(200, "{}");
  EXPECT_TRUE(run(wire.client.send(read_call())).ok()) << "five that succeeded pay for one try";
}

TEST(Client, WaitsAtLeastAsLongAsTheServiceAsks) {
  const auto pause_after = [](Headers headers) {
    Wire wire;
    wire.http.answer(429, "", std::move(headers));
    wire.http.answer(200, "{}");
    EXPECT_TRUE(run(wire.client.send(read_call())).ok());
    return wire.clock.sleeps.empty() ? std::chrono::milliseconds(-1) : wire.clock.sleeps[0];
  };
  EXPECT_LE(pause_after({}), std::chrono::seconds(1));
  EXPECT_EQ(pause_after({{"Retry-After", "7"}}), std::chrono::seconds(7));
  EXPECT_EQ(pause_after({{"x-amz-retry-after", "2500"}}), std::chrono::seconds(3));
  EXPECT_EQ(pause_after({{"Retry-After", "Sun, 06 Nov 1994 08:49:46 GMT"},
                         {"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}}),
            std::chrono::seconds(9));
  EXPECT_LE(pause_after({{"Retry-After", "soon"}}), std::chrono::seconds(1));
  Wire wire;
  wire.http.answer(503, "", {{"Retry-After", "3600"}});
  auto answer = run(wire.client.send(read_call()));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().retry_after_seconds(), 3600);
  EXPECT_TRUE(wire.clock.sleeps.empty()) << "an hour is not waited for";
}

TEST(Client, WaitsLongerEachTimeUpToTwentySeconds) {
  class Most : public Entropy {
   public:
    uint64_t next() override { return bound; }
    uint64_t bound = 0;
  };
  Most most;
  const Error error(ErrorKind::throttled, "slow down");
  int retry = 0;
  for (const int64_t bound_ms : {1'000, 2'000, 4'000, 8'000, 16'000, 20'000, 20'000}) {
    ++retry;
    most.bound = static_cast<uint64_t>(bound_ms);
    EXPECT_EQ(retry_pause(retry, error, most).count(), bound_ms);
    most.bound += 1;  // beyond the bound it begins again at nothing
    EXPECT_EQ(retry_pause(retry, error, most).count(), 0);
  }
}

// The fake clock's "now", as an answer's Date has it, and so many minutes from there.
std::string http_date(const Wire& wire, int minutes) {
  const std::time_t seconds = (wire.clock.now().unix_ms / 1000) + minutes * 60;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, size};
}

TEST(Client, AWrongClockIsCorrectedByTheAnswersDate) {
  for (const int minutes : {-90, 45}) {
    Wire wire;
    wire.http.answer(
        403, "{\"message\": \"Signature expired\"}",
        {{"x-amzn-ErrorType", "InvalidSignatureException"}, {"Date", http_date(wire, minutes)}});
    wire.http.answer(200, "{}");
    ASSERT_TRUE(run(wire.client.send(change_call())).ok());
    EXPECT_TRUE(wire.clock.sleeps.empty());
    EXPECT_EQ(wire.last().headers.get_or("X-Amz-Date", ""),
              to_amz_date(wire.clock.now() + std::chrono::minutes(minutes)));
    wire.http.answer(200, "{}");
    ASSERT_TRUE(run(wire.client.send(read_call())).ok());
    EXPECT_EQ(wire.last().headers.get_or("X-Amz-Date", ""),
              to_amz_date(wire.clock.now() + std::chrono::minutes(minutes)))
        << "what was learnt is kept";
  }
}

TEST(Client, AWrongSecretIsNotTakenForAWrongClock) {
  Wire wire;
  wire.http.answer(403, "",
                   {{"x-amzn-ErrorType", "SignatureDoesNotMatch"}, {"Date", http_date(wire, 2)}});
  auto answer = run(wire.client.send(read_call()));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(wire.http.requests.size(), 1u);
  // And when the clock is wrong as well, once is enough.
  for (int i = 0; i < 2; ++i)
    wire.http.answer(
        403, "", {{"x-amzn-ErrorType", "SignatureDoesNotMatch"}, {"Date", http_date(wire, 60)}});
  EXPECT_FALSE(run(wire.client.send(read_call())).ok());
  EXPECT_EQ(wire.http.requests.size(), 3u);
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

TEST(Errors, KeepCodeMessageAndRequestId) {
  const auto told = [](std::string body, Headers headers) {
    HttpResponse response;
    response.status = 400;
    response.body = std::move(body);
    response.headers = std::move(headers);
    return error_from(response, "x:Y", false);
  };
  const Error json = told("{\"message\": \"no\"}", {{"x-amzn-ErrorType", "ValidationException"},
                                                    {"x-amzn-RequestId", "id-1"}});
  EXPECT_EQ(json.code(), "ValidationException");
  EXPECT_EQ(json.what(), "AWS answered 400: ValidationException: no (request id-1)");
  const Error query = told(
      "<ErrorResponse><Error><Code>ValidationError</Code><Message>no</Message></Error>"
      "<RequestId>id-2</RequestId></ErrorResponse>",
      {});
  EXPECT_EQ(query.what(), "AWS answered 400: ValidationError: no (request id-2)");
  const Error s3 = told("<Error><Code>InvalidRequest</Code><RequestId>id-3</RequestId></Error>",
                        {{"x-amz-request-id", "id-3"}});
  EXPECT_EQ(s3.what(), "AWS answered 400: InvalidRequest: no reason given (request id-3)");
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
