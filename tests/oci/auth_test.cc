// Logging in to registries: anonymous, Basic, Bearer, and what is said when it does not work.
#include "oci/auth.h"

#include <gtest/gtest.h>

#include "oci/copy.h"
#include "oci/fake_registry.h"

namespace pawl::oci {
namespace {

class Auth : public ::testing::Test {
 protected:
  Auth() {
    world.put_image(world.from, "team/app", {1000}, "v1");
    world.from.fault = [this](const HttpRequest& request) {
      sent.push_back(request.headers.get_or("Authorization", "-"));
      urls.push_back(request.url);
      return Fault{};
    };
  }
  void log_in(const std::string& user, const std::string& password) {
    world.use(fixed_credentials({{world.from.host, {user, Secret(password), Secret()}}}));
  }
  Result<Manifest> get(const std::string& tag = "v1") {
    Repository repository(world.source(), "team/app", false);
    return world.run(repository.get_manifest(tag));
  }

  World world;
  std::vector<std::string> sent;
  std::vector<std::string> urls;
};

TEST_F(Auth, SendsNothingUntilItIsAsked) {
  log_in("alice", "s3cret-word");
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(sent, std::vector<std::string>{"-"});
}

TEST_F(Auth, AnswersBasicAndKeepsDoingSo) {
  world.from.basic = "alice:s3cret-word";
  log_in("alice", "s3cret-word");
  ASSERT_TRUE(get().ok());
  ASSERT_TRUE(get().ok());
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0], "-");
  EXPECT_EQ(sent[1], sent[2]);
}

TEST_F(Auth, WithoutCredentialsSaysHowToLogIn) {
  world.from.basic = "alice:s3cret-word";
  const auto manifest = get();
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.error().kind(), ErrorKind::denied);
  EXPECT_EQ(manifest.error().hint(), "docker login 127.0.0.1:5001");
}

TEST_F(Auth, AWrongPasswordIsTriedOnce) {
  world.from.basic = "alice:s3cret-word";
  log_in("alice", "another-word");
  const auto manifest = get();
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.error().kind(), ErrorKind::denied);
  EXPECT_NE(manifest.error().hint().find("docker login 127.0.0.1:5001"), std::string::npos);
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_EQ(manifest.error().message().find("another-word"), std::string::npos);
}

TEST_F(Auth, FetchesATokenForTheSmallestScopeAndKeepsIt) {
  world.from.realm = "http://127.0.0.1:5001/token";
  ASSERT_TRUE(get().ok());
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(world.from.count("GET /token"), 1);
  EXPECT_EQ(urls[1],
            "http://127.0.0.1:5001/token?service=fake&scope=repository%3Ateam%2Fapp%3Apull");
}

TEST_F(Auth, ATokenIsForOneRepositoryAndOneSetOfActions) {
  world.from.realm = "http://127.0.0.1:5001/token";
  ASSERT_TRUE(get().ok());
  Repository writing(world.source(), "team/app", true);
  ASSERT_TRUE(world.run(writing.get_manifest("v1")).ok());
  Repository other(world.source(), "team/other", false);
  EXPECT_FALSE(world.run(other.get_manifest("v1")).ok());
  EXPECT_EQ(world.from.count("GET /token"), 3);
  EXPECT_EQ(world.from.live_tokens.size(), 3u);
}

TEST_F(Auth, ATokenIsRenewedBeforeItEndsAndAfterA401) {
  world.from.realm = "http://127.0.0.1:5001/token";
  world.from.token_seconds = 300;
  ASSERT_TRUE(get().ok());
  world.clock.jump(std::chrono::seconds(250));
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(world.from.count("GET /token"), 2);
  world.from.live_tokens = {"nobody's"};
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(world.from.count("GET /token"), 3);
}

TEST_F(Auth, ManyRequestsAtOnceShareOneToken) {
  world.from.realm = "http://127.0.0.1:5001/token";
  ASSERT_TRUE(get().ok());
  world.clock.jump(std::chrono::seconds(250));
  Repository repository(world.source(), "team/app", false);
  std::vector<Task<Result<Manifest>>> many;
  for (int i = 0; i < 20; ++i) many.push_back(repository.get_manifest("v1"));
  for (const auto& manifest : world.run(when_all(std::move(many)))) EXPECT_TRUE(manifest.ok());
  EXPECT_EQ(world.from.count("GET /token"), 2);
}

class CountingSource : public CredentialSource {
 public:
  Task<Result<std::optional<Credentials>>> find(std::string) override {
    ++asked;
    co_return std::optional(Credentials{"alice", Secret(passwords.at(current)), Secret()});
  }
  void forget(const std::string&) override {
    if (current + 1 < passwords.size()) ++current;
  }
  std::vector<std::string> passwords{"s3cret-word"};
  size_t current = 0;
  int asked = 0;
};

TEST_F(Auth, APasswordIsNotLookedUpForEachRequest) {
  world.from.basic = "alice:s3cret-word";
  const auto source = std::make_shared<CountingSource>();
  world.use(source);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(get().ok());
  EXPECT_EQ(source->asked, 1);
  world.clock.jump(std::chrono::minutes(2));
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(source->asked, 2);
}

TEST_F(Auth, APasswordThatWasRevokedIsHadAnewOnce) {
  world.from.basic = "alice:first-word";
  const auto source = std::make_shared<CountingSource>();
  source->passwords = {"first-word", "second-word"};
  world.use(source);
  ASSERT_TRUE(get().ok());
  world.from.basic = "alice:second-word";
  ASSERT_TRUE(get().ok());
  world.from.basic = "alice:third-word";
  const auto refused = get();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
}

TEST_F(Auth, TheTokenServerIsGivenTheCredentials) {
  world.from.realm = "http://127.0.0.1:5001/token";
  world.from.basic = "alice:s3cret-word";
  log_in("alice", "s3cret-word");
  EXPECT_TRUE(get().ok());
  log_in("alice", "another-word");
  const auto refused = get();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
  EXPECT_EQ(refused.error().hint(), "docker login 127.0.0.1:5001");
}

TEST_F(Auth, CredentialsAreNotSentToARealmElsewhereInTheClear) {
  world.from.realm = "http://evil.example/token";
  log_in("alice", "s3cret-word");
  const auto manifest = get();
  ASSERT_FALSE(manifest.ok());
  EXPECT_NE(manifest.error().message().find("http://evil.example"), std::string::npos);
  EXPECT_EQ(sent, std::vector<std::string>{"-"});
}

TEST_F(Auth, AWholeCopyWorksThroughTokensOnBothSides) {
  world.from.realm = "http://127.0.0.1:5001/token";
  world.to.realm = "http://127.0.0.1:5002/token";
  Repository from(world.source(), "team/app", false);
  Repository to(world.target(), "mirror/app", true);
  const CopyRequest request{"v1", "v1", {}};
  const auto report = world.run(copy_image(from, to, request, CopyOptions(), nullptr));
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(world.from.count("GET /token"), 1);
  EXPECT_EQ(world.to.count("GET /token"), 1);
}

}  // namespace
}  // namespace pawl::oci
