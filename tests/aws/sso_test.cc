// Logins through IAM Identity Center: the cache that `aws sso login` leaves, and what is asked with
// it.
#include <gtest/gtest.h>

#include "aws/sso_credentials.h"
#include "base/json.h"
#include "fake_http.h"
#include "support/fakes/run.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

using fakes::run;
using test::Wire;

struct Login : Wire {
  pawl::test::TempFolder folder;
  SsoLogin login;
  std::unique_ptr<CredentialSource> source;

  explicit Login(const std::string& session = "corp") {
    Profiles profiles;
    const std::string place =
        "sso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";
    const std::string who = "sso_account_id = 111122223333\nsso_role_name = deploy er\n";
    const std::string config = session.empty() ? "[profile p]\n" + place + who
                                               : "[profile p]\nsso_session = corp\n" + who +
                                                     "[sso-session corp]\n" + place;
    EXPECT_TRUE(read_profile_file(config, "config", ProfileFile::config, profiles).ok());
    profiles.home = folder.path().string();
    login = **sso_login_of(profiles, "p");
    source = sso_credentials(ports(), options, login);
  }
  void cache(std::chrono::minutes left, json::object more = {}) {
    json::object token{{"accessToken", "access-token-1"},
                       {"expiresAt", to_iso8601(clock.now() + left)},
                       {"startUrl", login.start_url}};
    for (const auto& [name, value] : more) token[name] = value;
    const std::string path = sso_token_path(login);
    folder.write(path.substr(folder.path().string().size() + 1), json::serialize(token));
  }
  void give_role() {
    http.answer(
        200,
        json::serialize(json::object{
            {"roleCredentials", json::object{{"accessKeyId", "ASIASSO"},
                                             {"secretAccessKey", "s"},
                                             {"sessionToken", "t"},
                                             {"expiration", clock.now().unix_ms + 3'600'000}}}}));
  }
};

// The names are what `aws sso login` gives them: SHA-1 of the session's name, or of the start URL.
TEST(Sso, TheCacheIsWhereTheAwsToolsKeepIt) {
  const Login session;
  EXPECT_EQ(sso_token_path(session.login),
            session.folder / ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
  const Login older("");
  EXPECT_EQ(sso_token_path(older.login),
            older.folder / ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json");
}

TEST(Sso, TheTokenIsExchangedForTheRolesCredentials) {
  Login login;
  login.cache(std::chrono::minutes(60));
  login.give_role();
  const auto found = run(login.source->get());
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->access_key_id, "ASIASSO");
  EXPECT_EQ(*found->expires - login.clock.now(), std::chrono::hours(1));
  EXPECT_EQ(login.last().url,
            "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials"
            "?account_id=111122223333&role_name=deploy%20er");
  EXPECT_EQ(login.last().headers.get_or("x-amz-sso_bearer_token", ""), "access-token-1");
  EXPECT_FALSE(login.last().headers.has("Authorization"));
  ASSERT_TRUE(run(login.source->get()).ok());
  EXPECT_EQ(login.http.requests.size(), 1u) << "kept while they serve";
}

TEST(Sso, AnEndedTokenIsRenewedAndWrittenBack) {
  Login login;
  login.cache(std::chrono::minutes(-5),
              {{"refreshToken", "refresh-token-1"},
               {"clientId", "client"},
               {"clientSecret", "client-secret-1"},
               {"registrationExpiresAt", to_iso8601(login.clock.now() + std::chrono::hours(24))},
               {"somebodyElses", "kept"}});
  login.http.answer(200, R"({"accessToken": "access-token-2", "expiresIn": 28800,
                             "refreshToken": "refresh-token-2"})");
  login.give_role();
  ASSERT_TRUE(run(login.source->get()).ok());
  const HttpRequest& renewal = login.http.requests[0];
  EXPECT_EQ(renewal.url, "https://oidc.eu-west-1.amazonaws.com/token");
  EXPECT_EQ(parse_json_object(renewal.body, "it")->at("grantType").as_string(), "refresh_token");
  EXPECT_EQ(parse_json_object(renewal.body, "it")->at("refreshToken").as_string(),
            "refresh-token-1");
  EXPECT_EQ(login.last().headers.get_or("x-amz-sso_bearer_token", ""), "access-token-2");
  const std::string path = sso_token_path(login.login);
  const auto kept = parse_json_object(pawl::test::TempFolder::read(path), "the cache");
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(string_or(*kept, "accessToken"), "access-token-2");
  EXPECT_EQ(string_or(*kept, "refreshToken"), "refresh-token-2");
  EXPECT_EQ(string_or(*kept, "somebodyElses"), "kept");
  EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Sso, WithoutALoginAPersonIsSentToLogIn) {
  const auto said = [](Login& login) {
    auto refused = run(login.source->get());
    EXPECT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
    EXPECT_EQ(refused.error().hint(), "log in again: aws sso login --profile p");
    return refused.error().message();
  };
  Login none;
  EXPECT_NE(said(none).find("has no SSO login"), std::string::npos);
  Login ended;
  ended.cache(std::chrono::minutes(-5));
  EXPECT_NE(said(ended).find("ended at"), std::string::npos);
  Login older("");
  older.cache(std::chrono::minutes(-5), {{"refreshToken", "r"},
                                         {"clientId", "c"},
                                         {"clientSecret", "s"},
                                         {"registrationExpiresAt", "2099-01-01T00:00:00Z"}});
  EXPECT_NE(said(older).find("ended at"), std::string::npos) << "the older form has no renewal";
  Login refused;
  refused.cache(std::chrono::minutes(60));
  refused.http.answer(401, "{\"message\": \"Session token not found or invalid\"}",
                      {{"x-amzn-ErrorType", "UnauthorizedException"}});
  EXPECT_NE(said(refused).find("Session token not found"), std::string::npos);
}

TEST(Sso, ARoleThatIsNotAssignedIsSaidSo) {
  Login login;
  login.cache(std::chrono::minutes(60));
  login.http.answer(403, "{\"message\": \"No access\"}",
                    {{"x-amzn-ErrorType", "ForbiddenException"}});
  const auto refused = run(login.source->get());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("taking the role deploy er in account 111122223333"),
            std::string::npos);
  EXPECT_NE(refused.error().hint().find("must be assigned"), std::string::npos);
}

}  // namespace
}  // namespace pawl::aws
