// The AWS tools' own files: what is read from them, and that botocore reads the same.
#include "aws/profiles.h"

#include <gtest/gtest.h>

#include "aws/options.h"
#include "base/json.h"
#include "oracle.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

const char* const kConfig =
    "# mine\n"
    "[default]\n"
    "region = eu-west-1\n"
    "output=json\n"
    "\n"
    "[profile work]\n"
    "region=eu-central-1\r\n"
    "role_arn = arn:aws:iam::111122223333:role/deploy\n"
    "source_profile = keys\n"
    "; a note\n"
    "s3 =\n"
    "  addressing_style = path\n"
    "  max_concurrent_requests = 20\n"
    "services = local\n"
    "[profile \"two words\"]\n"
    "  region = sa-east-1\n"
    "  output = text\n"
    "[profile program]\n"
    "CREDENTIAL_PROCESS = printf "
    "'{\"Version\":1,\"AccessKeyId\":\"AKID3\",\"SecretAccessKey\":\"s3\"}'\n"
    "[sso-session corp]\n"
    "sso_region = us-east-1\n"
    "sso_start_url = https://corp.awsapps.com/start\n"
    "[services local]\n"
    "lambda =\n"
    "  endpoint_url = http://127.0.0.1:9001\n"
    "s3 = \n"
    "  endpoint_url = http://127.0.0.1:9000/\n"
    "[preview]\n"
    "anything = 1\n";
const char* const kCredentials =
    "[default]\n"
    "aws_access_key_id = AKID1\n"
    "aws_secret_access_key=secret-one/+=\n"
    "[keys]\n"
    "aws_access_key_id=AKID2\n"
    "AWS_SECRET_ACCESS_KEY = secret-two=\n"
    "aws_session_token = token/+=\n"
    "[work]\n"
    "region = overridden\n";

struct Files {
  pawl::test::TempFolder folder;
  Variables variables;
  explicit Files(const std::string& config = kConfig,
                 const std::string& credentials = kCredentials) {
    variables["HOME"] = folder.path().string();
    folder.write(".aws/config", config);
    folder.write(".aws/credentials", credentials);
  }
  Result<Profiles> load() const { return load_profiles(variables); }
};

TEST(Profiles, AreReadFromBothFiles) {
  const Files files;
  const auto profiles = files.load();
  ASSERT_TRUE(profiles.ok()) << profiles.error().message();
  EXPECT_EQ(profiles->names(), "default, keys, program, two words, work");
  EXPECT_EQ(profiles->find("default")->get("region"), "eu-west-1");
  EXPECT_EQ(profiles->find("default")->get("aws_secret_access_key"), "secret-one/+=");
  EXPECT_EQ(profiles->find("work")->get("region"), "overridden") << "the credentials file wins";
  EXPECT_EQ(profiles->find("work")->get("source_profile"), "keys");
  EXPECT_EQ(profiles->find("work")->nested.at("s3").at("addressing_style"), "path");
  EXPECT_EQ(profiles->find("two words")->get("output"), "text");
  EXPECT_EQ(profiles->sso_sessions.at("corp").get("sso_region"), "us-east-1");
  EXPECT_EQ(profiles->services.at("local").nested.at("lambda").at("endpoint_url"),
            "http://127.0.0.1:9001");
  EXPECT_FALSE(profiles->is_chosen_by_name);
  EXPECT_EQ(profiles->setting("region"), "eu-west-1");
}

TEST(Profiles, AreWhereTheVariablesSay) {
  Files files("", "");
  files.variables["AWS_CONFIG_FILE"] = files.folder.write("c", "[profile x]\nregion = a-b\n");
  files.variables["AWS_SHARED_CREDENTIALS_FILE"] = "~/d";
  files.folder.write("d", "[x]\naws_access_key_id = AKID\n");
  files.variables["AWS_PROFILE"] = "x";
  const auto profiles = files.load();
  ASSERT_TRUE(profiles.ok());
  EXPECT_TRUE(profiles->is_chosen_by_name);
  EXPECT_EQ(profiles->setting("region"), "a-b");
  EXPECT_EQ(profiles->setting("aws_access_key_id"), "AKID");
}

TEST(Profiles, FilesThatAreNotThereAreEmptyOnes) {
  const auto profiles = load_profiles({{"HOME", "/nowhere"}});
  ASSERT_TRUE(profiles.ok());
  EXPECT_EQ(profiles->names(), "none");
}

TEST(Profiles, ALineThatIsNoneOfTheFormatIsNamedAndNotQuoted) {
  for (const char* text : {"[profile x\n", "[default]\nsecret-word\n", "secret-word = 1\n",
                           "[default]\n= secret-word\n", "[default]\na =\n  secret-word\n"}) {
    const auto profiles = Files(text).load();
    ASSERT_FALSE(profiles.ok()) << text;
    EXPECT_EQ(profiles.error().kind(), ErrorKind::config);
    EXPECT_NE(profiles.error().message().find("/config:"), std::string::npos);
    EXPECT_EQ(profiles.error().message().find("secret-word"), std::string::npos);
  }
}

TEST(Profiles, TheDefaultWithPrefixCounts) {
  const char* text = "[default]\nregion = one-1\n[profile default]\noutput = json\n";
  const auto profiles = Files(text, "").load();
  ASSERT_TRUE(profiles.ok());
  EXPECT_EQ(profiles->find("default")->get("region"), "");
  EXPECT_EQ(profiles->find("default")->get("output"), "json");
}

TEST(Profiles, SayRegionAndEndpointsWhereNoVariableDoes) {
  Files files;
  files.variables["AWS_PROFILE"] = "work";
  const Profiles profiles = *files.load();
  const auto options = *aws_options_from(files.variables, "", profiles);
  EXPECT_EQ(options.region, "overridden");
  EXPECT_EQ(endpoint_of(options, Service::lambda).url, "http://127.0.0.1:9001");
  EXPECT_EQ(endpoint_of(options, Service::s3).url, "http://127.0.0.1:9000");
  EXPECT_FALSE(endpoint_of(options, Service::sts).is_override);

  files.variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1";
  files.variables["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:2";
  const auto by_variables = *aws_options_from(files.variables, "", profiles);
  EXPECT_EQ(endpoint_of(by_variables, Service::lambda).url, "http://127.0.0.1:1");
  EXPECT_EQ(endpoint_of(by_variables, Service::s3).url, "http://127.0.0.1:2");

  files.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "TRUE";
  const auto ignored = *aws_options_from(files.variables, "us-east-1", profiles);
  EXPECT_EQ(endpoint_of(ignored, Service::s3).url, "https://s3.us-east-1.amazonaws.com");
}

TEST(Profiles, SayFipsDualStackAndAttempts) {
  const Files files(
      "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\nmax_attempts = 5\n"
      "endpoint_url = http://127.0.0.1:3\nignore_configured_endpoint_urls = true\n");
  const Profiles profiles = *files.load();
  const auto options = *aws_options_from({}, "us-gov-west-1", profiles);
  EXPECT_EQ(endpoint_of(options, Service::lambda).url, "https://lambda-fips.us-gov-west-1.api.aws");
  EXPECT_EQ(options.max_attempts, 5);
  EXPECT_FALSE(aws_options_from({{"AWS_USE_FIPS_ENDPOINT", "false"}}, "a-b", profiles)->use_fips);
  const auto wrong = aws_options_from({{"AWS_USE_FIPS_ENDPOINT", "perhaps"}}, "a-b");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message().find("AWS_USE_FIPS_ENDPOINT"), std::string::npos);
}

TEST(Profiles, AreReadByBotocoreInTheSameWay) {
  const Files files;
  const std::string text =
      test::oracle_output("botocore_profiles.py", (files.folder / ".aws/config") + " " +
                                                      (files.folder / ".aws/credentials"));
  if (text.empty()) GTEST_SKIP() << "python3 with botocore is not here";
  const auto theirs = parse_json_object(text, "botocore's profiles");
  ASSERT_TRUE(theirs.ok());
  const Profiles ours = *files.load();
  EXPECT_EQ(theirs->size(), ours.profiles.size());
  for (const auto& [name, profile] : *theirs) {
    const ConfigSection* own = ours.find(std::string(name));
    ASSERT_NE(own, nullptr) << std::string_view(name);
    for (const auto& [setting, value] : profile.as_object().at("values").as_object())
      EXPECT_EQ(own->get(std::string(setting)), std::string_view(value.as_string()))
          << std::string_view(name) << "." << std::string_view(setting);
    const json::value& keys = profile.as_object().at("keys");
    if (keys.is_null() || !own->has("aws_access_key_id")) continue;
    EXPECT_EQ(own->get("aws_access_key_id"), std::string_view(keys.as_array()[0].as_string()));
    EXPECT_EQ(own->get("aws_secret_access_key"), std::string_view(keys.as_array()[1].as_string()));
  }
}

}  // namespace
}  // namespace pawl::aws
