// OCI layouts, as folders and as tars: what is read, what is pushed, and what is refused. Against
// the registry without a network, and against Debian's docker-registry with a layout that skopeo
// reads back.
#include "oci/layout.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "net/http_client.h"
#include "net/loop.h"
#include "oci/fake_registry.h"
#include "oci/layout_pusher.h"
#include "support/docker_registry.h"
#include "support/temp_folder.h"

namespace pawl::oci {
namespace {

using test::TempFolder;
using testing::HasSubstr;

const std::string kSha(40, 'a');

/// A layout that is written blob by blob.
class Writer {
 public:
  Writer() { folder_.write("layout/oci-layout", R"({"imageLayoutVersion":"1.0.0"})"); }

  std::string blob(const std::string& bytes, const std::string& type,
                   const std::string& more = "") {
    const Digest digest = Digest::of(bytes);
    folder_.write("layout/blobs/sha256/" + std::string(digest.hex()), bytes);
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}{}}})", type, digest.str(),
                       bytes.size(), more);
  }
  /// Gives the descriptor.
  std::string image(const std::string& layer, const std::string& revision = kSha,
                    const std::string& more = "") {
    const std::string config = fmt::format(
        R"({{"architecture":"amd64","os":"linux","config":{{"Labels":{{)"
        R"("org.opencontainers.image.revision":"{}"}}}},"rootfs":{{"type":"layers","diff_ids":[]}}}})",
        revision);
    const std::string manifest =
        fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]}})",
                    kOciManifest, blob(config, "application/vnd.oci.image.config.v1+json"),
                    blob(layer, "application/vnd.oci.image.layer.v1.tar"));
    return blob(manifest, std::string(kOciManifest), more);
  }
  std::string index(const std::string& manifests) {
    return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}})", kOciIndex,
                       manifests);
  }
  void holds(const std::string& manifests) { folder_.write("layout/index.json", index(manifests)); }
  std::string path() const { return folder_ / "layout"; }
  std::string tar() const {
    const std::string file = folder_ / "image.tar";
    EXPECT_EQ(std::system(fmt::format("tar -C {} -cf {} .", path(), file).c_str()), 0);
    return file;
  }
  const TempFolder& folder() const { return folder_; }

 private:
  TempFolder folder_;
};

class Layout : public testing::Test {
 protected:
  Layout() {
    request_.image = "127.0.0.1:5002/team/app";
    request_.tags = {"1.4.2", "latest"};
    request_.revision = kSha;
    request_.layout = "layout";
  }
  Result<Digest> push() {
    RegistryAccess access{RegistryHosts(), fixed_credentials({})};
    auto pusher = make_layout_pusher(world_.http, world_.clock, world_.entropy, std::move(access),
                                     layout_.folder().path().string());
    LogLine log = [this](std::string_view line) { log_ += std::string(line) + "\n"; };
    return world_.run(pusher->build_and_push(request_, log));
  }

  Writer layout_;
  World world_;
  BuildRequest request_;
  std::string log_;
};

TEST_F(Layout, IsPushedAsItIsUnderEveryTag) {
  layout_.holds(layout_.image("a layer"));
  const auto digest = push();
  ASSERT_TRUE(digest.ok()) << digest.error().message();
  for (const auto& tag : request_.tags)
    EXPECT_EQ(world_.to.tags["team/app"][tag], digest->str()) << tag;
  EXPECT_THAT(log_, HasSubstr("2 blobs pushed"));
  log_.clear();
  request_.tags = {"1.4.3"};
  ASSERT_TRUE(push().ok());
  EXPECT_THAT(log_, HasSubstr("0 blobs pushed (0 bytes), 2 were there"));
}

TEST_F(Layout, MayBeATar) {
  layout_.holds(layout_.image("a layer"));
  const auto as_folder = push();
  request_.layout = layout_.tar();
  World fresh;
  const auto layout = ImageLayout::open(request_.layout);
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  const auto as_tar = push();
  ASSERT_TRUE(as_tar.ok()) << as_tar.error().message();
  EXPECT_EQ(as_folder->str(), as_tar->str());
}

TEST_F(Layout, KeepsAnIndexOfSeveralPlatforms) {
  const std::string both =
      layout_.image("amd", kSha, R"(,"platform":{"os":"linux","architecture":"amd64"})") + "," +
      layout_.image("arm", kSha, R"(,"platform":{"os":"linux","architecture":"arm64"})");
  layout_.holds(layout_.blob(layout_.index(both), std::string(kOciIndex)));
  const auto digest = push();
  ASSERT_TRUE(digest.ok()) << digest.error().message();
  EXPECT_EQ(digest->str(), Digest::of(layout_.index(both)).str());
  EXPECT_EQ(world_.to.tags["team/app"]["1.4.2"], digest->str());
}

TEST_F(Layout, OfSeveralImagesGivesTheOneWithTheNameOfTheTag) {
  const auto named = [](const std::string& name) {
    return R"(,"annotations":{"org.opencontainers.image.ref.name":")" + name + R"("})";
  };
  const std::string wanted = layout_.image("one", kSha, named("1.4.2"));
  layout_.holds(layout_.image("two", kSha, named("1.4.1")) + "," + wanted);
  ASSERT_TRUE(push().ok());
  request_.tags = {"1.4.9"};
  const auto none = push();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::not_found);
  EXPECT_THAT(none.error().what(), HasSubstr("none of them is called '1.4.9'; there are: 1.4.1, "
                                             "1.4.2"));
}

TEST_F(Layout, OfAnotherCommitIsRefused) {
  layout_.holds(layout_.image("a layer", std::string(40, 'b')));
  const auto digest = push();
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::refused);
  EXPECT_TRUE(world_.to.tags["team/app"].empty());
}

TEST_F(Layout, WithADamagedBlobIsNotPushed) {
  layout_.holds(layout_.image("a layer"));
  const auto blob = layout_.path() + "/blobs/sha256/" + std::string(Digest::of("a layer").hex());
  std::ofstream(blob) << "b layer";
  const auto damaged = push();
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().kind(), ErrorKind::corrupt);
  EXPECT_THAT(damaged.error().message(), HasSubstr("is damaged"));
  std::ofstream(blob) << "short";
  EXPECT_THAT(push().error().message(), HasSubstr("has 5 bytes, and its manifest says 7"));
  std::filesystem::remove(blob);
  EXPECT_EQ(push().error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(world_.to.tags["team/app"].empty());
}

TEST_F(Layout, ThatIsNoneIsToldFromOneThatIsNotThere) {
  request_.layout = "nowhere";
  EXPECT_EQ(push().error().kind(), ErrorKind::not_found);
  struct Row {
    std::string bytes;
    const char* why;
  };
  const Row rows[] = {
      {"", "has no oci-layout"},
      {"\x1f\x8b" + std::string(600, 'x'), "it is compressed"},
      {std::string(600, 'x'), "it is no tar archive"},
      {std::string(1024, '\0'), "has no oci-layout"},
  };
  for (const auto& row : rows) {
    request_.layout = layout_.folder().write("odd.tar", row.bytes);
    const auto digest = push();
    ASSERT_FALSE(digest.ok());
    EXPECT_EQ(digest.error().kind(), ErrorKind::corrupt) << row.why;
    EXPECT_THAT(digest.error().what(), HasSubstr(row.why));
  }
  request_.layout = "layout";
  for (const char* index : {"", "{}", "[]", R"({"manifests":[]})", R"({"manifests":[7]})",
                            R"({"manifests":[{"digest":"../../etc/passwd"}]})"}) {
    layout_.folder().write("layout/index.json", index);
    EXPECT_FALSE(push().ok()) << index;
  }
}

TEST(LayoutContract, IsWhatSkopeoReadsFromARealRegistry) {
  if (!test::DockerRegistry::is_installed()) GTEST_SKIP() << "docker-registry is not installed";
  if (std::system("skopeo --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "skopeo is not installed";
  const test::DockerRegistry registry;
  Writer layout;
  layout.holds(layout.image(std::string(3'000'000, 'x')));
  Loop loop;
  auto http = make_http_client(loop);
  BuildRequest request;
  request.image = registry.host() + "/team/app";
  request.tags = {"1.4.2"};
  request.revision = kSha;
  request.layout = layout.tar();
  RegistryAccess access{RegistryHosts(), fixed_credentials({})};
  auto pusher =
      make_layout_pusher(*http, loop.clock(), loop.entropy(), std::move(access), std::string());
  const auto digest = loop.run(pusher->build_and_push(request, {}));
  ASSERT_TRUE(digest.ok()) << digest.error().message();
  // What skopeo brings back is pushed once more: nothing of it is new.
  const std::string copy = layout.folder() / "copy";
  ASSERT_EQ(
      std::system(
          fmt::format("skopeo copy --preserve-digests --src-tls-verify=false docker://{}:1.4.2 "
                      "oci:{}:v1 >/dev/null 2>&1",
                      request.image, copy)
              .c_str()),
      0);
  request.layout = copy;
  request.tags = {"again"};
  const auto again = loop.run(pusher->build_and_push(request, {}));
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->str(), digest->str());
}

}  // namespace
}  // namespace pawl::oci
