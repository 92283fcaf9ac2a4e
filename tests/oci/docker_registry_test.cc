// The same client against a registry that nobody here wrote: Debian's docker-registry. Skipped
// where it is not installed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "net/loop.h"
#include "oci/copy.h"
#include "oci/registries.h"

extern char** environ;

namespace pawl::oci {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProgram = "/usr/bin/docker-registry";
// "alice:s3cret-word", as htpasswd -Bbn writes it.
constexpr std::string_view kPasswords =
    "alice:$2y$05$AWE1xsZrPjWmBx0085Vb1.SjOjmdlIQnygcB7c0ogWVqcAOnHiiQi\n";

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  PAWL_ASSERT(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  PAWL_ASSERT(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

bool is_listening(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

/// A registry of its own folder and port, gone with the object.
class DockerRegistry {
 public:
  explicit DockerRegistry(bool with_password = false) : port_(free_port()) {
    std::string pattern = (fs::temp_directory_path() / "pawl-registry-XXXXXX").string();
    PAWL_ASSERT(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    std::ofstream config(folder_ / "config.yml");
    config << "version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\n"
           << "storage: {filesystem: {rootdirectory: " << (folder_ / "data").string()
           << "}, delete: {enabled: true}}\nhttp: {addr: 127.0.0.1:" << port_ << "}\n";
    if (with_password) {
      std::ofstream(folder_ / "passwords") << kPasswords;
      config << "auth: {htpasswd: {realm: test, path: " << (folder_ / "passwords").string()
             << "}}\n";
    }
    config.close();
    start();
  }
  DockerRegistry(const DockerRegistry&) = delete;
  DockerRegistry& operator=(const DockerRegistry&) = delete;
  ~DockerRegistry() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  std::string host() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  void start() {
    std::vector<std::string> words{std::string(kProgram), "serve",
                                   (folder_ / "config.yml").string()};
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    // Any REGISTRY_* variable would override the config.
    std::vector<char*> variables;
    for (char** variable = environ; *variable != nullptr; ++variable)
      if (!std::string_view(*variable).starts_with("REGISTRY_")) variables.push_back(*variable);
    variables.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    PAWL_ASSERT(posix_spawn(&process_, argv[0], &files, nullptr, argv.data(), variables.data()) ==
                0);
    posix_spawn_file_actions_destroy(&files);
    for (int i = 0; i < 1'000 && !is_listening(port_); ++i) usleep(10'000);
    PAWL_ASSERT(is_listening(port_));
  }

  uint16_t port_;
  fs::path folder_;
  pid_t process_ = 0;
};

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

class AgainstDockerRegistry : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access(std::string(kProgram).c_str(), X_OK) != 0)
      GTEST_SKIP() << "docker-registry is not installed";
  }

  void log_in(std::map<std::string, Credentials> credentials) {
    RegistryAccess access{RegistryHosts(), fixed_credentials(std::move(credentials))};
    registries_ = std::make_unique<Registries>(*http_, loop_.clock(), loop_.entropy(), access);
  }
  Repository at(const DockerRegistry& registry, const std::string& name, bool push = true) {
    if (!registries_) log_in({});
    return Repository(registries_->at(registry.host()), name, push);
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
  std::unique_ptr<Registries> registries_;
  uint64_t seed_ = 0;
};

TEST_F(AgainstDockerRegistry, CopiesAnImageAndKeepsItsDigest) {
  DockerRegistry source, target;
  Repository from = at(source, "team/app");
  Repository to = at(target, "mirror/app");
  const Manifest image = put_image(from, {1'000'000, 0, 3'000'000, 1}, "v1");
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.digest, image.digest);
  EXPECT_EQ(report.blobs_copied, 5);
  EXPECT_EQ(report.bytes_copied, 4'000'101u);
  expect_whole(to, "v1");
}

TEST_F(AgainstDockerRegistry, CopiesAnIndexAndKeepsItsDigest) {
  DockerRegistry source, target;
  Repository from = at(source, "team/app");
  Repository to = at(target, "mirror/app");
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

TEST_F(AgainstDockerRegistry, ASecondCopyFindsEverythingThere) {
  DockerRegistry source, target;
  Repository from = at(source, "team/app");
  Repository to = at(target, "mirror/app");
  put_image(from, {50'000}, "v1");
  copy(from, to);
  const CopyReport report = copy(from, to);
  EXPECT_TRUE(report.was_there);
  EXPECT_EQ(report.bytes_copied, 0u);
}

TEST_F(AgainstDockerRegistry, MountsWithinOneRegistry) {
  DockerRegistry registry;
  Repository from = at(registry, "team/app");
  Repository to = at(registry, "mirror/app");
  put_image(from, {1'000'000, 2'000'000}, "v1");
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.blobs_mounted, 3);
  EXPECT_EQ(report.bytes_copied, 0u);
  expect_whole(to, "v1");
}

TEST_F(AgainstDockerRegistry, ALargeLayerTakesLittleMemory) {
  constexpr uint64_t kLarge = 200'000'000;
  DockerRegistry source, target;
  Repository from = at(source, "team/app");
  Repository to = at(target, "mirror/app");
  put_image(from, {kLarge}, "v1");
  const long before = peak_memory_kib();
  const CopyReport report = copy(from, to);
  EXPECT_EQ(report.bytes_copied, kLarge + 100);
  EXPECT_LT(peak_memory_kib() - before, 32l << 10);
}

TEST_F(AgainstDockerRegistry, LogsInWithAPassword) {
  DockerRegistry source(true), target(true);
  const Credentials alice{"alice", Secret("s3cret-word"), Secret()};
  log_in({{source.host(), alice}, {target.host(), alice}});
  Repository from = at(source, "team/app");
  Repository to = at(target, "mirror/app");
  const Manifest image = put_image(from, {10'000}, "v1");
  EXPECT_EQ(copy(from, to).digest, image.digest);
  log_in({});
  Repository stranger = at(target, "mirror/app");
  const auto refused = loop_.run(stranger.get_manifest("v1"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
  EXPECT_EQ(refused.error().hint(), "docker login " + target.host());
}

TEST_F(AgainstDockerRegistry, TakesChunksAndBodiesOfUnknownSize) {
  DockerRegistry registry;
  Repository repository = at(registry, "team/app");
  const Digest digest = digest_of_noise(300'000, 9);
  Upload upload = run(repository.start_upload());
  upload = run(repository.send_chunk(upload, 0, std::make_shared<Noise>(300'000, 9, false)));
  const auto status = run(repository.upload_status(upload));
  EXPECT_EQ(status.received, 300'000u);
  check(repository.finish_upload(status.upload, digest, nullptr));
  EXPECT_EQ(*run(repository.head_blob(digest)), 300'000u);
}

TEST_F(AgainstDockerRegistry, RefusesBytesThatAreNotTheDigests) {
  DockerRegistry registry;
  Repository repository = at(registry, "team/app");
  const Upload upload = run(repository.start_upload());
  const auto put = loop_.run(
      repository.finish_upload(upload, Digest::of("other"), std::make_shared<Noise>(1'000, 1)));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code(), "DIGEST_INVALID");
}

TEST_F(AgainstDockerRegistry, ForgetsCancelledUploads) {
  DockerRegistry registry;
  Repository repository = at(registry, "team/app");
  const Upload upload = run(repository.start_upload());
  check(repository.cancel_upload(upload));
  const auto status = loop_.run(repository.upload_status(upload));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::not_found);
}

TEST_F(AgainstDockerRegistry, ListsTagsAndDeletes) {
  DockerRegistry registry;
  Repository repository = at(registry, "team/app");
  const Manifest image = put_image(repository, {10}, "v1");
  run(repository.put_manifest(image, "v2"));
  EXPECT_EQ(run(repository.tags()), (std::vector<std::string>{"v1", "v2"}));
  check(repository.delete_manifest(image.digest.str()));
  EXPECT_FALSE(run(repository.head_manifest("v1")).has_value());
  check(repository.delete_blob(image.blobs[1].digest));
  EXPECT_FALSE(run(repository.head_blob(image.blobs[1].digest)).has_value());
}

TEST_F(AgainstDockerRegistry, ReadsFromTheMiddleOfABlob) {
  DockerRegistry registry;
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

}  // namespace
}  // namespace pawl::oci
