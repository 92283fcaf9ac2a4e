#include "builder/builder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

#include "builder/commands.h"
#include "support/fake_processes.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

using test::FakeProcesses;
using test::run_now;
using test::TempFolder;

const std::string kDigest = "sha256:" + std::string(64, 'a');

// A project whose programs are a folder of empty files: find_program looks there only.
class Builder : public testing::Test {
 protected:
  Builder() {
    folder_.write("Dockerfile", "FROM scratch\n");
    ::setenv("PATH", (folder_ / "bin").c_str(), 1);
    options_.directory = folder_.path().string();
    options_.scratch_dir = folder_ / "scratch";
    request_.image = "ghcr.io/example/meals";
    request_.tags = {"1.4.2", "latest"};
    request_.revision = std::string(40, 'c');
  }
  ~Builder() override { ::setenv("PATH", path_.c_str(), 1); }

  void install(const std::string& program) {
    const auto file = folder_.write("bin/" + program, "#!/bin/sh\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }

  void buildah_pushes(const std::string& digest, int times = 1'000) {
    processes_.answer({"buildah", " push "}, {}, times, [digest](const Command& command) {
      for (size_t i = 0; i + 1 < command.argv.size(); ++i)
        if (command.argv[i] == "--digestfile") std::ofstream(command.argv[i + 1]) << digest;
    });
  }

  void no_buildx() {
    processes_.answer({"docker buildx version"},
                      {1, "", "docker: unknown command: docker buildx\n"});
  }
  void buildx_is_there() {
    processes_.answer({"docker buildx version"}, {0, "github.com/docker/buildx v0.17.1\n", ""});
    processes_.answer({"docker buildx build"}, {}, 1'000, [](const Command& command) {
      for (size_t i = 0; i + 1 < command.argv.size(); ++i)
        if (command.argv[i] == "--metadata-file")
          std::ofstream(command.argv[i + 1]) << R"({"containerimage.digest":")" + kDigest + "\"}";
    });
  }

  Result<Digest> build() {
    auto builder = make_image_builder(processes_, options_);
    LogLine log = [this](std::string_view line) { log_ += std::string(line) + "\n"; };
    return run_now(builder->build_and_push(request_, log));
  }

  const std::string path_ = ::getenv("PATH");
  TempFolder folder_;
  FakeProcesses processes_;
  BuilderOptions options_;
  BuildRequest request_;
  std::string log_;
};

TEST_F(Builder, GivesTheDigestThatWasPushed) {
  install("buildah");
  buildah_pushes(kDigest);
  processes_.answer({" bud "}, {0, "STEP 1/1: FROM scratch\n", ""});
  const auto digest = build();
  ASSERT_TRUE(digest.ok()) << digest.error().message();
  EXPECT_EQ(digest->str(), kDigest);
  EXPECT_EQ(log_,
            "building with buildah: the first choice, and it is here\nSTEP 1/1: FROM scratch\n");
  EXPECT_EQ(processes_.with({" push "}).size(), 2u);
}

TEST_F(Builder, LeavesNothingInItsScratchFolder) {
  install("buildah");
  buildah_pushes(kDigest);
  options_.logins.push_back({"ghcr.io", "ana", Secret("very-secret")});
  ASSERT_TRUE(build().ok());
  EXPECT_TRUE(std::filesystem::is_empty(options_.scratch_dir));
}

TEST_F(Builder, HandsNoTokenOfOursToTheBuilderUnlessACredentialHelperMayNeedIt) {
  install("buildah");
  buildah_pushes(kDigest);
  ::setenv("GITHUB_TOKEN", "very-secret", 1);
  ::setenv("TF_VAR_password", "very-secret", 1);
  options_.docker_config = folder_ / "docker";
  for (const bool has_helper : {false, true}) {
    folder_.write("docker/config.json",
                  has_helper ? R"({"credHelpers": {"x.example": "ecr-login"}})" : "{}");
    processes_.commands.clear();
    ASSERT_TRUE(build().ok());
    // Whoever knows no helper, the question for its version included, gets none of them.
    const auto told = has_helper ? processes_.with({" push "}) : processes_.commands;
    ASSERT_FALSE(told.empty());
    for (const auto& command : told) {
      const auto& gone = command.unset;
      const auto is_gone = [&gone](const char* name) {
        return std::find(gone.begin(), gone.end(), name) != gone.end();
      };
      EXPECT_EQ(is_gone("GITHUB_TOKEN"), !has_helper);
      EXPECT_EQ(is_gone("TF_VAR_password"), !has_helper);
      EXPECT_FALSE(is_gone("PATH"));
    }
  }
  ::unsetenv("GITHUB_TOKEN");
  ::unsetenv("TF_VAR_password");
}

TEST_F(Builder, KeepsSecretsOutOfEveryCommandLine) {
  for (const char* tool : {"buildah", "docker"}) {
    install(tool);
    request_.settings.builder = tool;
    options_.logins = {{"ghcr.io", "ana", Secret("very-secret")}};
    (void)build();
  }
  ASSERT_FALSE(processes_.commands.empty());
  for (const auto& command : processes_.commands) {
    EXPECT_EQ(FakeProcesses::line_of(command).find("very-secret"), std::string::npos);
    EXPECT_EQ(FakeProcesses::line_of(command).find("YW5hOnZlcnktc2VjcmV0"), std::string::npos);
    for (const auto& [name, value] : command.environment)
      EXPECT_EQ(value.find("very-secret"), std::string::npos) << name;
  }
}

TEST_F(Builder, UsesVfsWhereTheConfiguredStorageDoesNotOpen) {
  install("buildah");
  buildah_pushes(kDigest);
  processes_.answer({"buildah info"}, {125, "", "Error: kernel does not support overlay fs\n"});
  ASSERT_TRUE(build().ok());
  EXPECT_EQ(processes_.with({"--storage-driver vfs bud"}).size(), 1u);
  EXPECT_NE(log_.find("vfs, because: Error: kernel does not support"), std::string::npos);
}

TEST_F(Builder, SaysWhyNoStorageOpens) {
  install("buildah");
  processes_.answer({" info"}, {125, "", "Error: permission denied\nlevel=warning msg=\"bye\"\n"});
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().what(), "buildah cannot store images here: Error: permission denied");
}

TEST_F(Builder, TellsTheLineThatABuildFailedWith) {
  install("buildah");
  processes_.answer({" bud "},
                    {2, "STEP 1\n", "error building at STEP \"RUN make\": exit status 2\n"});
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::failed);
  EXPECT_EQ(digest.error().what(),
            "`buildah build` ended with 2: error building at STEP \"RUN make\": exit status 2");
  EXPECT_TRUE(processes_.with({" push "}).empty());
}

TEST_F(Builder, TellsAPushThatWasDeniedFromOneThatFoundNobody) {
  install("buildah");
  processes_.answer({" push "}, {125, "", "Error: unauthorized: authentication required\n"}, 1);
  processes_.answer({" push "}, {125, "", "Error: dial tcp: connect: connection refused\n"}, 1);
  const auto denied = build();
  ASSERT_FALSE(denied.ok());
  EXPECT_EQ(denied.error().kind(), ErrorKind::denied);
  EXPECT_NE(denied.error().hint().find("docker login ghcr.io"), std::string::npos);
  const auto unavailable = build();
  ASSERT_FALSE(unavailable.ok());
  EXPECT_EQ(unavailable.error().kind(), ErrorKind::unavailable);
}

TEST_F(Builder, RefusesTagsThatNameDifferentDigests) {
  install("buildah");
  buildah_pushes(kDigest, 1);
  buildah_pushes("sha256:" + std::string(64, 'b'), 1);
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::corrupt);
}

TEST_F(Builder, TakesDockerWhenThereIsNoBuildah) {
  install("docker");
  no_buildx();
  processes_.answer({"docker push"}, {0, "1.4.2: digest: " + kDigest + " size: 528\n", ""});
  const auto digest = build();
  ASSERT_TRUE(digest.ok()) << digest.error().message();
  EXPECT_EQ(digest->str(), kDigest);
}

TEST_F(Builder, GivesDockerItsCredentialsByFolder) {
  install("docker");
  no_buildx();
  options_.logins.push_back({"ghcr.io", "ana", Secret("very-secret")});
  std::string config;
  processes_.answer(
      {"docker push"}, {0, "digest: " + kDigest + " size: 1\n", ""}, 1'000,
      [&config](const Command& command) {
        config = TempFolder::read(command.environment.at("DOCKER_CONFIG") + "/config.json");
      });
  ASSERT_TRUE(build().ok());
  EXPECT_NE(config.find("YW5hOnZlcnktc2VjcmV0"), std::string::npos);
}

TEST_F(Builder, SaysThatNoDaemonAnswers) {
  install("docker");
  processes_.answer(
      {"docker version"},
      {1, "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n"});
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_NE(digest.error().what().find("no daemon answers: Cannot connect"), std::string::npos);
  EXPECT_NE(digest.error().hint().find("apt install buildah"), std::string::npos);
}

TEST_F(Builder, SaysWhatToInstall) {
  const auto none = build();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::not_found);
  EXPECT_NE(none.error().what().find("no buildah or docker"), std::string::npos);
  install("docker");
  request_.settings.builder = "buildah";
  const auto wanted = build();
  ASSERT_FALSE(wanted.ok());
  EXPECT_NE(wanted.error().what().find("there is no buildah"), std::string::npos);
}

TEST_F(Builder, BuildsAndPushesAtOnceWithBuildx) {
  install("docker");
  buildx_is_there();
  const auto digest = build();
  ASSERT_TRUE(digest.ok()) << digest.error().message();
  EXPECT_EQ(digest->str(), kDigest);
  EXPECT_TRUE(processes_.with({"docker push"}).empty());
  EXPECT_NE(log_.find("building with github.com/docker/buildx v0.17.1: the first that can: buildah "
                      "is not here, podman is not here\n"),
            std::string::npos)
      << log_;
}

TEST_F(Builder, PassesOverWhatCannotDoWhatIsAskedFor) {
  install("buildah");
  install("docker");
  buildx_is_there();
  request_.settings.provenance = "max";
  ASSERT_TRUE(build().ok());
  EXPECT_NE(log_.find("buildah writes no provenance, podman writes no provenance"),
            std::string::npos)
      << log_;
  request_.settings.builder = "buildah";
  const auto named = build();
  ASSERT_FALSE(named.ok());
  EXPECT_EQ(named.error().kind(), ErrorKind::config);
  EXPECT_EQ(named.error().what(),
            "buildah writes no provenance, and image.build in pawl.yaml asks for it");
  EXPECT_NE(named.error().hint().find("builder: buildx"), std::string::npos);
}

TEST_F(Builder, UsesPodmanAsItUsesBuildah) {
  install("podman");
  processes_.answer({"podman push"}, {}, 1'000, [](const Command& command) {
    for (size_t i = 0; i + 1 < command.argv.size(); ++i)
      if (command.argv[i] == "--digestfile") std::ofstream(command.argv[i + 1]) << kDigest;
  });
  const auto digest = build();
  ASSERT_TRUE(digest.ok()) << digest.error().message();
  EXPECT_EQ(processes_.with({"podman build --layers"}).size(), 1u);
  EXPECT_EQ(processes_.with({"podman push"}).size(), 2u);
}

TEST_F(Builder, GivesBuildSecretsByFileAndKeepsThemOutOfTheLog) {
  const std::string secret = "npm_0123456789";
  options_.variables["NPM_TOKEN"] = secret;
  folder_.write("pip.conf", "index = https://u:pip-password@pip\n");
  request_.settings.secrets = {{"npm", "env:NPM_TOKEN"}, {"pip", "file:pip.conf"}};
  for (const char* tool : {"buildah", "docker"}) {
    install(tool);
    if (std::string_view(tool) == "docker") no_buildx();
    request_.settings.builder = tool;
    std::map<std::string, std::string> given;
    processes_.answer({tool, "--secret"},
                      {1, "using npm_0123456789\n", "Error: pip-password https://u:pip\n"}, 1,
                      [&given](const Command& command) {
                        for (const auto& word : command.argv)
                          if (const auto at = word.find(",src="); at != std::string::npos)
                            given[word.substr(0, at)] = TempFolder::read(word.substr(at + 5));
                      });
    log_.clear();
    const auto failed = build();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(given["id=npm"], secret) << tool;
    EXPECT_EQ(given["id=pip"], "index = https://u:pip-password@pip\n") << tool;
    EXPECT_NE(log_.find("using ***"), std::string::npos) << log_;
    for (const auto& text : {log_, failed.error().message(), failed.error().hint()})
      EXPECT_EQ(text.find(secret), std::string::npos) << text;
    EXPECT_TRUE(std::filesystem::is_empty(options_.scratch_dir));
  }
  for (const auto& command : processes_.commands)
    EXPECT_EQ(FakeProcesses::line_of(command).find(secret), std::string::npos);
  EXPECT_EQ(processes_.with({"docker build "}).at(0).environment.at("DOCKER_BUILDKIT"), "1");
}

TEST_F(Builder, NamesTheSecretThatIsMissingBeforeItBuilds) {
  install("buildah");
  request_.settings.secrets = {{"npm", "env:NPM_TOKEN"}};
  const auto unset = build();
  ASSERT_FALSE(unset.ok());
  EXPECT_EQ(unset.error().kind(), ErrorKind::config);
  EXPECT_EQ(unset.error().what(), "image.build.secrets.npm: the variable NPM_TOKEN is not set");
  request_.settings.secrets = {{"npm", "file:.npmrc"}};
  EXPECT_NE(build().error().what().find(folder_ / ".npmrc"), std::string::npos);
  EXPECT_TRUE(processes_.with({" bud "}).empty());
}

TEST_F(Builder, ShowsTheLastLinesOfABuildThatFailed) {
  install("buildah");
  std::string said;
  for (int i = 1; i <= 30; ++i) said += "compiling part " + std::to_string(i) + "\n";
  processes_.answer({" bud "}, {1, said, "Error: exit status 2\n"});
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  const auto& hint = digest.error().hint();
  EXPECT_NE(hint.find("pawl logs --step build_image; it ended with:\n    compiling part 20\n"),
            std::string::npos)
      << hint;
  EXPECT_EQ(hint.find("compiling part 19\n"), std::string::npos);
  EXPECT_EQ(hint.substr(hint.size() - 24), "    Error: exit status 2");
}

TEST_F(Builder, SaysHowBuildxComesToDoIt) {
  install("docker");
  buildx_is_there();
  request_.settings.builder = "buildx";
  request_.settings.platforms = {"linux/amd64", "linux/arm64"};
  FakeProcesses failing;
  processes_ = failing;
  processes_.answer({"docker buildx version"}, {0, "github.com/docker/buildx v0.17.1\n", ""});
  processes_.answer(
      {"docker buildx build"},
      {1, "", "ERROR: Multi-platform build is not supported for the docker driver\n"});
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().hint().rfind("buildx's default driver cannot do that: docker buildx "
                                        "create --use; ",
                                        0),
            0u)
      << digest.error().hint();
}

TEST_F(Builder, NamesTheDockerfileThatIsMissing) {
  install("buildah");
  request_.settings.dockerfile = "docker/Dockerfile";
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::config);
  EXPECT_NE(digest.error().what().find(folder_ / "docker/Dockerfile"), std::string::npos);
  EXPECT_TRUE(processes_.commands.empty());
}

}  // namespace
}  // namespace pawl
