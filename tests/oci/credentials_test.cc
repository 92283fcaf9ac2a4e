#include "oci/credentials.h"

#include <gtest/gtest.h>

#include "oci/hosts.h"

namespace pawl::oci {
namespace {

template <class T>
T finished(Task<T> task) {
  task.start(nullptr);
  EXPECT_TRUE(task.done());
  return task.take();
}

std::optional<Credentials> find(CredentialSource& source, std::string host) {
  auto found = finished(source.find(std::move(host)));
  EXPECT_TRUE(found.ok());
  return found.ok() ? *found : std::nullopt;
}

DockerConfig config_of(std::string_view text) {
  auto config = DockerConfig::parse(text, "config.json");
  EXPECT_TRUE(config.ok()) << config.error().message();
  return config.ok() ? *config : DockerConfig();
}

class OneHelper : public CredentialHelpers {
 public:
  Task<Result<std::optional<Credentials>>> get(std::string helper, std::string server) override {
    asked.push_back(helper + " " + server);
    if (server != "ghcr.io") co_return std::optional<Credentials>();
    co_return std::optional(Credentials{"octo", Secret("from-the-helper"), Secret()});
  }
  std::vector<std::string> asked;
};

TEST(DockerConfig, ReadsUserAndPassword) {
  // "alice:s3:cret" in base64
  auto source = docker_credentials(
      config_of(R"({"auths":{"https://ghcr.io/v1/":{"auth":"YWxpY2U6czM6Y3JldA=="}}})"), nullptr);
  const auto found = find(*source, "ghcr.io");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "alice");
  EXPECT_EQ(found->password.reveal_for("test"), "s3:cret");
  EXPECT_FALSE(find(*source, "other.example"));
}

TEST(DockerConfig, ReadsAnIdentityToken) {
  auto source = docker_credentials(
      config_of(R"({"auths":{"reg.example":{"auth":"YTo=","identitytoken":"refresh-me-please"}}})"),
      nullptr);
  const auto found = find(*source, "reg.example");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity_token.reveal_for("test"), "refresh-me-please");
}

TEST(DockerConfig, KnowsDockerHubUnderItsOldName) {
  auto source = docker_credentials(
      config_of(R"({"auths":{"https://index.docker.io/v1/":{"auth":"YWxpY2U6czM6Y3JldA=="}}})"),
      nullptr);
  EXPECT_TRUE(find(*source, "docker.io"));
}

TEST(DockerConfig, AsksTheHelperOfTheHostAndElseTheStore) {
  const auto helpers = std::make_shared<OneHelper>();
  auto source = docker_credentials(
      config_of(
          R"({"credHelpers":{"ghcr.io":"gh"},"credsStore":"desktop","auths":{"ghcr.io":{}}})"),
      helpers);
  EXPECT_EQ(find(*source, "ghcr.io")->user, "octo");
  EXPECT_FALSE(find(*source, "docker.io"));
  EXPECT_EQ(helpers->asked,
            (std::vector<std::string>{"gh ghcr.io", "desktop https://index.docker.io/v1/"}));
}

TEST(DockerConfig, AHelperThatCannotBeRunIsAnError) {
  auto source = docker_credentials(config_of(R"({"credsStore":"desktop"})"), nullptr);
  const auto found = finished(source->find("ghcr.io"));
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message().find("docker-credential-desktop"), std::string::npos);
}

TEST(DockerConfig, RefusesWhatIsMalformed) {
  for (const std::string_view text :
       {"", "[]", R"({"auths":{"x":{"auth":"!!"}}})", R"({"auths":{"x":{"auth":"YWxpY2U="}}})",
        R"({"credsStore":"../../bin/sh"})", R"({"credHelpers":{"x":"a b"}})"}) {
    const auto config = DockerConfig::parse(text, "config.json");
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.error().kind(), ErrorKind::config);
  }
  EXPECT_TRUE(DockerConfig::parse(R"({"auths":[],"credHelpers":7,"HttpHeaders":{}})", "c").ok());
}

TEST(CredentialHelper, ItsReplyIsRead) {
  const auto found = parse_helper_reply(0, R"({"ServerURL":"x","Username":"u","Secret":"p"})", "h");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->user, "u");
  const auto token =
      parse_helper_reply(0, R"({"Username":"<token>","Secret":"the-refresh-token"})", "h");
  ASSERT_TRUE(token.ok());
  EXPECT_EQ((*token)->identity_token.reveal_for("test"), "the-refresh-token");
  const auto none = parse_helper_reply(1, "credentials not found in native keychain\n", "h");
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
  EXPECT_FALSE(parse_helper_reply(1, "locked", "h").ok());
  EXPECT_FALSE(parse_helper_reply(0, "{}", "h").ok());
  EXPECT_FALSE(parse_helper_reply(0, "hello", "h").ok());
}

class StillClock : public Clock {
 public:
  WallTime now() const override { return {}; }
  SteadyTime steady_now() const override { return time; }
  Task<Result<void>> sleep_for(std::chrono::milliseconds) override { co_return Result<void>(); }
  SteadyTime time;
};

class CountingTokens : public EcrTokens {
 public:
  Task<Result<std::optional<Token>>> authorization_token(std::string) override {
    ++calls;
    const Token token{Secret("token-number-" + std::to_string(calls)), std::chrono::hours(12)};
    co_return std::optional(token);
  }
  int calls = 0;
};

TEST(EcrCredentials, AreKeptUntilTheyAreAboutToEnd) {
  StillClock clock;
  const auto tokens = std::make_shared<CountingTokens>();
  auto source =
      ecr_credentials(tokens, clock, [](const std::string& host) { return is_ecr_host(host); });
  const std::string host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
  EXPECT_EQ(find(*source, host)->user, "AWS");
  find(*source, host);
  EXPECT_EQ(tokens->calls, 1);
  clock.time = clock.time + std::chrono::hours(12);
  EXPECT_EQ(find(*source, host)->password.reveal_for("test"), "token-number-2");
  EXPECT_FALSE(find(*source, "ghcr.io"));
}

TEST(EcrHost, IsToldByItsName) {
  EXPECT_TRUE(is_ecr_host("123456789012.dkr.ecr.eu-central-1.amazonaws.com"));
  EXPECT_TRUE(is_ecr_host("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"));
  EXPECT_TRUE(is_ecr_host("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com"));
  EXPECT_FALSE(is_ecr_host("12345678901.dkr.ecr.us-east-1.amazonaws.com"));
  EXPECT_FALSE(is_ecr_host("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example"));
  EXPECT_FALSE(is_ecr_host("ghcr.io"));
  for (const char* odd :
       {"123456789012.dkr.ecr.amazonaws.com", "123456789012.dkr.ecr..amazonaws.com",
        "123456789012.dkr.ecr.a.b.amazonaws.com", "123456789012.dkr-ecr.x.amazonaws.com",
        "12345678901x.dkr.ecr.us-east-1.amazonaws.com"})
    EXPECT_FALSE(is_ecr_host(odd)) << odd;
  EXPECT_EQ(ecr_region("123456789012.dkr.ecr.us-gov-west-1.amazonaws.com"), "us-gov-west-1");
  EXPECT_EQ(ecr_region("123456789012.dkr-ecr.eu-west-1.on.aws"), "eu-west-1");
  EXPECT_EQ(ecr_region("123456789012.dkr-ecr-fips.us-east-1.on.aws"), "us-east-1");
  EXPECT_EQ(ecr_region("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov"), "us-iso-east-1");
}

TEST(FirstOf, TakesTheFirstThatKnowsTheHost) {
  auto source =
      first_of({fixed_credentials({{"a.example", {"one", Secret("password1"), Secret()}}}),
                fixed_credentials({{"a.example", {"two", Secret("password2"), Secret()}},
                                   {"b.example", {"three", Secret("password3"), Secret()}}})});
  EXPECT_EQ(find(*source, "a.example")->user, "one");
  EXPECT_EQ(find(*source, "b.example")->user, "three");
}

TEST(RegistryHosts, LoopbackIsPlainAndTheRestIsNot) {
  RegistryHosts hosts;
  EXPECT_EQ(hosts.base_url("ghcr.io"), "https://ghcr.io");
  EXPECT_EQ(hosts.base_url("127.0.0.1:5000"), "http://127.0.0.1:5000");
  EXPECT_EQ(hosts.base_url("localhost:5000"), "http://localhost:5000");
  EXPECT_EQ(hosts.base_url("docker.io"), "https://registry-1.docker.io");
  hosts.allow_plain_http("registry.lan:5000");
  EXPECT_EQ(hosts.base_url("registry.lan:5000"), "http://registry.lan:5000");
  EXPECT_EQ(hosts.base_url("other.lan:5000"), "https://other.lan:5000");
}

TEST(RegistryHosts, OverridesAreReadOrRefused) {
  const auto hosts =
      RegistryHosts::parse("ghcr.io=http://127.0.0.1:4512, a.example=https://b.example/,");
  ASSERT_TRUE(hosts.ok());
  EXPECT_EQ(hosts->base_url("ghcr.io"), "http://127.0.0.1:4512");
  EXPECT_EQ(hosts->base_url("a.example"), "https://b.example");
  for (const std::string_view bad :
       {"ghcr.io", "=http://x", "a=b", "a=http://x/path", "a=http://x/?q"})
    EXPECT_FALSE(RegistryHosts::parse(bad).ok()) << bad;
}

TEST(RepositoryPath, DockerHubKeepsShortNamesInItsLibrary) {
  EXPECT_EQ(repository_path("docker.io", "alpine"), "library/alpine");
  EXPECT_EQ(repository_path("docker.io", "x/y"), "x/y");
  EXPECT_EQ(repository_path("ghcr.io", "alpine"), "alpine");
}

}  // namespace
}  // namespace pawl::oci
