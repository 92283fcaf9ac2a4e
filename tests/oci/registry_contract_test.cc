// One contract for every registry: Debian's docker-registry, which nobody here wrote, open, with a
// password and with a token server (skipped where it is not installed), and the sandbox's two.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>

#include "net/loop.h"
#include "oci/attachments.h"
#include "oci/copy.h"
#include "oci/referrers.h"
#include "oci/registries.h"
#include "support/docker_registry.h"

namespace pawl::oci {
namespace {

using test::DockerRegistry;

/// Bytes that do not repeat soon, made as they are read.
class Noise : public BodySource {
 public:
  Noise(uint64_t size, uint64_t seed, bool says_size = true)
      : size_(size), state_(seed * 2654435761u + 1), says_size_(says_size) {}
  Chunk read(std::span<std::byte> buffer) override {
    const size_t count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), size_ - done_));
    if (count == 0) return {Flow::end, 0};
    for (size_t i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      buffer[i] = static_cast<std::byte>(state_ >> 56);
    }
    done_ += count;
    return {Flow::ready, count};
  }
  std::optional<uint64_t> size() const override {
    return says_size_ ? std::optional(size_) : std::nullopt;
  }

 private:
  uint64_t size_;
  uint64_t done_ = 0;
  uint64_t state_;
  bool says_size_;
};

Digest digest_of_noise(uint64_t size, uint64_t seed) {
  Noise noise(size, seed);
  Sha256Stream hash;
  std::vector<std::byte> buffer(64u << 10);
  for (auto chunk = noise.read(buffer); chunk.bytes > 0; chunk = noise.read(buffer))
    hash.update(std::span(buffer).first(chunk.bytes));
  return Digest::from(hash.finish());
}

long peak_memory_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// A registry that is running, and who may do everything there; user "": anybody.
struct Place {
  std::string host;
  std::string user;
  std::string password;
  std::string url;           // where it is not where the host's name says
  std::string certificates;  // the folder that holds whom to trust
};

/// The parameter is the kind of registry.
class RegistryContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    kind_ = GetParam();
    if (!kind_.starts_with("sandbox")) {
      if (!DockerRegistry::is_installed()) GTEST_SKIP() << "docker-registry is not installed";
      const bool wants_openssl = kind_ == "token" || kind_ == "tls";
      if (wants_openssl &&
          std::system("python3 -V >/dev/null 2>&1 && openssl version >/dev/null 2>&1") != 0)
        GTEST_SKIP() << "certificates and tokens need python3 and openssl";
      return;
    }
    const char* server = std::getenv("PAWL_TEST_SANDBOX");
    if (server == nullptr) GTEST_SKIP() << "PAWL_TEST_SANDBOX does not name the tests' sandbox";
    sandbox_.emplace(std::vector<std::string>{server});
    if (sandbox_->ready().empty()) GTEST_SKIP() << "the sandbox cannot run here";
  }

  /// Of the sandbox the source's registry, then ECR's, or the other way about.
  Place next_registry() {
    Place place;
    if (sandbox_) {
      const size_t number = (taken_++ + (kind_ == "sandbox_ecr" ? 1 : 0)) % 2;
      const auto& made = sandbox_->ready().at("registries").at(number).get_object();
      place.host = string_or(made, "host");
      place.user = string_or(made, "user");
      place.password = string_or(made, "password");
    } else {
      using Access = DockerRegistry::Access;
      const bool has_tls = kind_ == "tls";
      const Access access = kind_ == "password" ? Access::password
                            : kind_ == "token"  ? Access::token
                                                : Access::open;
      servers_.push_back(std::make_unique<DockerRegistry>(
          access, has_tls ? DockerRegistry::Tls::private_ca : DockerRegistry::Tls::none));
      const DockerRegistry& server = *servers_.back();
      place.host = server.host();
      if (has_tls) {
        place.url = server.url();
        place.certificates = server.certificates();
      }
      if (access != Access::open) {
        place.user = DockerRegistry::kUser;
        place.password = DockerRegistry::kPassword;
      }
    }
    if (!place.url.empty()) hosts_.add(place.host, place.url);
    if (!place.certificates.empty()) trusted_.push_back(place.certificates);
    if (!place.user.empty())
      logins_[place.host] = Credentials{place.user, Secret(place.password), Secret()};
    return place;
  }

  void log_in(std::map<std::string, Credentials> credentials) {
    RegistryAccess access{hosts_, fixed_credentials(std::move(credentials)),
                          CertificateFolders(trusted_)};
    registries_ = std::make_unique<Registries>(*http_, loop_.clock(), loop_.entropy(), access);
  }
  Repository at(const Place& registry, const std::string& name, bool push = true) {
    if (!registries_) log_in(logins_);
    return Repository(registries_->at(registry.host), name, push);
  }
  /// One in each of two registries; `target` is where the second one is.
  struct Two {
    Repository from;
    Repository to;
    Place target;
  };
  Two two_repositories() {
    const Place source = next_registry(), target = next_registry();
    return {at(source, "team/app"), at(target, "mirror/app"), target};
  }
  template <class T>
  T run(Task<Result<T>> task) {
    auto result = loop_.run(std::move(task));
    EXPECT_TRUE(result.ok()) << result.error().message();
    PAWL_ASSERT(result.ok());
    return std::move(result).value();
  }
  void check(Task<Result<void>> task) {
    const auto result = loop_.run(std::move(task));
    EXPECT_TRUE(result.ok()) << result.error().message();
  }

  Digest put_noise(Repository& repository, uint64_t size, uint64_t seed) {
    const Digest digest = digest_of_noise(size, seed);
    const Upload upload = run(repository.start_upload());
    check(repository.finish_upload(upload, digest, std::make_shared<Noise>(size, seed)));
    return digest;
  }

  Manifest put_image(Repository& repository, const std::vector<uint64_t>& sizes,
                     const std::string& reference = "") {
    std::string layers;
    for (const uint64_t size : sizes)
      layers +=
          fmt::format(R"({}{{"mediaType":"l","digest":"{}","size":{}}})", layers.empty() ? "" : ",",
                      put_noise(repository, size, ++seed_).str(), size);
    const Digest config = put_noise(repository, 100, ++seed_);
    const std::string text = fmt::format(
        R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"c","digest":"{}","size":100}},"layers":[{}]}})",
        kOciManifest, config.str(), layers);
    const Manifest manifest = parse_manifest(text, kOciManifest, "m").value();
    run(repository.put_manifest(manifest, reference.empty() ? manifest.digest.str() : reference));
    return manifest;
  }

  CopyReport copy(Repository& from, Repository& to, const std::string& tag = "v1") {
    const CopyRequest request{tag, tag, {}};
    return run(copy_image(from, to, request, CopyOptions(), nullptr));
  }

  /// Reads everything back from where it was copied to, which checks each digest.
  void expect_whole(Repository& repository, const std::string& reference) {
    const Manifest manifest = run(repository.get_manifest(reference));
    for (const Descriptor& blob : manifest.blobs)
      EXPECT_EQ(run(repository.get_blob(blob.digest, 64u << 20)).size(), blob.size);
    for (const Descriptor& child : manifest.manifests) expect_whole(repository, child.digest.str());
  }

  Loop loop_;
  std::unique_ptr<HttpClient> http_ = make_http_client(loop_);
  std::string kind_;
  std::optional<test::ServerProcess> sandbox_;
  size_t taken_ = 0;
  std::vector<std::unique_ptr<DockerRegistry>> servers_;
  std::map<std::string, Credentials> logins_;
  RegistryHosts hosts_;
  std::vector<std::string> trusted_;
  std::unique_ptr<Registries> registries_;
  uint64_t seed_ = 0;
};

class LargeLayers : public RegistryContract {};
class LoginsAreNeeded : public RegistryContract {};
class TokenServers : public RegistryContract {};

TEST_P(RegistryContract, CopiesAnImageAndKeepsItsDigest) {
  auto [from, to, target] = two_repositories();
  const Manifest image = put_image(from, {1'000'000, 0, 3'000'000, 1}, "v1");
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.digest, image.digest);
  EXPECT_EQ(report.blobs_copied, 5);
  EXPECT_EQ(report.bytes_copied, 4'000'101u);
  expect_whole(to, "v1");
}

TEST_P(RegistryContract, CopiesAnIndexAndKeepsItsDigest) {
  auto [from, to, target] = two_repositories();
  const Manifest amd = put_image(from, {100'000});
  const Manifest arm = put_image(from, {200'000});
  const std::string text = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{0}","manifests":[)"
      R"({{"mediaType":"{1}","digest":"{2}","size":{3},"platform":{{"os":"linux","architecture":"amd64"}}}},)"
      R"({{"mediaType":"{1}","digest":"{4}","size":{5},"platform":{{"os":"linux","architecture":"arm64"}}}}]}})",
      kOciIndex, kOciManifest, amd.digest.str(), amd.bytes.size(), arm.digest.str(),
      arm.bytes.size());
  const Manifest index = parse_manifest(text, kOciIndex, "m").value();
  run(from.put_manifest(index, "v1"));
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.digest, index.digest);
  EXPECT_EQ(report.platform_digest, amd.digest);
  expect_whole(to, "v1");
}

TEST_P(RegistryContract, DoesNotTakeOneImageForAnotherPlatforms) {
  auto [from, to, target] = two_repositories();
  const std::string config = R"({"os":"linux","architecture":"arm64"})";
  check(from.put_blob(Digest::of(config), config));
  const std::string text = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"c","digest":"{}","size":{}}},"layers":[]}})",
      kOciManifest, Digest::of(config).str(), config.size());
  const Manifest image = parse_manifest(text, kOciManifest, "m").value();
  run(from.put_manifest(image, "v1"));
  CopyOptions options;
  options.platform = Platform{"linux", "amd64", ""};
  const CopyRequest request{"v1", "v1", {}};
  const auto refused = loop_.run(copy_image(from, to, request, options, nullptr));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("for linux/arm64, and linux/amd64 was asked for"),
            std::string::npos)
      << refused.error().message();
  EXPECT_FALSE(run(to.head_manifest("v1")).has_value());
  options.platform = Platform{"linux", "arm64", ""};
  EXPECT_EQ(run(copy_image(from, to, request, options, nullptr)).digest, image.digest);
}

TEST_P(RegistryContract, ASecondCopyFindsEverythingThere) {
  auto [from, to, target] = two_repositories();
  put_image(from, {50'000}, "v1");
  copy(from, to);
  const CopyReport report = copy(from, to);
  EXPECT_TRUE(report.was_there);
  EXPECT_EQ(report.bytes_copied, 0u);
}

TEST_P(RegistryContract, MountsWithinOneRegistry) {
  const Place registry = next_registry();
  Repository from = at(registry, "team/app");
  Repository to = at(registry, "mirror/app");
  put_image(from, {1'000'000, 2'000'000}, "v1");
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.blobs_mounted, 3);
  EXPECT_EQ(report.bytes_copied, 0u);
  expect_whole(to, "v1");
}

TEST_P(RegistryContract, TakesASmallBlobInOneRequestOrTwo) {
  const Place registry = next_registry();
  Repository repository = at(registry, "team/app");
  for (const std::string& bytes :
       {std::string("a config"), std::string(60'000, 'x'), std::string()}) {
    check(repository.put_blob(Digest::of(bytes), bytes));
    EXPECT_EQ(run(repository.get_blob(Digest::of(bytes), 64u << 10)), bytes);
  }
  const auto refused = loop_.run(repository.put_blob(Digest::of("other"), "a config"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), "DIGEST_INVALID");
}

TEST_P(RegistryContract, CarriesWhatIsAttachedAndCosignsTagsAlong) {
  auto [from, to, target] = two_repositories();
  const Manifest image = put_image(from, {10'000}, "v1");
  const Manifest signature = put_image(from, {100}, cosign_tag(image.digest, "sig"));
  const Digest layer = put_noise(from, 200, ++seed_);
  const std::string text = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{0}","artifactType":"test/sbom","config":{{"mediaType":"c","digest":"{1}","size":200}},)"
      R"("layers":[{{"mediaType":"l","digest":"{1}","size":200}}],"subject":{{"mediaType":"{0}","digest":"{2}","size":{3}}}}})",
      kOciManifest, layer.str(), image.digest.str(), image.bytes.size());
  const Manifest sbom = parse_manifest(text, kOciManifest, "m").value();
  const PutManifest put = run(from.put_manifest(sbom, sbom.digest.str()));
  // Debian's docker-registry (2.8) has no referrers API: the list is the client's to keep.
  if (!put.subject_noted) check(note_referrer(from, image.digest, sbom));
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.referrers_copied, 2);
  EXPECT_TRUE(report.warnings.empty());
  expect_whole(to, cosign_tag(image.digest, "sig"));
  expect_whole(to, sbom.digest.str());
  const auto listed = run(to.referrers(image.digest));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].digest, sbom.digest);
  EXPECT_EQ(copy(from, to).referrers_copied, 0);
}

TEST_P(LargeLayers, TakeLittleMemory) {
  constexpr uint64_t kLarge = 200'000'000;
  auto [from, to, target] = two_repositories();
  put_image(from, {kLarge}, "v1");
  const long before = peak_memory_kib();
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.bytes_copied, kLarge + 100);
  EXPECT_LT(peak_memory_kib() - before, 32l << 10);
}

TEST_P(LoginsAreNeeded, ByWhomIsNotKnown) {
  auto [from, to, target] = two_repositories();
  put_image(from, {10'000}, "v1");
  copy(from, to);
  log_in({});
  Repository stranger = at(target, "mirror/app");
  const auto refused = loop_.run(stranger.get_manifest("v1"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
  EXPECT_EQ(refused.error().hint(), "docker login " + target.host);
}

TEST_P(LoginsAreNeeded, WithThePasswordThatIsRight) {
  (void)next_registry();
  const Place target = next_registry();
  log_in({{target.host, Credentials{target.user, Secret("another-secret"), Secret()}}});
  Repository repository = at(target, "mirror/app");
  const auto refused = loop_.run(repository.start_upload());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied) << refused.error().message();
  EXPECT_EQ(refused.error().message().find("another-secret"), std::string::npos);
}

TEST_P(TokenServers, MayGrantLessThanWasAskedFor) {
  const Place registry = next_registry();
  Repository repository = at(registry, "team/app");
  const Manifest image = put_image(repository, {10'000}, "v1");
  log_in({{registry.host, Credentials{"bob", Secret(registry.password), Secret()}}});
  Repository readers = at(registry, "team/app", false);
  EXPECT_EQ(run(readers.get_manifest("v1")).digest, image.digest);
  Repository writers = at(registry, "team/app");
  const auto refused = loop_.run(writers.start_upload());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied) << refused.error().message();
}

TEST_P(TokenServers, TradeAnIdentityTokenForOneOfTheirs) {
  const Place registry = next_registry();
  log_in({{registry.host, Credentials{"", Secret(), Secret("refresh-" + registry.password)}}});
  Repository repository = at(registry, "team/app");
  const Manifest image = put_image(repository, {10'000}, "v1");
  EXPECT_EQ(run(repository.get_manifest("v1")).digest, image.digest);
  log_in({{registry.host, Credentials{"", Secret(), Secret("refresh-another-word")}}});
  Repository stranger = at(registry, "team/app");
  const auto refused = loop_.run(stranger.get_manifest("v1"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
  EXPECT_EQ(refused.error().message().find("another-word"), std::string::npos);
}

TEST_P(RegistryContract, TakesChunksAndBodiesOfUnknownSize) {
  const Place registry = next_registry();
  Repository repository = at(registry, "team/app");
  const Digest digest = digest_of_noise(300'000, 9);
  Upload upload = run(repository.start_upload());
  upload = run(repository.send_chunk(upload, 0, std::make_shared<Noise>(300'000, 9, false)));
  const auto status = run(repository.upload_status(upload));
  EXPECT_EQ(status.received, 300'000u);
  check(repository.finish_upload(status.upload, digest, nullptr));
  EXPECT_EQ(*run(repository.head_blob(digest)), 300'000u);
}

TEST_P(RegistryContract, RefusesBytesThatAreNotTheDigests) {
  const Place registry = next_registry();
  Repository repository = at(registry, "team/app");
  const Upload upload = run(repository.start_upload());
  const auto put = loop_.run(
      repository.finish_upload(upload, Digest::of("other"), std::make_shared<Noise>(1'000, 1)));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code(), "DIGEST_INVALID");
}

TEST_P(RegistryContract, ForgetsCancelledUploads) {
  const Place registry = next_registry();
  Repository repository = at(registry, "team/app");
  const Upload upload = run(repository.start_upload());
  check(repository.cancel_upload(upload));
  const auto status = loop_.run(repository.upload_status(upload));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::not_found);
}

TEST_P(RegistryContract, ListsTagsAndDeletes) {
  const Place registry = next_registry();
  Repository repository = at(registry, "team/app");
  const Manifest image = put_image(repository, {10}, "v1");
  run(repository.put_manifest(image, "v2"));
  EXPECT_EQ(run(repository.tags()), (std::vector<std::string>{"v1", "v2"}));
  check(repository.delete_manifest(image.digest.str()));
  EXPECT_FALSE(run(repository.head_manifest("v1")).has_value());
  check(repository.delete_blob(image.blobs[1].digest));
  EXPECT_FALSE(run(repository.head_blob(image.blobs[1].digest)).has_value());
}

TEST_P(RegistryContract, ReadsFromTheMiddleOfABlob) {
  const Place registry = next_registry();
  Repository repository = at(registry, "team/app");
  const Digest digest = put_noise(repository, 100'000, 3);
  BytePipe pipe(1u << 20, std::nullopt);
  uint64_t received = 0;
  pipe.on_bytes([&](std::span<const std::byte> bytes) {
    received += bytes.size();
    return true;
  });
  const auto source = pipe.source();
  const HttpResponse response = run(repository.read_blob(digest, 60'000, pipe.sink()));
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(received, 40'000u);
}

constexpr auto kNameOfKind = [](const auto& each) { return std::string(each.param); };

INSTANTIATE_TEST_SUITE_P(Kinds, RegistryContract,
                         testing::Values("open", "password", "token", "tls", "sandbox",
                                         "sandbox_ecr"),
                         kNameOfKind);
INSTANTIATE_TEST_SUITE_P(Kinds, LargeLayers, testing::Values("open", "sandbox"), kNameOfKind);
INSTANTIATE_TEST_SUITE_P(Kinds, LoginsAreNeeded, testing::Values("password", "token", "sandbox"),
                         kNameOfKind);
INSTANTIATE_TEST_SUITE_P(Kinds, TokenServers, testing::Values("token"), kNameOfKind);

}  // namespace
}  // namespace pawl::oci
