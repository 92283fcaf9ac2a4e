// Who we are to registries, as people's machines say it: docker's files, helper programs, the
// environment.
#include "cli/registry_access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "support/temp_folder.h"

namespace pawl {
namespace {

class RegistryLogins : public ::testing::Test {
 protected:
  RegistryLogins() : path_(std::getenv("PATH")) {
    environment_.set("HOME", folder_.path().string());
    ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
  }
  ~RegistryLogins() override { ::setenv("PATH", path_.c_str(), 1); }

  void write_config(const std::string& text) { folder_.write(".docker/config.json", text); }
  void write_helper(const std::string& name, const std::string& script) {
    const auto file = folder_.write("docker-credential-" + name, "#!/bin/sh\n" + script);
    ::chmod(file.c_str(), 0755);
  }
  Result<std::optional<oci::Credentials>> find(const std::string& host) {
    auto access = registry_access(environment_, *processes_, loop_, nullptr);
    if (!access.ok()) return access.error();
    return loop_.run(access->credentials->find(host));
  }

  test::TempFolder folder_;
  std::string path_;
  ProcessEnvironment environment_{std::map<std::string, std::string>{}};
  Loop loop_;
  std::unique_ptr<Processes> processes_ = make_processes(loop_);
};

TEST_F(RegistryLogins, AHelperIsGivenTheHostAndNothingElse) {
  write_config(R"({"credsStore":"test"})");
  write_helper("test", R"(read host; [ "$#" = 1 ] && [ "$1" = get ] || exit 9
printf '{"ServerURL":"%s","Username":"u-%s","Secret":"from-the-helper"}' "$host" "$host")");
  const auto found = find("registry.example");
  ASSERT_TRUE(found.ok()) << found.error().message();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->user, "u-registry.example");
  EXPECT_EQ((*found)->password.reveal_for("test"), "from-the-helper");
}

TEST_F(RegistryLogins, AHelperThatIsNotInstalledIsNamed) {
  write_config(R"({"credHelpers":{"registry.example":"nowhere"}})");
  const auto found = find("registry.example");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind(), ErrorKind::config);
  EXPECT_NE(found.error().message().find("docker-credential-nowhere"), std::string::npos);
  EXPECT_TRUE(find("other.example").ok());
}

TEST_F(RegistryLogins, AHelperThatNeverStopsTalkingIsStopped) {
  write_config(R"({"credsStore":"endless"})");
  write_helper("endless", "while :; do echo a-secret-that-is-long-enough; done");
  const auto found = find("registry.example");
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message().find("docker-credential-endless"), std::string::npos)
      << found.error().message();
}

TEST_F(RegistryLogins, AHelperThatFailsSaysWhy) {
  write_config(R"({"credsStore":"locked"})");
  write_helper("locked", "echo 'the keychain is locked' >&2; exit 1");
  const auto found = find("registry.example");
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message().find("the keychain is locked"), std::string::npos);
}

TEST_F(RegistryLogins, TheJobsTokenIsForGhcrAlone) {
  environment_.set("GITHUB_TOKEN", "ghs_a-token-of-a-job");
  environment_.set("GITHUB_ACTOR", "octocat");
  const auto ghcr = find("ghcr.io");
  ASSERT_TRUE(ghcr.ok() && ghcr->has_value());
  EXPECT_EQ((*ghcr)->user, "octocat");
  EXPECT_FALSE(find("docker.io")->has_value());
}

}  // namespace
}  // namespace pawl
