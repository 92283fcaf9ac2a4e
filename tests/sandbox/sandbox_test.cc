// The whole sandbox in the test's own process: what it has from the start, what it remembers, its
// control API, and that it ends cleanly.
#include "sandbox/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/support/client.h"
#include "sandbox/support/test_image.h"

namespace pawl::sandbox {
namespace {

using test::body_of;
using testing::HasSubstr;

SandboxSeed seed() {
  SandboxSeed made;
  made.app = "meals";
  made.repository = "example/meals";
  made.source_image = "ghcr.io/example/meals";
  made.environments = {
      {"dev", "meals-dev", "live", "meals-dev-lambda", "meals-dev-static", "static/", "meals-dev"},
      {"plain", "meals-plain", "", "meals-plain-lambda", "", "", "meals-plain"}};
  return made;
}

class WholeSandbox : public testing::Test {
 protected:
  void SetUp() override {
    auto isolation = probe_isolation();
    if (!isolation.ok()) GTEST_SKIP() << isolation.error().message();
    open();
  }
  void TearDown() override { close(); }

  void open() {
    SandboxOptions options;
    options.folder = folder_.path() / "sandbox";
    options.base_port = uint16_t{0};
    options.seed = seed();
    options.lambda.create_duration = options.lambda.update_duration =
        options.lambda.publish_duration = std::chrono::milliseconds(0);
    auto opened = Sandbox::open(loop_, std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    sandbox_ = *std::move(opened);
    stop_ = std::stop_source();
    context_ = TaskContext{stop_.get_token()};
    running_.emplace(&context_);
    running_->spawn(sandbox_->run());
  }
  void close() {
    if (!sandbox_) return;
    stop_.request_stop();
    loop_.run(wait());
    running_.reset();
    sandbox_.reset();
  }
  Task<void> wait() { co_await running_->join(); }

  HttpResponse control(const std::string& method, const std::string& path,
                       const std::string& body = "") {
    const auto& connection = sandbox_->connection();
    return client_.send(
        method, connection.control_url + path,
        {{"Authorization", "Bearer " + connection.credentials.control_token.reveal_for("test")}},
        body);
  }
  std::string api(size_t index) { return sandbox_->connection().apis.at(index).url; }
  cloud::Cloud& cloud() { return sandbox_->world().cloud(); }
  WallTime now() { return loop_.clock().now(); }

  // What a deployment does, without its protocols: those have tests of their own.
  void deploy(const std::string& environment) {
    const std::string repository = "meals-" + environment + "-lambda";
    const json::array entry{"/function"};
    auto& store = sandbox_->world().ecr().store();
    const Digest digest = test::store_image(
        store, repository, test::Tar().file("function", *test::function_binary(), 0755).bytes(),
        {{"Entrypoint", entry}});
    const auto manifest = store.find_manifest(repository, digest);
    ASSERT_TRUE(
        cloud()
            .ecr
            .put_image(repository, "v1", digest.str(), manifest->media_type, manifest->body, now())
            .ok());
    cloud::UpdateCode update;
    update.image_uri = cloud().ecr.repository_uri(repository) + "@" + digest.str();
    const std::string function = "meals-" + environment;
    ASSERT_TRUE(cloud().lambda.update_code(function, update, now()).ok());
    if (environment != "dev") return;
    auto version = cloud().lambda.publish(function, {}, now());
    ASSERT_TRUE(version.ok());
    cloud::Alias alias;
    alias.function = function;
    alias.name = "live";
    alias.version = version->version;
    ASSERT_TRUE(cloud().lambda.create_alias(alias, now()).ok());
  }

  test::TempFolder folder_;
  Loop loop_;
  test::FaceClient client_{loop_};
  std::unique_ptr<Sandbox> sandbox_;
  std::stop_source stop_;
  TaskContext context_;
  std::optional<Scope> running_;
};

TEST_F(WholeSandbox, HasWhatATerraformTreeWouldHaveMade) {
  EXPECT_TRUE(cloud().ecr.find("meals-dev-lambda").ok());
  EXPECT_TRUE(cloud().s3.check_bucket("meals-dev-static").ok());
  EXPECT_TRUE(cloud().lambda.get("meals-dev", "", now()).ok());
  EXPECT_FALSE(cloud().lambda.get("meals-dev", "live", now()).ok())
      << "the first deployment makes it";
  EXPECT_TRUE(sandbox_->world().github_model().repository("example/meals").ok());
  ASSERT_EQ(sandbox_->connection().apis.size(), 2u);
}

TEST_F(WholeSandbox, SaysThatNothingIsDeployedUntilSomethingIs) {
  for (size_t i = 0; i < 2; ++i) {
    const auto answer = client_.send("GET", api(i) + "/health");
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr("nothing deployed yet"));
  }
}

TEST_F(WholeSandbox, RunsWhatIsDeployedAndRemembersItOverARestart) {
  if (!test::function_binary()) GTEST_SKIP() << "no compiler that links static programs";
  deploy("dev");
  deploy("plain");
  for (size_t i = 0; i < 2; ++i) {
    const auto answer = client_.send("GET", api(i) + "/count");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, "1");
  }
  const std::string key = sandbox_->connection().credentials.access_key_id;
  close();
  open();
  EXPECT_EQ(sandbox_->connection().credentials.access_key_id, key);
  EXPECT_EQ(client_.send("GET", api(0) + "/count").body, "1");
}

TEST_F(WholeSandbox, ServesTheBucketsFilesBesideTheFunction) {
  cloud::ObjectMetadata metadata;
  metadata.content_type = "text/css";
  metadata.system["cache-control"] = "max-age=60";
  ASSERT_TRUE(
      cloud().s3.put_bytes("meals-dev-static", "static/a.css", "css", metadata, {}, now()).ok());
  const auto file = client_.send("GET", api(0) + "/static/a.css");
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(file.body, "css");
  EXPECT_EQ(file.headers.get_or("Content-Type", ""), "text/css");
  EXPECT_EQ(file.headers.get_or("Cache-Control", ""), "max-age=60");
  const auto again = client_.send("GET", api(0) + "/static/a.css",
                                  {{"If-None-Match", file.headers.get_or("ETag", "")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(client_.send("GET", api(0) + "/static/none.css").status, 404);
}

TEST_F(WholeSandbox, ItsControlApiWantsItsToken) {
  EXPECT_EQ(client_.send("GET", sandbox_->connection().control_url + "/status").status, 401);
  const auto status = control("GET", "/status");
  EXPECT_EQ(status.status, 200);
  EXPECT_EQ(body_of(status).at("environments").at(0).at("environment"), "dev");
  EXPECT_TRUE(body_of(status).at("environments").at(0).at("version").is_null());
  EXPECT_EQ(control("GET", "/nothing").status, 404);
  EXPECT_EQ(control("GET", "/logs?function=meals-dev").status, 200);
  const auto unknown = control("GET", "/logs?function=meals-dve");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("no function 'meals-dve'; it has meals-dev"));
}

TEST_F(WholeSandbox, LetsItsServicesGoWrong) {
  const auto added = control("POST", "/faults", R"({"kind":"503","service":"function","count":1})");
  EXPECT_EQ(added.status, 201);
  EXPECT_THAT(client_.send("GET", api(1)).body, HasSubstr("Service Unavailable"));
  EXPECT_THAT(client_.send("GET", api(1)).body, HasSubstr("nothing deployed yet"));
  EXPECT_EQ(body_of(control("GET", "/faults")).at("faults").at(0).at("happened"), 1);
  EXPECT_EQ(control("POST", "/faults", R"({"kind":"odd"})").status, 400);
  EXPECT_EQ(control("DELETE", "/faults/99").status, 404);
  EXPECT_EQ(control("DELETE", "/faults").status, 200);
}

TEST_F(WholeSandbox, AResetForgetsEverythingButPortsAndCredentials) {
  const auto before = sandbox_->connection();
  ASSERT_TRUE(cloud().s3.put_bytes("meals-dev-static", "static/a.css", "css", {}, {}, now()).ok());
  cloud::IssueChange issue;
  issue.title = "t";
  ASSERT_TRUE(sandbox_->world().github_model().create_issue("example/meals", issue, now()).ok());
  EXPECT_EQ(control("POST", "/reset").status, 200);
  EXPECT_FALSE(cloud().s3.head("meals-dev-static", "static/a.css").ok());
  EXPECT_TRUE((*sandbox_->world().github_model().repository("example/meals"))->issues.empty());
  EXPECT_EQ(sandbox_->connection().aws_url, before.aws_url);
  EXPECT_EQ(sandbox_->connection().apis.at(0).url, before.apis.at(0).url);
  close();
  open();
  EXPECT_FALSE(cloud().s3.head("meals-dev-static", "static/a.css").ok());
}

TEST_F(WholeSandbox, RunsOnceForEachFolder) {
  SandboxOptions second;
  second.folder = folder_.path() / "sandbox";
  second.base_port = uint16_t{0};
  auto opened = Sandbox::open(loop_, second);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message(), HasSubstr("runs already"));
}

TEST_F(WholeSandbox, KeepsItsSecretsForItsOwner) {
  for (const char* file :
       {"connection.json", "credentials.json", "state.json", "docker/config.json"}) {
    const auto mode = std::filesystem::status(folder_.path() / "sandbox" / file).permissions();
    EXPECT_EQ(mode & std::filesystem::perms::mask,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << file;
  }
  auto connection = read_connection(folder_.path() / "sandbox");
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(environment_of(*connection), environment_of(sandbox_->connection()));
  close();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "sandbox/connection.json"));
}

TEST_F(WholeSandbox, AStateThatIsNotItsOwnIsSaidAndLeftAlone) {
  close();
  ASSERT_TRUE(
      write_file_atomically(folder_.path() / "sandbox/state.json", "{\"format\": 99}").ok());
  SandboxOptions options;
  options.folder = folder_.path() / "sandbox";
  options.base_port = uint16_t{0};
  auto opened = Sandbox::open(loop_, options);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(*read_whole_file(folder_.path() / "sandbox/state.json", 100), "{\"format\": 99}");
}

}  // namespace
}  // namespace pawl::sandbox
