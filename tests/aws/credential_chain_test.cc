// Which credentials are taken when several could be, the roles on top of them, and what is said
// when there are none.
#include "aws/credential_chain.h"

#include <gtest/gtest.h>

#include "aws/process_credentials.h"
#include "fake_http.h"
#include "support/fake_processes.h"
#include "support/fakes/run.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

using fakes::run;
using test::Wire;

std::string assumed(const std::string& action, const std::string& key) {
  return "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>secret-of-session</SecretAccessKey>"
         "<SessionToken>token-of-session</SessionToken>"
         "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

struct World : Wire {
  pawl::test::TempFolder folder;
  pawl::test::FakeProcesses processes;
  Variables variables;
  ChainSettings settings;

  World() {
    variables["HOME"] = folder.path().string();
    settings.session_name = "pawl-7-dev";
  }
  void config(const std::string& text) { folder.write(".aws/config", text); }
  std::shared_ptr<CredentialSource> chain() {
    auto profiles = load_profiles(variables);
    EXPECT_TRUE(profiles.ok());
    return credential_chain(ports(), options, processes, variables, *profiles, settings);
  }
  Result<Credentials> find() { return run(chain()->get()); }
  /// The key that is found, or what is said instead.
  std::string key() {
    const auto found = find();
    return found.ok() ? found->access_key_id : found.error().message();
  }
  Error refused() {
    auto found = find();
    return found.ok() ? Error(ErrorKind::internal, "there are some: " + found->access_key_id)
                      : std::move(found).error();
  }
};

TEST(CredentialChain, TakesTheFirstInTheStandardOrder) {
  World world;
  world.http.fail(Error(ErrorKind::unavailable, "no route"));
  world.http.fail(Error(ErrorKind::unavailable, "no route"));
  EXPECT_NE(world.key().find("there are no AWS credentials"), std::string::npos);
  EXPECT_EQ(world.http.requests.at(0).url, "http://169.254.169.254/latest/api/token");

  world.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/id";
  const char* agent = R"({"AccessKeyId": "CONTAINER", "SecretAccessKey": "s", "Token": "t",
                          "Expiration": "2099-01-01T00:00:00Z"})";
  world.http.answer(200, agent);
  EXPECT_EQ(world.key(), "CONTAINER");
  EXPECT_EQ(world.last().url, "http://169.254.170.2/v2/credentials/id");

  world.config(
      "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n"
      "[profile work]\naws_access_key_id = WORK\naws_secret_access_key = s\n");
  EXPECT_EQ(world.key(), "DEFAULT");

  world.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/deploy";
  world.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = world.folder.write("token", "identity");
  world.http.answer(200, assumed("AssumeRoleWithWebIdentity", "IDENTITY"));
  EXPECT_EQ(world.key(), "IDENTITY");
  EXPECT_NE(world.last().body.find("RoleSessionName=pawl-7-dev"), std::string::npos);

  world.variables["AWS_PROFILE"] = "work";
  EXPECT_EQ(world.key(), "WORK");

  world.variables["AWS_ACCESS_KEY_ID"] = "ENVIRONMENT";
  world.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(world.key(), "ENVIRONMENT");
  EXPECT_EQ(world.find()->source, "AWS_ACCESS_KEY_ID in the environment");
}

TEST(CredentialChain, TakesGithubsTokenWithItsAudience) {
  World world;
  world.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/deploy";
  world.variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://actions.example/token?api=1";
  world.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "request-token";
  world.settings.audience = "sts.amazonaws.com.cn";
  world.http.answer(200, "{\"value\": \"jwt\"}");
  world.http.answer(200, assumed("AssumeRoleWithWebIdentity", "GITHUB"));
  const auto found = world.find();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->access_key_id, "GITHUB");
  EXPECT_NE(found->source.find("GitHub Actions"), std::string::npos);
  EXPECT_NE(world.http.requests[0].url.find("audience=sts.amazonaws.com.cn"), std::string::npos);
  EXPECT_NE(world.last().body.find("DurationSeconds=3600"), std::string::npos);
}

TEST(CredentialChain, RolesOfTheConfigAreAssumedOneAfterTheOther) {
  World world;
  world.variables["AWS_ACCESS_KEY_ID"] = "FIRST";
  world.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  world.settings.roles = {"arn:aws:iam::1:role/hub", "arn:aws:iam::2:role/spoke"};
  world.settings.external_id = "pawl/prod";
  world.http.answer(200, assumed("AssumeRole", "HUB"));
  world.http.answer(200, assumed("AssumeRole", "SPOKE"));
  const auto found = world.find();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->access_key_id, "SPOKE");
  EXPECT_EQ(found->source,
            "AWS_ACCESS_KEY_ID in the environment, then the role arn:aws:iam::1:role/hub, then the "
            "role arn:aws:iam::2:role/spoke");
  ASSERT_EQ(world.http.requests.size(), 2u);
  const HttpRequest& hub = world.http.requests[0];
  const HttpRequest& spoke = world.http.requests[1];
  EXPECT_NE(hub.headers.get_or("Authorization", "").find("Credential=FIRST/"), std::string::npos);
  EXPECT_EQ(hub.body.find("ExternalId"), std::string::npos);
  EXPECT_NE(spoke.headers.get_or("Authorization", "").find("Credential=HUB/"), std::string::npos);
  EXPECT_EQ(spoke.headers.get_or("X-Amz-Security-Token", ""), "token-of-session");
  for (const char* part :
       {"RoleArn=arn%3Aaws%3Aiam%3A%3A2%3Arole%2Fspoke", "RoleSessionName=pawl-7-dev",
        "DurationSeconds=3600", "ExternalId=pawl%2Fprod"})
    EXPECT_NE(spoke.body.find(part), std::string::npos) << part;
}

TEST(CredentialChain, ARoleThatMayNotBeTakenNamesBothSides) {
  World world;
  world.variables["AWS_ACCESS_KEY_ID"] = "FIRST";
  world.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  world.settings.roles = {"arn:aws:iam::1:role/hub"};
  world.http.answer(403,
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
                    "</ErrorResponse>");
  const Error error = world.refused();
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_NE(error.message().find("becoming the role arn:aws:iam::1:role/hub"), std::string::npos);
  EXPECT_NE(error.hint().find("AWS_ACCESS_KEY_ID in the environment"), std::string::npos);
  EXPECT_NE(error.hint().find("trust policy"), std::string::npos);
}

TEST(ProfileCredentials, ARoleIsTakenWithTheSourceProfile) {
  World world;
  world.variables["AWS_PROFILE"] = "deploy";
  world.config(
      "[profile deploy]\nrole_arn = arn:aws:iam::1:role/deploy\nsource_profile = middle\n"
      "external_id = ext\nrole_session_name = mine\nduration_seconds = 900\n"
      "[profile middle]\nrole_arn = arn:aws:iam::1:role/middle\nsource_profile = keys\n"
      "[profile keys]\naws_access_key_id = KEYS\naws_secret_access_key = s\n");
  world.http.answer(200, assumed("AssumeRole", "MIDDLE"));
  world.http.answer(200, assumed("AssumeRole", "DEPLOY"));
  const auto found = world.find();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->access_key_id, "DEPLOY");
  EXPECT_NE(found->source.find("the keys of profile [keys]"), std::string::npos);
  EXPECT_NE(world.http.requests[0].body.find("RoleSessionName=pawl-7-dev"), std::string::npos);
  for (const char* part : {"RoleSessionName=mine", "DurationSeconds=900", "ExternalId=ext"})
    EXPECT_NE(world.last().body.find(part), std::string::npos) << part;
}

TEST(ProfileCredentials, ARoleIsTakenWithANamedSource) {
  World world;
  world.variables["AWS_PROFILE"] = "deploy";
  world.config(
      "[profile deploy]\nrole_arn = arn:aws:iam::1:role/x\n"
      "credential_source = Ec2InstanceMetadata\n");
  world.http.answer(200, "session");
  world.http.answer(200, "the-role\n");
  world.http.answer(200, R"({"Code": "Success", "AccessKeyId": "INSTANCE", "SecretAccessKey": "s",
                             "Token": "t", "Expiration": "2099-01-01T00:00:00Z"})");
  world.http.answer(200, assumed("AssumeRole", "DEPLOY"));
  EXPECT_EQ(world.key(), "DEPLOY");
  EXPECT_NE(world.last().headers.get_or("Authorization", "").find("Credential=INSTANCE/"),
            std::string::npos);
}

TEST(ProfileCredentials, AProfileMayBuildOnItsOwnKeys) {
  World world;
  world.config(
      "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n"
      "aws_access_key_id = OWN\naws_secret_access_key = s\n");
  world.http.answer(200, assumed("AssumeRole", "ROLE"));
  EXPECT_EQ(world.key(), "ROLE");
  EXPECT_NE(world.last().headers.get_or("Authorization", "").find("Credential=OWN/"),
            std::string::npos);
}

TEST(ProfileCredentials, SayWhatIsWrongWithAProfile) {
  struct Row {
    const char* config;
    const char* words;
  };
  const std::string role = "role_arn = arn:aws:iam::1:role/x\n";
  const Row rows[] = {
      {"", "AWS_PROFILE names [p], which is neither in"},
      {"role_arn = r\n", "nobody takes the role"},
      {"role_arn = r\nsource_profile = q\ncredential_source = Environment\n", "has both"},
      {"role_arn = r\nsource_profile = q\n", "profile [q], which is not there"},
      {"role_arn = r\nsource_profile = p\n", "a circle"},
      {"role_arn = r\nsource_profile = q\n[profile q]\nrole_arn = r\nsource_profile = p\n",
       "a circle"},
      {"role_arn = r\nsource_profile = q\n[profile q]\nregion = x\n", "which has none"},
      {"role_arn = r\ncredential_source = Moon\n", "unknown credential_source 'Moon'"},
      {"role_arn = r\ncredential_source = Environment\n", "from Environment, and there are none"},
      {"role_arn = r\nsource_profile = q\nmfa_serial = arn:aws:iam::1:mfa/ana\n",
       "asks for an MFA code (arn:aws:iam::1:mfa/ana)"},
      {"role_arn = r\nsource_profile = q\nduration_seconds = 5\n", "duration_seconds '5'"},
      {"aws_access_key_id = AKID\n", "has no aws_access_key_id with its aws_secret_access_key"},
      {"sso_account_id = 1\nsso_role_name = r\n", "has no sso_start_url"},
      {"sso_account_id = 1\nsso_session = s\n", "names the sso-session s, which is not in"},
  };
  for (const auto& row : rows) {
    World world;
    world.variables["AWS_PROFILE"] = "p";
    if (*row.config != '\0') world.config("[profile p]\n" + std::string(row.config));
    const Error error = world.refused();
    EXPECT_NE(error.message().find(row.words), std::string::npos) << row.config << "\n"
                                                                  << error.message();
    EXPECT_TRUE(world.http.requests.empty()) << row.config;
  }
}

TEST(ProfileCredentials, AnMfaCodeIsRefusedWithAWayOut) {
  World world;
  world.variables["AWS_PROFILE"] = "p";
  world.config("[profile p]\nrole_arn = r\nsource_profile = q\nmfa_serial = m\n");
  EXPECT_NE(world.refused().hint().find("aws configure export-credentials --profile p"),
            std::string::npos);
}

TEST(CredentialChain, HalfSetVariablesAreSaidSo) {
  World world;
  world.variables["AWS_ACCESS_KEY_ID"] = "AKID";
  EXPECT_NE(world.key().find("AWS_SECRET_ACCESS_KEY is not"), std::string::npos);
  World other;
  other.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  EXPECT_NE(other.key().find("AWS_ROLE_ARN is not"), std::string::npos);
}

TEST(CredentialChain, WithoutMetadataNobodyIsAsked) {
  World world;
  world.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  const Error error = world.refused();
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_EQ(error.message(), "there are no AWS credentials");
  EXPECT_NE(error.hint().find("AWS_PROFILE"), std::string::npos);
  EXPECT_TRUE(world.http.requests.empty());
}

TEST(CredentialProcess, IsRunAsItIsWritten) {
  World world;
  world.variables["AWS_PROFILE"] = "p";
  world.config(
      "[profile p]\ncredential_process = /opt/helper --name \"two words\" '$HOME;x' a\\ b\n");
  Exited exited;
  exited.output = R"({"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "s-of-process",
                      "SessionToken": "t", "Expiration": "2099-01-01T02:00:00+02:00"})";
  world.processes.answer({"/opt/helper"}, exited);
  const auto found = world.find();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->access_key_id, "PROCESS");
  EXPECT_EQ(to_iso8601(*found->expires), "2099-01-01T00:00:00.000Z");
  ASSERT_EQ(world.processes.commands.size(), 1u);
  EXPECT_EQ(world.processes.commands[0].argv,
            (std::vector<std::string>{"/opt/helper", "--name", "two words", "$HOME;x", "a b"}));
  EXPECT_EQ(world.processes.commands[0].timeout, kCredentialProcessLimit);
}

TEST(CredentialProcess, WhatItSaysWrongIsNeverQuoted) {
  struct Row {
    int code;
    std::string output;
    const char* words;
  };
  const std::string secret = "very-secret-word";
  const Row rows[] = {
      {3, "", "ended with 3: ask your administrator"},
      {0, secret, "is no JSON object"},
      {0, "{\"Version\": 2, \"SecretAccessKey\": \"" + secret + "\"}", "is of version 2"},
      {0, "{\"Version\": 1, \"SecretAccessKey\": \"" + secret + "\"}", "has no AccessKeyId"},
      {0, R"({"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": "soon"})",
       "no time"},
      {0, std::string(kMaxCredentialProcessBytes + 1, ' '), "more than"},
  };
  for (const auto& row : rows) {
    World world;
    world.variables["AWS_PROFILE"] = "p";
    world.config("[profile p]\ncredential_process = helper\n");
    world.processes.answer({"helper"}, Exited{row.code, row.output, "ask your administrator\n"});
    const std::string said = world.key();
    EXPECT_NE(said.find(row.words), std::string::npos) << said;
    EXPECT_NE(said.find("credential_process of profile [p]"), std::string::npos) << said;
    EXPECT_EQ(said.find(secret), std::string::npos);
  }
  EXPECT_FALSE(split_command("helper 'open").ok());
  EXPECT_FALSE(split_command("   ").ok());
  EXPECT_EQ(*split_command("a '' \"b\\\"c\" d\\\\"),
            (std::vector<std::string>{"a", "", "b\"c", "d\\"}));
}

}  // namespace
}  // namespace pawl::aws
