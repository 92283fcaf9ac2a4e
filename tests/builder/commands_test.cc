#include "builder/commands.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

BuildRequest request_of_meals() {
  BuildRequest request;
  request.image = "ghcr.io/example/meals";
  request.tags = {"1.4.2", "sha-abc1234", "latest"};
  request.labels = {{"org.opencontainers.image.revision", "abc1234def"},
                    {"org.opencontainers.image.version", "1.4.2"}};
  request.revision = "abc1234def5678900000000000000000000000aa";
  return request;
}

BuilderOptions options_in(const std::string& directory) {
  BuilderOptions options;
  options.directory = directory;
  options.scratch_dir = directory + "/.pawl/build";
  return options;
}

std::string line_of(const std::vector<std::string>& argv) {
  std::string line;
  for (const auto& word : argv) line += (line.empty() ? "" : " ") + word;
  return line;
}

TEST(BuildahCommands, BuildWithLabelsAndPushEachTagByDigestFile) {
  const auto request = request_of_meals();
  const auto commands = buildah_commands(request, options_in("/src"), {}, "/private");
  const std::string name = local_image_name(request);
  EXPECT_EQ(line_of(commands.build),
            "buildah bud --isolation chroot --layers --file /src/Dockerfile --platform linux/amd64"
            " --label org.opencontainers.image.revision=abc1234def"
            " --label org.opencontainers.image.version=1.4.2 --tag " +
                name + " /src");
  ASSERT_EQ(commands.pushes.size(), 3u);
  EXPECT_EQ(commands.pushes[0].reference, "ghcr.io/example/meals:1.4.2");
  ASSERT_EQ(commands.pushes[0].commands.size(), 1u);
  EXPECT_EQ(line_of(commands.pushes[0].commands[0]), "buildah push --digestfile /private/digest " +
                                                         name +
                                                         " docker://ghcr.io/example/meals:1.4.2");
  EXPECT_EQ(commands.pushes[2].reference, "ghcr.io/example/meals:latest");
}

TEST(BuildahCommands, StartWithThePrefixAndTheStorageDriverEachTime) {
  const BuildahStart start{{"unshare", "--mount"}, "vfs"};
  const auto commands = buildah_commands(request_of_meals(), options_in("/src"), start, "/private");
  EXPECT_EQ(line_of(commands.build).rfind("unshare --mount buildah --storage-driver vfs bud ", 0),
            0u);
  EXPECT_EQ(line_of(commands.pushes[0].commands[0])
                .rfind("unshare --mount buildah --storage-driver vfs push ", 0),
            0u);
}

TEST(BuildahCommands, GiveCredentialsByFileOnly) {
  auto options = options_in("/src");
  options.logins.push_back({"ghcr.io", "ana", Secret("a-very-secret-token")});
  const auto commands = buildah_commands(request_of_meals(), options, {}, "/private");
  const std::string push = line_of(commands.pushes[0].commands[0]);
  EXPECT_NE(push.find("--authfile /private/auth.json"), std::string::npos);
  EXPECT_EQ(push.find("secret"), std::string::npos);
}

TEST(BuildahCommands, SpeakPlainHttpToLoopbackAndToNamedHostsOnly) {
  struct Row {
    const char* spoken_to;  // override of ghcr.io
    const char* insecure;
    bool plain;
  };
  const Row rows[] = {
      {"", "", false},
      {"127.0.0.1:4512", "", true},
      {"127.8.9.1", "", true},
      {"localhost:5000", "", true},
      {"[::1]:5000", "", true},
      {"localhost.example.com", "", false},
      {"registry.internal:5000", "", false},
      {"registry.internal:5000", "registry.internal:5000", true},
      {"registry.internal:5000", "registry.internal", false},
  };
  for (const auto& row : rows) {
    auto options = options_in("/src");
    if (*row.spoken_to != '\0') options.host_overrides["ghcr.io"] = row.spoken_to;
    if (*row.insecure != '\0') options.insecure_hosts = {row.insecure};
    const auto commands = buildah_commands(request_of_meals(), options, {}, "/private");
    const bool plain =
        line_of(commands.pushes[0].commands[0]).find("--tls-verify=false") != std::string::npos;
    EXPECT_EQ(plain, row.plain) << row.spoken_to << " " << row.insecure;
    if (*row.spoken_to != '\0') {
      EXPECT_EQ(commands.pushes[0].reference, std::string(row.spoken_to) + "/example/meals:1.4.2");
    }
  }
}

TEST(DockerCommands, TagAndPushEachTag) {
  const auto request = request_of_meals();
  const auto commands = docker_commands(request, options_in("/src"));
  EXPECT_EQ(line_of(commands.build).rfind("docker build --file /src/Dockerfile ", 0), 0u);
  ASSERT_EQ(commands.pushes.size(), 3u);
  ASSERT_EQ(commands.pushes[1].commands.size(), 2u);
  EXPECT_EQ(line_of(commands.pushes[1].commands[0]),
            "docker tag " + local_image_name(request) + " ghcr.io/example/meals:sha-abc1234");
  EXPECT_EQ(line_of(commands.pushes[1].commands[1]),
            "docker push ghcr.io/example/meals:sha-abc1234");
}

TEST(BuildCommands, HoldTargetPlatformAndArguments) {
  auto request = request_of_meals();
  request.settings.target = "lambda";
  request.settings.platform = "linux/arm64";
  request.settings.args = {{"VERSION", "1.4.2"}, {"EMPTY", ""}};
  const std::string line = line_of(docker_commands(request, options_in("/src")).build);
  EXPECT_NE(line.find(" --platform linux/arm64 --target lambda --build-arg EMPTY= "
                      "--build-arg VERSION=1.4.2 "),
            std::string::npos)
      << line;
}

TEST(BuildCommands, FindTheDockerfileRelativeToTheContext) {
  struct Row {
    const char* directory;
    const char* context;
    const char* dockerfile;
    const char* path;
    const char* built_in;
  };
  const Row rows[] = {
      {"/src", ".", "Dockerfile", "/src/Dockerfile", "/src"},
      {"/src", "app", "docker/Dockerfile", "/src/app/docker/Dockerfile", "/src/app"},
      {"/src", "app", "/etc/Dockerfile", "/etc/Dockerfile", "/src/app"},
      {"/src", "/other", "Dockerfile", "/other/Dockerfile", "/other"},
      {"", ".", "Dockerfile", "Dockerfile", "."},
  };
  for (const auto& row : rows) {
    auto request = request_of_meals();
    request.settings.context = row.context;
    request.settings.dockerfile = row.dockerfile;
    const auto options = options_in(row.directory);
    EXPECT_EQ(dockerfile_path(options, request.settings), row.path);
    EXPECT_EQ(docker_commands(request, options).build.back(), row.built_in);
  }
}

TEST(LocalImageName, DiffersWhenTheLabelsDo) {
  auto one = request_of_meals();
  auto other = one;
  EXPECT_EQ(local_image_name(one), local_image_name(other));
  other.labels["org.opencontainers.image.version"] = "1.4.3";
  EXPECT_NE(local_image_name(one), local_image_name(other));
  EXPECT_EQ(local_image_name(one).rfind("localhost/pawl-build:abc1234def56-", 0), 0u);
}

TEST(DigestInDockerOutput, IsReadFromTheLastLineThatHasOne) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(digest_in_docker_output("1.4.2: digest: " + digest + " size: 528\n"), digest);
  EXPECT_EQ(digest_in_docker_output("5f70: Pushed\n1.4.2: digest: " + digest + " size: 528\n\n"),
            digest);
  EXPECT_EQ(digest_in_docker_output("digest: sha512:ab\n"), "");
  EXPECT_EQ(digest_in_docker_output(""), "");
}

TEST(PushFailure, IsToldApartByTheToolsWords) {
  struct Row {
    const char* text;
    ErrorKind kind;
  };
  const Row rows[] = {
      {"unauthorized: authentication required", ErrorKind::denied},
      {"denied: requested access to the resource is denied", ErrorKind::denied},
      {"no basic auth credentials", ErrorKind::denied},
      {"error pinging docker registry 127.0.0.1:1: dial tcp: connect: connection refused",
       ErrorKind::unavailable},
      {"received unexpected HTTP status: 503 Service Unavailable", ErrorKind::unavailable},
      {"no space left on device", ErrorKind::failed},
  };
  for (const auto& row : rows) EXPECT_EQ(kind_of_push_failure(row.text), row.kind) << row.text;
}

}  // namespace
}  // namespace pawl
