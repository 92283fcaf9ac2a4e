// Copies between two docker-registry while the network in between does what networks do: nothing is
// corrupted, nothing hangs past its limit, and each error says what happened.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/loop.h"
#include "oci/certificates.h"
#include "oci/copy.h"
#include "support/docker_registry.h"
#include "support/fault_proxy.h"

namespace pawl::oci {
namespace {

using test::DockerRegistry;
using test::FaultProxy;
using Fault = FaultProxy::Fault;

constexpr size_t kLayerBytes = 600'000;
constexpr size_t kCut = 200'000;

bool is_layer(const std::string& line) {
  return line.starts_with("GET") && line.find("/blobs/sha256") != std::string::npos;
}
bool is_upload(const std::string& line) {
  return line.starts_with("PUT") && line.find("/blobs/uploads/") != std::string::npos;
}

class NetworkFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!DockerRegistry::is_installed()) GTEST_SKIP() << "docker-registry is not installed";
    from_.emplace();
    to_.emplace();
    put_image();
  }

  std::unique_ptr<Registry> registry_at(const std::string& host) {
    RegistryOptions options{host, "http://" + host, fixed_credentials({})};
    options.retry.base = std::chrono::milliseconds(1);
    options.retry.max_wait = std::chrono::milliseconds(5);
    options.retry.attempts = 4;
    options.silence_limit = silence_limit_;
    options.attempts_without_answer = attempts_without_answer_;
    return std::make_unique<Registry>(*http_, loop_.clock(), loop_.entropy(), options);
  }
  template <class T>
  T run(Task<Result<T>> task) {
    auto result = loop_.run(std::move(task));
    EXPECT_TRUE(result.ok()) << result.error().message();
    PAWL_ASSERT(result.ok());
    return std::move(result).value();
  }

  void put_image() {
    const auto registry = registry_at(from_->host());
    Repository repository(*registry, "team/app", true);
    std::string layers;
    for (const char letter : {'a', 'b', 'c'}) {
      std::string bytes(kLayerBytes, letter);
      const Digest digest = Digest::of(bytes);
      layers += fmt::format(R"({}{{"mediaType":"l","digest":"{}","size":{}}})",
                            layers.empty() ? "" : ",", digest.str(), bytes.size());
      ASSERT_TRUE(loop_.run(repository.put_blob(digest, bytes)).ok());
      layers_.push_back(digest);
    }
    const std::string config = R"({"architecture":"amd64","os":"linux"})";
    ASSERT_TRUE(loop_.run(repository.put_blob(Digest::of(config), config)).ok());
    const std::string text = fmt::format(
        R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"c","digest":"{}","size":{}}},"layers":[{}]}})",
        kOciManifest, Digest::of(config).str(), config.size(), layers);
    image_ = parse_manifest(text, kOciManifest, "m").value();
    run(repository.put_manifest(*image_, "v1"));
  }

  void before_source(FaultProxy::Rule rule) { source_.emplace(from_->port(), std::move(rule)); }
  void before_target(FaultProxy::Rule rule) { target_.emplace(to_->port(), std::move(rule)); }

  Result<CopyReport> copy() {
    const auto source = registry_at(source_ ? source_->host() : from_->host());
    const auto target = registry_at(target_ ? target_->host() : to_->host());
    Repository from(*source, "team/app", false);
    Repository to(*target, "mirror/app", true);
    return loop_.run(copy_image(from, to, CopyRequest{"v1", "v1", {}}, CopyOptions(), nullptr));
  }

  /// Asked of the registry itself, past the proxy.
  void expect_whole() {
    const auto registry = registry_at(to_->host());
    Repository repository(*registry, "mirror/app", false);
    EXPECT_EQ(run(repository.get_manifest("v1")).digest, image_->digest);
    for (const Descriptor& blob : image_->blobs)
      EXPECT_EQ(run(repository.get_blob(blob.digest, 1u << 20)).size(), blob.size);
  }
  void expect_no_tag() {
    const auto registry = registry_at(to_->host());
    Repository repository(*registry, "mirror/app", false);
    EXPECT_FALSE(run(repository.head_manifest("v1")).has_value());
  }

  Loop loop_;
  std::unique_ptr<HttpClient> http_ = make_http_client(loop_);
  std::optional<DockerRegistry> from_, to_;
  std::optional<FaultProxy> source_, target_;
  std::optional<Manifest> image_;
  std::vector<Digest> layers_;
  std::chrono::milliseconds silence_limit_{60'000};
  int attempts_without_answer_ = 4;
};

TEST_F(NetworkFaults, AResetInTheMiddleOfALayerIsGoneOnFrom) {
  int layers = 0;
  before_source([&](const std::string& line) {
    Fault fault;
    if (is_layer(line) && ++layers <= 2) fault.reset_response_after = kCut;
    return fault;
  });
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_GE(layers, 5);
  expect_whole();
}

TEST_F(NetworkFaults, AnAnswerThatEndsEarlyIsNoWholeLayer) {
  int layers = 0;
  before_source([&](const std::string& line) {
    Fault fault;
    if (is_layer(line) && ++layers <= 2) fault.end_response_after = kCut;
    return fault;
  });
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_GE(layers, 5);
  expect_whole();
}

TEST_F(NetworkFaults, AResetInTheMiddleOfAnUploadIsSentAgain) {
  int uploads = 0;
  before_target([&](const std::string& line) {
    Fault fault;
    if (is_upload(line) && ++uploads <= 2) fault.reset_request_after = kCut;
    return fault;
  });
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole();
}

TEST_F(NetworkFaults, AManifestThatIsCutShortIsAskedForAgain) {
  int manifests = 0;
  before_source([&](const std::string& line) {
    Fault fault;
    if (line == "GET /v2/team/app/manifests/v1" && ++manifests == 1) fault.end_response_after = 20;
    return fault;
  });
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(manifests, 2);
  expect_whole();
}

TEST_F(NetworkFaults, ARegistryThatIsDownForAMomentIsWaitedFor) {
  int asked = 0;
  before_target([&](const std::string&) {
    Fault fault;
    if (++asked % 3 == 0) fault.answer = FaultProxy::answer(503);
    return fault;
  });
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole();
}

TEST_F(NetworkFaults, ARegistryThatStaysDownIsNamed) {
  before_target([](const std::string& line) {
    Fault fault;
    if (line.starts_with("POST")) fault.answer = FaultProxy::answer(503);
    return fault;
  });
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::unavailable);
  EXPECT_NE(report.error().message().find(target_->host() + " answered 503 to POST"),
            std::string::npos)
      << report.error().message();
  expect_no_tag();
}

TEST_F(NetworkFaults, ARateLimitWithoutAPauseIsTriedAgain) {
  int asked = 0;
  before_source([&](const std::string&) {
    Fault fault;
    if (++asked == 1) fault.answer = FaultProxy::answer(429, "Retry-After: 0\r\n");
    return fault;
  });
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole();
}

TEST_F(NetworkFaults, ARateLimitOfAnHourIsToldAndNotWaitedFor) {
  before_source([](const std::string& line) {
    Fault fault;
    if (is_layer(line))
      fault.answer =
          FaultProxy::answer(429, "Retry-After: 3600\r\n",
                             R"({"errors":[{"code":"TOOMANYREQUESTS","message":"no"}]})");
    return fault;
  });
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::throttled);
  EXPECT_NE(report.error().message().find("asks for 3600 s of pause"), std::string::npos)
      << report.error().message();
  expect_no_tag();
}

TEST_F(NetworkFaults, ARedirectLoopEnds) {
  before_source([](const std::string& line) {
    Fault fault;
    if (is_layer(line))
      fault.answer = FaultProxy::answer(307, "Location: " + line.substr(4) + "\r\n");
    return fault;
  });
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message().find("was redirected more than 5 times"), std::string::npos)
      << report.error().message();
  expect_no_tag();
}

TEST_F(NetworkFaults, BytesThatAreNotTheDigestsAreNeverStored) {
  before_source([this](const std::string& line) {
    Fault fault;
    if (line.find(layers_[1].str()) != std::string::npos)
      fault.answer = FaultProxy::answer(200, "", std::string(kLayerBytes, '!'));
    return fault;
  });
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::corrupt) << report.error().message();
  EXPECT_NE(report.error().message().find(layers_[1].str()), std::string::npos);
  expect_no_tag();
  const auto registry = registry_at(to_->host());
  Repository repository(*registry, "mirror/app", false);
  EXPECT_FALSE(run(repository.head_blob(layers_[1])).has_value());
}

TEST_F(NetworkFaults, SilenceHasALimit) {
  silence_limit_ = std::chrono::milliseconds(1'000);
  attempts_without_answer_ = 1;
  before_source([](const std::string& line) {
    Fault fault;
    fault.is_silent = is_layer(line);
    return fault;
  });
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::timeout);
  EXPECT_NE(report.error().message().find("nothing was received or sent"), std::string::npos)
      << report.error().message();
  expect_no_tag();
}

TEST_F(NetworkFaults, AQuestionThatIsNotAnsweredHasALimitToo) {
  silence_limit_ = std::chrono::milliseconds(1'000);
  attempts_without_answer_ = 1;
  before_target([](const std::string& line) {
    Fault fault;
    fault.is_silent = line.starts_with("HEAD");
    return fault;
  });
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::timeout) << report.error().message();
}

/// As a program's environment has it, for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

TEST(RegistryProxies, AreTakenFromTheEnvironmentButForWhatItLeavesOut) {
  if (!DockerRegistry::is_installed()) GTEST_SKIP() << "docker-registry is not installed";
  if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no openssl";
  DockerRegistry server(DockerRegistry::Access::open, DockerRegistry::Tls::private_ca);
  FaultProxy proxy(server.port(), [](const std::string&) { return Fault{}; });
  const Variable https_proxy("HTTPS_PROXY", "http://user:proxy-secret@" + proxy.host());
  const Variable no_proxy("NO_PROXY", "direct.test");
  Loop loop;
  const auto http = make_http_client(loop);
  RegistryOptions options{"registry.test", "https://registry.test", fixed_credentials({})};
  options.tls = CertificateFolders({server.certificates()}).find(server.host());
  options.attempts_without_answer = 1;
  Registry through(*http, loop.clock(), loop.entropy(), options);
  Repository repository(through, "team/app", false);
  const auto answer = loop.run(repository.head_manifest("v1"));
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_FALSE(answer->has_value());
  EXPECT_EQ(proxy.tunnels(), std::vector<std::string>{"registry.test:443"});
  options.host = "direct.test";
  options.base_url = "https://direct.test";
  Registry past(*http, loop.clock(), loop.entropy(), options);
  Repository unknown(past, "team/app", false);
  const auto failed = loop.run(unknown.head_manifest("v1"));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message().find("proxy-secret"), std::string::npos);
  EXPECT_EQ(proxy.tunnels().size(), 1u);
}

TEST(RegistryCertificates, OneThatHasRunOutIsSaidToHave) {
  if (!DockerRegistry::is_installed()) GTEST_SKIP() << "docker-registry is not installed";
  if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no openssl";
  DockerRegistry server(DockerRegistry::Access::open, DockerRegistry::Tls::expired);
  Loop loop;
  const auto http = make_http_client(loop);
  RegistryOptions options{server.host(), server.url(), fixed_credentials({})};
  options.tls = CertificateFolders({server.certificates()}).find(server.host());
  ASSERT_NE(options.tls, nullptr);
  Registry registry(*http, loop.clock(), loop.entropy(), options);
  Repository repository(registry, "team/app", false);
  const auto answer = loop.run(repository.head_manifest("v1"));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::failed);
  EXPECT_NE(answer.error().message().find("expired"), std::string::npos)
      << answer.error().message();
}

TEST(RegistryCertificates, AreNotTrustedWithoutTheFolderThatSaysSo) {
  if (!DockerRegistry::is_installed()) GTEST_SKIP() << "docker-registry is not installed";
  if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no openssl";
  DockerRegistry server(DockerRegistry::Access::open, DockerRegistry::Tls::private_ca);
  Loop loop;
  const auto http = make_http_client(loop);
  const RegistryOptions options{server.host(), server.url(), fixed_credentials({})};
  Registry registry(*http, loop.clock(), loop.entropy(), options);
  Repository repository(registry, "team/app", false);
  const auto answer = loop.run(repository.head_manifest("v1"));
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().hint().find("certs.d/" + server.host()), std::string::npos)
      << answer.error().hint();
}

}  // namespace
}  // namespace pawl::oci
