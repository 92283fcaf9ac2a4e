// Real builders, buildah and docker, against a real registry that wants a password. Skipped where
// one of them is not found; docker needs a daemon, which is started where root may do so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/encoding.h"
#include "base/json.h"
#include "builder/builder.h"
#include "builder/commands.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "support/docker_registry.h"

namespace pawl {
namespace {

using test::DockerRegistry;
using test::TempFolder;
using testing::HasSubstr;
using testing::Not;

int shell(const std::string& script) {
  return std::system((script + " >/dev/null 2>&1").c_str());
}

/// The daemon that DOCKER_HOST names or that runs here, else one of our own for this process.
class DockerDaemon {
 public:
  static bool is_there() {
    static DockerDaemon daemon;
    return daemon.answers();
  }

 private:
  DockerDaemon() {
    if (!find_program("docker") || answers()) return;
    if (!find_program("dockerd") || ::geteuid() != 0) return;
    const std::string socket = "unix://" + folder_ / "docker.sock";
    const std::vector<std::string> words = {"dockerd",
                                            "--data-root",
                                            folder_ / "data",
                                            "--exec-root",
                                            folder_ / "exec",
                                            "-H",
                                            socket,
                                            "--pidfile",
                                            folder_ / "pid",
                                            "--iptables=false",
                                            "--ip6tables=false",
                                            "--bridge=none"};
    std::vector<const char*> argv;
    for (const auto& word : words) argv.push_back(word.c_str());
    argv.push_back(nullptr);
    const std::string log = folder_ / "log";
    process_ = ::fork();
    if (process_ == 0) {
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      ::dup2(out, 1);
      ::dup2(out, 2);
      ::execvp(argv[0], const_cast<char* const*>(argv.data()));
      ::_exit(127);
    }
    ::setenv("DOCKER_HOST", socket.c_str(), 1);
    constexpr int kTries = 150;
    for (int i = 0; i < kTries && !answers() && ::waitpid(process_, nullptr, WNOHANG) == 0; ++i)
      ::usleep(100'000);
  }
  ~DockerDaemon() {
    if (process_ <= 0) return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    ::umount2((folder_ / "exec/netns/default").c_str(), MNT_DETACH);
  }
  bool answers() const { return shell("docker version") == 0; }

  TempFolder folder_;
  pid_t process_ = 0;
};

class Builders : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!DockerRegistry::is_installed()) GTEST_SKIP() << "docker-registry is not installed";
    const std::string tool = GetParam();
    if (!find_program(program())) GTEST_SKIP() << tool << " is not installed";
    if (is_docker() && !DockerDaemon::is_there())
      GTEST_SKIP() << "there is no docker daemon, and none can be started";
    if (tool == "buildx" && shell("docker buildx version | grep buildx") != 0)
      GTEST_SKIP() << "docker has no buildx";
    registry_.emplace(DockerRegistry::Access::password);
    folder_.write("app/Dockerfile", "FROM scratch\nARG WHO\nLABEL who=$WHO\nCOPY hello /hello\n");
    folder_.write("app/hello", "hello of " + folder_.path().string() + "\n");
    options_.directory = folder_ / "app";
    options_.scratch_dir = folder_ / "scratch";
    options_.host_overrides["ghcr.io"] = registry_->host();
    log_in(DockerRegistry::kPassword);
    request_.image = "ghcr.io/example/meals";
    request_.tags = {"1.4.2", "sha-abc1234", "latest"};
    request_.labels["org.opencontainers.image.version"] = "1.4.2";
    request_.revision = std::string(40, 'a');
    request_.settings.builder = tool;
    // Of this test alone: the images are found by it, and others build beside.
    request_.settings.args["WHO"] = who();
  }
  void TearDown() override {
    if (!registry_) return;
    const std::string list = program() + " images -q --filter label=who=" + who();
    (void)shell(list + " | xargs -r " + program() + " rmi -f");
  }
  static bool is_docker() { return program() == "docker"; }
  static std::string program() {
    const std::string tool = GetParam();
    return tool == "buildx" ? "docker" : tool;
  }

  static std::string who() { return "ana-" + std::to_string(::getpid()); }

  void log_in(const std::string& password) {
    options_.logins.clear();
    options_.logins.push_back({"ghcr.io", DockerRegistry::kUser, Secret(password)});
  }

  HttpResponse get(const std::string& path, const std::string& accept) {
    HttpRequest request;
    request.url = "http://" + registry_->host() + path;
    request.headers.set("Accept", accept);
    request.headers.set("Authorization",
                        "Basic " + base64_encode(std::string(DockerRegistry::kUser) + ":" +
                                                 DockerRegistry::kPassword));
    auto response = loop_.run(http_->send(std::move(request)));
    return response.ok() ? *response : HttpResponse();
  }

  Result<Digest> build() {
    auto builder = make_image_builder(*processes_, options_);
    LogLine log = [this](std::string_view line) { log_ += std::string(line) + "\n"; };
    return loop_.run(builder->build_and_push(request_, log));
  }

  TempFolder folder_;
  Loop loop_;
  std::unique_ptr<HttpClient> http_ = make_http_client(loop_);
  std::unique_ptr<Processes> processes_ = make_processes(loop_);
  std::optional<DockerRegistry> registry_;
  BuilderOptions options_;
  BuildRequest request_;
  std::string log_;
};

constexpr const char* kManifests =
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

TEST_P(Builders, AgreeWithTheRegistryOnTheDigestOfEveryTag) {
  const auto digest = build();
  ASSERT_TRUE(digest.ok()) << digest.error().message() << "\n" << log_;
  std::string config_digest;
  for (const auto& tag : request_.tags) {
    const auto manifest = get("/v2/example/meals/manifests/" + tag, kManifests);
    ASSERT_EQ(manifest.status, 200) << tag;
    EXPECT_EQ(manifest.headers.get_or("docker-content-digest", ""), digest->str()) << tag;
    const auto read = parse_json_object(manifest.body, "the manifest");
    ASSERT_TRUE(read.ok());
    config_digest = string_or(*read, "config.digest");
  }
  const auto config = get("/v2/example/meals/blobs/" + config_digest, "application/json");
  EXPECT_THAT(config.body, HasSubstr("\"org.opencontainers.image.version\":\"1.4.2\""));
  EXPECT_THAT(config.body, HasSubstr("\"who\":\"" + who() + "\""));
  EXPECT_THAT(log_, HasSubstr("COPY hello /hello"));
  EXPECT_TRUE(std::filesystem::is_empty(options_.scratch_dir));
}

TEST_P(Builders, GiveTheSameDigestForTheSameImageAgain) {
  const auto first = build();
  ASSERT_TRUE(first.ok()) << first.error().message() << "\n" << log_;
  request_.tags = {"1.4.3"};
  const auto second = build();
  ASSERT_TRUE(second.ok()) << second.error().message() << "\n" << log_;
  EXPECT_EQ(first->str(), second->str());
}

TEST_P(Builders, SayThatAPasswordIsWrongAndNotWhichOne) {
  log_in("another-secret");
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::denied) << digest.error().message();
  EXPECT_THAT(digest.error().what(), HasSubstr("pushing " + registry_->host()));
  EXPECT_THAT(digest.error().hint(), HasSubstr("docker login"));
  const std::string coded = base64_encode(std::string(DockerRegistry::kUser) + ":another-secret");
  for (const std::string& text : {digest.error().message(), digest.error().hint(), log_}) {
    EXPECT_THAT(text, Not(HasSubstr("another-secret")));
    EXPECT_THAT(text, Not(HasSubstr(coded)));
  }
  EXPECT_TRUE(std::filesystem::is_empty(options_.scratch_dir));
}

TEST_P(Builders, SayThatTheRegistryDoesNotAnswer) {
  const test::SilentPort port;
  options_.host_overrides["ghcr.io"] = "127.0.0.1:" + std::to_string(port.number());
  options_.logins.clear();
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::unavailable) << digest.error().message();
  EXPECT_THAT(digest.error().what(), HasSubstr("connection refused"));
}

TEST_P(Builders, NameTheFileThatCopyDoesNotFind) {
  folder_.write("app/Dockerfile", "FROM scratch\nLABEL who=ana\nCOPY missing.bin /missing\n");
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::failed);
  EXPECT_THAT(digest.error().what(), HasSubstr("missing.bin"));
  EXPECT_THAT(digest.error().hint(), HasSubstr("pawl logs"));
}

TEST_P(Builders, NameTheInstructionThatIsNone) {
  folder_.write("app/Dockerfile", "FROM scratch\nCOPPY hello /hello\n");
  const auto digest = build();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::failed);
  EXPECT_THAT(digest.error().what(), HasSubstr("COPPY")) << log_;
}

// Each tool in its own way: a RUN is needed to read a secret, and with it a shell in the image.
TEST_P(Builders, LetTheBuildReadASecretThatNobodyElseSees) {
  if (!std::filesystem::exists("/bin/busybox")) GTEST_SKIP() << "busybox-static is not installed";
  const std::string secret = "a-secret-of-the-build";
  options_.variables["NPM_TOKEN"] = secret;
  request_.settings.secrets = {{"npm", "env:NPM_TOKEN"}};
  std::filesystem::copy_file("/bin/busybox", folder_ / "app/busybox");
  folder_.write("app/Dockerfile",
                "FROM scratch\nARG WHO\nLABEL who=$WHO\nCOPY busybox /bin/sh\n"
                "COPY busybox /bin/sha256sum\nCOPY busybox /bin/cat\n"
                "RUN --mount=type=secret,id=npm cat /run/secrets/npm && "
                "sha256sum </run/secrets/npm >/sum\n");
  const auto digest = build();
  if (!digest.ok() && is_docker())
    GTEST_SKIP() << "this docker has no BuildKit that can run: " << digest.error().message();
  ASSERT_TRUE(digest.ok()) << digest.error().message() << "\n" << log_;
  EXPECT_THAT(log_, Not(HasSubstr(secret)));
  EXPECT_THAT(log_, HasSubstr("***"));
  EXPECT_TRUE(std::filesystem::is_empty(options_.scratch_dir));
}

TEST_P(Builders, MakeAnIndexOfSeveralPlatforms) {
  request_.settings.platforms = {"linux/amd64", "linux/arm64"};
  if (std::string_view(GetParam()) == "docker") {
    const auto refused = build();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().what(),
              "docker builds one platform at a time, and image.build in "
              "pawl.yaml asks for it");
    return;
  }
  for (const char* round : {"first", "again"}) {
    const auto digest = build();
    ASSERT_TRUE(digest.ok()) << digest.error().message() << "\n" << log_;
    const auto index =
        get("/v2/example/meals/manifests/1.4.2", "application/vnd.oci.image.index.v1+json");
    ASSERT_EQ(index.status, 200);
    EXPECT_EQ(index.headers.get_or("docker-content-digest", ""), digest->str());
    const auto read = parse_json_object(index.body, "the index");
    ASSERT_TRUE(read.ok());
    std::vector<std::string> platforms;
    for (const auto& each : read->at("manifests").as_array())
      platforms.push_back(string_or(each.as_object(), "platform.architecture"));
    EXPECT_THAT(platforms, testing::UnorderedElementsAre("amd64", "arm64")) << round;
  }
}

TEST_P(Builders, KeepTheirCacheInTheRegistry) {
  if (is_docker()) GTEST_SKIP() << "docker writes none, and buildx needs another driver for it";
  const std::string host = registry_->host();
  request_.settings.cache_from = {"ghcr.io/example/cache"};
  request_.settings.cache_to = {"ghcr.io/example/cache"};
  const auto digest = build();
  ASSERT_TRUE(digest.ok()) << digest.error().message() << "\n" << log_;
  const auto tags = get("/v2/example/cache/tags/list", "application/json");
  EXPECT_EQ(tags.status, 200) << log_;
}

INSTANTIATE_TEST_SUITE_P(OfThisMachine, Builders,
                         testing::Values("buildah", "podman", "buildx", "docker"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace pawl
