// Web identities: tokens, what they are exchanged for, and the renewal ahead of time.
#include "aws/credentials.h"

#include <gtest/gtest.h>

#include "aws/sts.h"
#include "aws/web_identity.h"
#include "fake_http.h"
#include "support/fakes/run.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

using fakes::run;
using test::Wire;

TEST(SessionName, IsMadeToFit) {
  EXPECT_EQ(session_name_from("pawl run/12:prod"), "pawl-run-12-prod");
  EXPECT_EQ(session_name_from(""), "pawl");
  EXPECT_EQ(session_name_from("a"), "pawl");
  EXPECT_EQ(session_name_from(std::string(100, 'x')).size(), 64u);
}

std::string assumed(const std::string& key, const std::string& expires) {
  return "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
         "<AccessKeyId>" +
         key +
         "</AccessKeyId><SecretAccessKey>secret-of-session</SecretAccessKey>"
         "<SessionToken>token-of-session</SessionToken><Expiration>" +
         expires +
         "</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
         "</AssumeRoleWithWebIdentityResponse>";
}

struct Role : Wire {
  pawl::test::TempFolder folder;
  std::string token_file = folder.write("token", "identity-token-1\n");
  std::unique_ptr<CredentialSource> source = web_identity_credentials(
      ports(), options,
      WebIdentity{"arn:aws:iam::1:role/deploy", "run 7/dev", std::chrono::hours(1)},
      token_from_file(token_file));
  void give(const std::string& key, std::chrono::minutes lifetime) {
    http.answer(200, assumed(key, to_iso8601(clock.now() + lifetime)));
  }
};

TEST(WebIdentity, ExchangesTheTokenWithoutSigning) {
  Role role;
  role.give("ASIA1", std::chrono::minutes(60));
  auto credentials = run(role.source->get());
  ASSERT_TRUE(credentials.ok()) << credentials.error().message();
  EXPECT_EQ(credentials->access_key_id, "ASIA1");
  EXPECT_EQ(credentials->session_token.reveal_for("the test"), "token-of-session");
  EXPECT_FALSE(role.last().headers.has("Authorization"));
  for (const char* part :
       {"RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fdeploy", "RoleSessionName=run-7-dev",
        "DurationSeconds=3600", "WebIdentityToken=identity-token-1"})
    EXPECT_NE(role.last().body.find(part), std::string::npos) << part;
  EXPECT_EQ(role.last().body.find('\n'), std::string::npos);
}

TEST(WebIdentity, RenewsFiveMinutesAheadWithAFreshToken) {
  Role role;
  role.give("ASIA1", std::chrono::minutes(60));
  EXPECT_EQ(run(role.source->get())->access_key_id, "ASIA1");
  role.clock.elapsed_ms += 54 * 60'000;
  EXPECT_EQ(run(role.source->get())->access_key_id, "ASIA1");
  EXPECT_EQ(role.http.requests.size(), 1u);
  role.clock.elapsed_ms += 2 * 60'000;
  role.folder.write("token", "identity-token-2");
  role.give("ASIA2", std::chrono::minutes(60));
  EXPECT_EQ(run(role.source->get())->access_key_id, "ASIA2");
  EXPECT_NE(role.last().body.find("identity-token-2"), std::string::npos);
}

TEST(WebIdentity, KeepsOldCredentialsWhileTheyServeWhenRenewalFails) {
  Role role;
  role.give("ASIA1", std::chrono::minutes(60));
  ASSERT_TRUE(run(role.source->get()).ok());
  role.clock.elapsed_ms += 57 * 60'000;
  role.http.answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
  EXPECT_EQ(run(role.source->get())->access_key_id, "ASIA1");
  EXPECT_EQ(run(role.source->get())->access_key_id, "ASIA1");
  EXPECT_EQ(role.http.requests.size(), 2u) << "each request asks again, and is refused again";
  role.clock.elapsed_ms += 4 * 60'000;
  role.http.answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
  auto expired = run(role.source->get());
  ASSERT_FALSE(expired.ok());
  EXPECT_EQ(expired.error().kind(), ErrorKind::denied);
  EXPECT_NE(expired.error().hint().find("trust policy"), std::string::npos);
}

TEST(WebIdentity, AMissingTokenFileIsSaidSo) {
  Role role;
  std::filesystem::remove(role.token_file);
  auto missing = run(role.source->get());
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::denied);
  EXPECT_NE(missing.error().message().find("token"), std::string::npos);
}

TEST(GithubToken, IsAskedForWithItsAudience) {
  Wire wire;
  GithubTokenRequest request;
  request.url = "https://actions.example/token?api=1";
  request.token = Secret("request-token");
  auto provider = token_from_github(wire.ports(), request);
  wire.http.answer(200, "{\"value\": \"jwt.of.github\"}");
  auto token = run(provider->token());
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->reveal_for("the test"), "jwt.of.github");
  EXPECT_EQ(wire.last().url, "https://actions.example/token?api=1&audience=sts.amazonaws.com");
  EXPECT_EQ(wire.last().headers.get_or("Authorization", ""), "Bearer request-token");
  wire.http.answer(403, "no");
  auto refused = run(provider->token());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().hint().find("id-token: write"), std::string::npos);
}

// An HTTP client that holds its answers back until they are let go.
class SlowHttp : public HttpClient {
 public:
  Task<Result<HttpResponse>> send(HttpRequest) override {
    ++requests;
    co_return co_await answer.wait();
  }
  OneShot<Result<HttpResponse>> answer;
  int requests = 0;
};

Task<void> take(CredentialSource& source, std::vector<std::string>* keys) {
  auto credentials = co_await source.get();
  keys->push_back(credentials.ok() ? credentials->access_key_id : "none");
}

TEST(WebIdentity, RequestsSideBySideExchangeOnce) {
  Wire wire;
  SlowHttp http;
  pawl::test::TempFolder folder;
  auto source = web_identity_credentials(
      ClientPorts{http, wire.clock, wire.entropy}, wire.options,
      WebIdentity{"arn:aws:iam::1:role/deploy", "s", std::chrono::hours(1)},
      token_from_file(folder.write("token", "identity-token")));
  std::vector<std::string> keys;
  Scope scope;
  for (int i = 0; i < 3; ++i) scope.spawn(take(*source, &keys));
  HttpResponse response;
  response.status = 200;
  response.body = assumed("ASIA1", to_iso8601(wire.clock.now() + std::chrono::hours(1)));
  http.answer.set(response);
  EXPECT_EQ(keys, (std::vector<std::string>{"ASIA1", "ASIA1", "ASIA1"}));
  EXPECT_EQ(http.requests, 1);
}

}  // namespace
}  // namespace pawl::aws
