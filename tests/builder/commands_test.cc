#include "builder/commands.h"

#include <gtest/gtest.h>

#include <functional>

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
  const auto commands = buildah_commands(request, options_in("/src"), {}, {"/private", {}});
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
  const auto commands =
      buildah_commands(request_of_meals(), options_in("/src"), start, {"/private", {}});
  EXPECT_EQ(line_of(commands.build).rfind("unshare --mount buildah --storage-driver vfs bud ", 0),
            0u);
  EXPECT_EQ(line_of(commands.pushes[0].commands[0])
                .rfind("unshare --mount buildah --storage-driver vfs push ", 0),
            0u);
}

TEST(BuildahCommands, GiveCredentialsByFileOnly) {
  auto options = options_in("/src");
  options.logins.push_back({"ghcr.io", "ana", Secret("a-very-secret-token")});
  const auto commands = buildah_commands(request_of_meals(), options, {}, {"/private", {}});
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
    const auto commands = buildah_commands(request_of_meals(), options, {}, {"/private", {}});
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
  const auto commands = docker_commands(request, options_in("/src"), {});
  EXPECT_EQ(line_of(commands.build).rfind("docker build --file /src/Dockerfile ", 0), 0u);
  ASSERT_EQ(commands.pushes.size(), 3u);
  ASSERT_EQ(commands.pushes[1].commands.size(), 2u);
  EXPECT_EQ(line_of(commands.pushes[1].commands[0]),
            "docker tag " + local_image_name(request) + " ghcr.io/example/meals:sha-abc1234");
  EXPECT_EQ(line_of(commands.pushes[1].commands[1]),
            "docker push ghcr.io/example/meals:sha-abc1234");
}

TEST(BuildahCommands, MakeAnIndexOfSeveralPlatforms) {
  auto request = request_of_meals();
  request.settings.platforms = {"linux/amd64", "linux/arm64"};
  const auto commands = buildah_commands(request, options_in("/src"), {}, {"/private", {}});
  const std::string name = local_image_name(request);
  EXPECT_NE(line_of(commands.build).find("buildah bud --isolation chroot --layers=false "),
            std::string::npos);
  EXPECT_NE(line_of(commands.build).find(" --platform linux/amd64,linux/arm64 "),
            std::string::npos);
  EXPECT_NE(line_of(commands.build).find(" --manifest " + name + " /src"), std::string::npos);
  EXPECT_EQ(line_of(commands.before.at(0)), "buildah manifest rm " + name);
  EXPECT_EQ(line_of(commands.pushes[0].commands[0]),
            "buildah manifest push --all --digestfile /private/digest " + name +
                " docker://ghcr.io/example/meals:1.4.2");
}

TEST(BuildahCommands, CacheInARepositoryWithItsCredentials) {
  auto request = request_of_meals();
  request.settings.cache_from = {"ghcr.io/example/meals-cache:main"};
  request.settings.cache_to = {"ghcr.io/example/meals-cache"};
  auto options = options_in("/src");
  options.host_overrides["ghcr.io"] = "127.0.0.1:4512";
  options.logins.push_back({"ghcr.io", "ana", Secret("a-very-secret-token")});
  const auto commands = buildah_commands(request, options, {}, {"/private", {}});
  EXPECT_NE(line_of(commands.build)
                .find(" --cache-from 127.0.0.1:4512/example/meals-cache --cache-to "
                      "127.0.0.1:4512/example/meals-cache --tls-verify=false --authfile "
                      "/private/auth.json "),
            std::string::npos)
      << line_of(commands.build);
}

TEST(BuildxCommands, PassCachesSecretsProvenanceAndSbomOn) {
  auto request = request_of_meals();
  BuildSettings& settings = request.settings;
  settings.platforms = {"linux/amd64", "linux/arm64"};
  settings.cache_from = {"ghcr.io/example/meals:cache", "type=gha,scope=meals"};
  settings.cache_to = {"ghcr.io/example/meals:cache"};
  settings.provenance = "max";
  settings.sbom = "attach";
  const auto commands =
      buildx_commands(request, options_in("/src"), {"/private", {{"npm", "/private/secret-npm"}}});
  EXPECT_EQ(line_of(commands.build),
            "docker buildx build --progress plain --output type=registry --metadata-file "
            "/private/metadata.json --cache-from type=registry,ref=ghcr.io/example/meals:cache "
            "--cache-from type=gha,scope=meals --cache-to "
            "type=registry,ref=ghcr.io/example/meals:cache,mode=max --provenance=mode=max "
            "--sbom=true --file /src/Dockerfile --platform linux/amd64,linux/arm64 --label "
            "org.opencontainers.image.revision=abc1234def --label "
            "org.opencontainers.image.version=1.4.2 --secret id=npm,src=/private/secret-npm --tag "
            "ghcr.io/example/meals:1.4.2 --tag ghcr.io/example/meals:sha-abc1234 --tag "
            "ghcr.io/example/meals:latest /src");
  EXPECT_TRUE(commands.pushes.empty());
}

TEST(BuildxCommands, SayNothingOfWhatIsNotAskedFor) {
  const auto line = line_of(buildx_commands(request_of_meals(), options_in("/src"), {}).build);
  for (const char* option : {"--provenance", "--sbom", "--cache", "--secret"})
    EXPECT_EQ(line.find(option), std::string::npos) << line;
  auto off = request_of_meals();
  off.settings.provenance = "none";
  off.settings.sbom = "none";
  const auto without = line_of(buildx_commands(off, options_in("/src"), {}).build);
  EXPECT_NE(without.find(" --provenance=false --sbom=false "), std::string::npos) << without;
}

TEST(BuildTools, AreToldApartByWhatTheyCanDo) {
  struct Row {
    const char* what;
    std::function<void(BuildSettings&)> ask;
    bool buildah, buildx, docker;
  };
  const Row rows[] = {
      {"plain", [](BuildSettings&) {}, true, true, true},
      {"secrets",
       [](BuildSettings& s) {
         s.secrets = {{"a", "env:A"}};
       },
       true, true, true},
      {"platforms",
       [](BuildSettings& s) {
         s.platforms = {"a/b", "c/d"};
       },
       true, true, false},
      {"one platform", [](BuildSettings& s) { s.platforms = {"a/b"}; }, true, true, true},
      {"cache", [](BuildSettings& s) { s.cache_to = {"h/c"}; }, true, true, false},
      {"cache of platforms",
       [](BuildSettings& s) {
         s.cache_from = {"h/c"}, s.platforms = {"a/b", "c/d"};
       },
       false, true, false},
      {"typed cache", [](BuildSettings& s) { s.cache_from = {"type=gha"}; }, false, true, false},
      {"provenance", [](BuildSettings& s) { s.provenance = "min"; }, false, true, false},
      {"no provenance", [](BuildSettings& s) { s.provenance = "none"; }, true, true, true},
      {"sbom", [](BuildSettings& s) { s.sbom = "attach"; }, false, true, false},
  };
  for (const auto& row : rows) {
    BuildSettings settings;
    row.ask(settings);
    EXPECT_EQ(shortcoming_of(BuildTool::buildah, settings).empty(), row.buildah) << row.what;
    EXPECT_EQ(shortcoming_of(BuildTool::podman, settings).empty(), row.buildah) << row.what;
    EXPECT_EQ(shortcoming_of(BuildTool::buildx, settings).empty(), row.buildx) << row.what;
    EXPECT_EQ(shortcoming_of(BuildTool::docker, settings).empty(), row.docker) << row.what;
  }
}

TEST(DigestInMetadata, IsTheOneOfTheImage) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(digest_in_metadata(R"({"containerimage.config.digest":"x","containerimage.digest":")" +
                               digest + "\"}"),
            digest);
  for (const char* text : {"", "{}", "[1]", R"({"containerimage.digest":7})"})
    EXPECT_EQ(digest_in_metadata(text), "") << text;
}

TEST(BuildCommands, HoldTargetPlatformAndArguments) {
  auto request = request_of_meals();
  request.settings.target = "lambda";
  request.settings.platform = "linux/arm64";
  request.settings.args = {{"VERSION", "1.4.2"}, {"EMPTY", ""}};
  const std::string line = line_of(docker_commands(request, options_in("/src"), {}).build);
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
    EXPECT_EQ(docker_commands(request, options, {}).build.back(), row.built_in);
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
