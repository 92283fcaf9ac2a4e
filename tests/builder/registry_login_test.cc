#include "builder/registry_login.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temp_folder.h"

namespace pawl {
namespace {

using test::TempFolder;

BuilderOptions options_with_login() {
  BuilderOptions options;
  options.logins.push_back({"ghcr.io", "ana", Secret("very-secret")});
  return options;
}

// base64("ana:very-secret")
constexpr const char* kAuth = "YW5hOnZlcnktc2VjcmV0";

TEST(AuthFile, HoldsTheLoginOfEachHost) {
  EXPECT_EQ(*auth_file(options_with_login()),
            std::string(R"({"auths":{"ghcr.io":{"auth":")") + kAuth + R"("}}})");
  EXPECT_EQ(*auth_file({}), R"({"auths":{}})");
}

TEST(AuthFile, HoldsTheLoginOfTheHostThatIsReallySpokenTo) {
  auto options = options_with_login();
  options.host_overrides["ghcr.io"] = "127.0.0.1:4512";
  const auto file = parse_json_object(*auth_file(options), "the file");
  ASSERT_TRUE(file.ok());
  const auto& auths = file->at("auths").as_object();
  EXPECT_EQ(auths.at("127.0.0.1:4512").at("auth"), kAuth);
  EXPECT_EQ(auths.at("ghcr.io").at("auth"), kAuth);
}

TEST(AuthFile, KeepsThePersonsOwnLoginsForBaseImages) {
  const TempFolder folder;
  folder.write(
      "config.json",
      R"({"auths":{"docker.io":{"auth":"eA=="}},"credHelpers":{"ghcr.io":"pass","q":"x"}})");
  auto options = options_with_login();
  options.docker_config = folder.path().string();
  const auto file = parse_json_object(*auth_file(options), "the file");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->at("auths").as_object().at("docker.io").at("auth"), "eA==");
  EXPECT_EQ(file->at("auths").as_object().at("ghcr.io").at("auth"), kAuth);
  // A helper would win over the login that we give.
  EXPECT_EQ(json::serialize(file->at("credHelpers")), R"({"q":"x"})");
}

TEST(DockerConfig, KeepsWhatThePersonHasSet) {
  const auto persons = parse_json_object(
      R"({"currentContext":"remote","auths":{"docker.io":{"auth":"eA=="}}})", "config");
  const auto config = parse_json_object(docker_config_file(*persons, options_with_login()), "it");
  EXPECT_EQ(config->at("currentContext"), "remote");
  EXPECT_EQ(config->at("auths").at("docker.io").at("auth"), "eA==");
  EXPECT_EQ(config->at("auths").at("ghcr.io").at("auth"), kAuth);
  EXPECT_FALSE(config->contains("credHelpers"));
}

TEST(DockerConfig, TakesOurHostOutOfACredentialStoresHands) {
  const auto persons = parse_json_object(
      R"({"credsStore":"desktop","credHelpers":{"ghcr.io":"gh","gcr.io":"gcloud"}})", "config");
  const auto config = parse_json_object(docker_config_file(*persons, options_with_login()), "it");
  EXPECT_EQ(config->at("credsStore"), "desktop");
  EXPECT_EQ(config->at("credHelpers").at("ghcr.io"), "");
  EXPECT_EQ(config->at("credHelpers").at("gcr.io"), "gcloud");
}

TEST(DockerConfig, LinksThePersonsContextsAndPlugins) {
  const TempFolder person;
  person.write("config.json", R"({"currentContext":"remote"})");
  person.write("contexts/meta/x/meta.json", "{}");
  const TempFolder scratch;
  auto folder = PrivateFolder::make_in(scratch / "new");
  ASSERT_TRUE(folder.ok());
  auto options = options_with_login();
  options.docker_config = person.path().string();
  ASSERT_TRUE(write_docker_config(*folder, options).ok());
  EXPECT_EQ(TempFolder::read(folder->path() + "/contexts/meta/x/meta.json"), "{}");
  EXPECT_NE(TempFolder::read(folder->path() + "/config.json").find(kAuth), std::string::npos);
  EXPECT_EQ(TempFolder::read(person / "config.json"), R"({"currentContext":"remote"})");
}

TEST(DockerConfig, OfThePersonThatIsBrokenIsNamed) {
  const TempFolder person;
  person.write("config.json", "{not json");
  const TempFolder scratch;
  auto folder = PrivateFolder::make_in(scratch.path().string());
  auto options = options_with_login();
  options.docker_config = person.path().string();
  const auto written = write_docker_config(*folder, options);
  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.error().message().find(person / "config.json"), std::string::npos);
}

TEST(PrivateFolder, IsPrivateAndGoneAfterwards) {
  const TempFolder scratch;
  std::string path;
  {
    auto folder = PrivateFolder::make_in(scratch.path().string());
    ASSERT_TRUE(folder.ok());
    path = folder->path();
    ASSERT_TRUE(folder->write("auth.json", "secret").ok());
    struct stat found = {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777u, 0700u);
    ASSERT_EQ(::stat((path + "/auth.json").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777u, 0600u);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace pawl
