// Credentials of containers and instances: what is asked of whom, and what is never sent.
#include <gtest/gtest.h>

#include "aws/container_credentials.h"
#include "aws/instance_metadata.h"
#include "fake_http.h"
#include "support/fakes/run.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

using fakes::run;
using test::Wire;

const char* const kAgentsAnswer = R"({"AccessKeyId": "CONTAINER", "SecretAccessKey": "secret-of-it",
    "Token": "t", "Expiration": "2099-01-01T00:00:00Z"})";

TEST(Container, TheAgentIsAskedDirectlyWithTheTokenOfTheMoment) {
  Wire wire;
  pawl::test::TempFolder folder;
  const std::string file = folder.write("token", "first-token\n");
  auto endpoint =
      container_endpoint({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1"},
                          {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file},
                          {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "not-this"}});
  ASSERT_TRUE(endpoint.ok() && *endpoint);
  auto source = container_credentials(wire.ports(), **endpoint);
  wire.http.answer(503, "");
  wire.http.answer(200, kAgentsAnswer);
  EXPECT_EQ(run(source->get())->access_key_id, "CONTAINER");
  EXPECT_EQ(wire.http.requests.size(), 2u);
  EXPECT_EQ(wire.last().headers.get_or("Authorization", ""), "first-token");
  EXPECT_TRUE(wire.last().is_direct) << "a proxy would see the credentials";
  folder.write("token", "second-token");
  source->forget();
  wire.http.answer(200, kAgentsAnswer);
  ASSERT_TRUE(run(source->get()).ok());
  EXPECT_EQ(wire.last().headers.get_or("Authorization", ""), "second-token");
}

TEST(Container, PlainHttpIsForThisMachineAndTheAgentsAlone) {
  struct Row {
    const char* url;
    bool taken;
  };
  const Row rows[] = {
      {"http://127.0.0.1:80/x", true},      {"http://localhost/x", true},
      {"http://[fd00:ec2::23]/v1", true},   {"http://169.254.170.2/v2", true},
      {"https://anywhere.example/x", true}, {"http://anywhere.example/x", false},
      {"http://169.254.169.254/x", false},  {"http://127.0.0.1.evil.example/", false},
      {"file:///etc/passwd", false},        {"169.254.170.2/x", false},
  };
  for (const auto& row : rows) {
    const auto endpoint = container_endpoint({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", row.url}});
    EXPECT_EQ(endpoint.ok(), row.taken) << row.url;
  }
  EXPECT_FALSE(
      container_endpoint({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/"}}).ok());
  EXPECT_FALSE((*container_endpoint({})).has_value());
}

TEST(Container, ItsRefusalIsToldWithoutItsSecrets) {
  Wire wire;
  auto endpoint = container_endpoint({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/id"}});
  auto source = container_credentials(wire.ports(), **endpoint);
  wire.http.answer(403, R"({"message": "no role", "SecretAccessKey": "secret-of-it"})");
  auto refused = run(source->get());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
  EXPECT_NE(refused.error().message().find("answered 403: no role"), std::string::npos);
  wire.http.answer(200, R"({"SecretAccessKey": "secret-of-it"})");
  EXPECT_EQ(run(source->get()).error().message().find("secret-of-it"), std::string::npos);
  ContainerEndpoint two_lines = **endpoint;
  two_lines.token = Secret("one\r\nX-Injected: 1");
  auto other = container_credentials(wire.ports(), two_lines);
  EXPECT_NE(run(other->get()).error().message().find("several lines"), std::string::npos);
}

const char* const kInstancesAnswer = R"({"Code": "Success", "AccessKeyId": "INSTANCE",
    "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"})";

std::unique_ptr<CredentialSource> instance_of(Wire& wire, const Variables& variables = {}) {
  return instance_credentials(wire.ports(), **instance_metadata_from(variables, {}));
}

TEST(Instance, ASessionIsOpenedFirstAndNamedEachTime) {
  Wire wire;
  auto source = instance_of(wire);
  wire.http.answer(200, "session-token-1");
  wire.http.answer(200, "role/with space\nignored");
  wire.http.answer(200, kInstancesAnswer);
  const auto found = run(source->get());
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->source, "the instance's role role/with space");
  ASSERT_EQ(wire.http.requests.size(), 3u);
  EXPECT_EQ(wire.http.requests[0].method, "PUT");
  EXPECT_EQ(wire.http.requests[0].headers.get_or("X-aws-ec2-metadata-token-ttl-seconds", ""),
            "21600");
  for (const auto& request : wire.http.requests) {
    EXPECT_TRUE(request.is_direct);
    EXPECT_EQ(request.timeout, std::chrono::seconds(1));
    EXPECT_EQ(request.url.rfind("http://169.254.169.254/latest/", 0), 0u);
  }
  EXPECT_EQ(wire.last().url.substr(wire.last().url.rfind('/')), "/role%2Fwith%20space");
  EXPECT_EQ(wire.last().headers.get_or("X-aws-ec2-metadata-token", ""), "session-token-1");
}

TEST(Instance, WithoutASessionNothingElseIsAsked) {
  for (const int status : {403, 404, 405}) {
    Wire wire;
    wire.http.answer(status, "");
    EXPECT_FALSE(run(instance_of(wire)->get()).ok());
    EXPECT_EQ(wire.http.requests.size(), 1u) << "version 1 is not tried after " << status;
  }
}

TEST(Instance, ATimeoutTellsOfTheHopLimit) {
  Wire wire;
  for (int i = 0; i < 2; ++i) wire.http.fail(Error(ErrorKind::timeout, "no answer"));
  auto none = run(instance_of(wire)->get());
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::not_found);
  EXPECT_NE(none.error().hint().find("hop limit must be 2"), std::string::npos);
}

TEST(Instance, CredentialsThatTheServiceCannotRenewAreUsedOn) {
  Wire wire;
  wire.http.answer(200, "session-token");
  wire.http.answer(200, "role");
  wire.http.answer(200, R"({"AccessKeyId": "OLD", "SecretAccessKey": "s", "Token": "t",
                            "Expiration": "2001-01-01T00:00:00Z"})");
  const auto found = run(instance_of(wire)->get());
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found->expires - wire.clock.now(), std::chrono::minutes(15));
}

TEST(Instance, SaysWhatTheServiceSays) {
  Wire wire;
  wire.http.answer(200, "session-token");
  wire.http.answer(404, "");
  EXPECT_NE(run(instance_of(wire)->get()).error().message().find("has no role"), std::string::npos);
  wire.http.answer(200, "session-token");
  wire.http.answer(200, "role");
  wire.http.answer(200, R"({"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot"})");
  const auto refused = run(instance_of(wire)->get());
  EXPECT_NE(refused.error().message().find("AssumeRoleUnauthorizedAccess: EC2 cannot"),
            std::string::npos);
}

TEST(Instance, SettingsAreTheStandardOnes) {
  EXPECT_FALSE((*instance_metadata_from({{"AWS_EC2_METADATA_DISABLED", "True"}}, {})).has_value());
  EXPECT_EQ(
      (*instance_metadata_from({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}}, {}))->endpoint,
      "http://[fd00:ec2::254]");
  const auto set =
      *instance_metadata_from({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/"},
                               {"AWS_METADATA_SERVICE_TIMEOUT", "5"},
                               {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "4"}},
                              {});
  EXPECT_EQ(set->endpoint, "http://127.0.0.1:1338");
  EXPECT_EQ(set->timeout, std::chrono::seconds(5));
  EXPECT_EQ(set->attempts, 4);
  for (const char* wrong : {"0", "-1", "x", "61"})
    EXPECT_FALSE(instance_metadata_from({{"AWS_METADATA_SERVICE_TIMEOUT", wrong}}, {}).ok());
}

}  // namespace
}  // namespace pawl::aws
