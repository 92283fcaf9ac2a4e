#include "oci/image_registry.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "oci/fake_registry.h"

namespace pawl::oci {
namespace {

class Port : public ::testing::Test {
 protected:
  Port() {
    RegistryAccess access{RegistryHosts(), fixed_credentials({})};
    images = make_image_registry(world.http, world.clock, world.entropy, std::move(access));
  }
  ImageReference image(const std::string& text) { return ImageReference::parse(text).value(); }

  World world;
  std::unique_ptr<ImageRegistry> images;
};

TEST_F(Port, ResolvesATagToItsDigestAndArchitecture) {
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  const auto info = world.run(images->resolve(image("127.0.0.1:5001/team/app:v1"), "linux/amd64"));
  ASSERT_TRUE(info.ok()) << info.error().message();
  EXPECT_EQ(info->digest, digest);
  EXPECT_EQ(info->platform_digest, digest);
  EXPECT_EQ(info->architecture, "amd64");
}

TEST_F(Port, ResolvesAnIndexToThePlatformsManifest) {
  const Digest arm = world.put_image(world.from, "team/app", {10});
  const Digest amd = world.put_image(world.from, "team/app", {11});
  const Digest index =
      world.put_index(world.from, "team/app", {{amd, "linux/amd64"}, {arm, "linux/arm64"}}, "v1");
  const auto info = world.run(images->resolve(image("127.0.0.1:5001/team/app:v1"), "linux/arm64"));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->digest, index);
  EXPECT_EQ(info->platform_digest, arm);
  EXPECT_EQ(info->architecture, "arm64");
}

TEST_F(Port, ATagThatDoesNotExistIsNotFound) {
  const auto info = world.run(images->resolve(image("127.0.0.1:5001/team/app:v9"), "linux/amd64"));
  ASSERT_FALSE(info.ok());
  EXPECT_EQ(info.error().kind(), ErrorKind::not_found);
}

TEST_F(Port, WithoutAPlatformTakesTheUsualOneElseWhatThereIs) {
  const Digest arm = world.put_image(world.from, "team/app", {10});
  const Digest amd = world.put_image(world.from, "team/app", {11});
  world.put_index(world.from, "team/app", {{arm, "linux/arm64"}, {amd, "linux/amd64"}}, "both");
  world.put_index(world.from, "team/app", {{arm, "linux/arm64"}}, "arm");
  const auto both = world.run(images->resolve(image("127.0.0.1:5001/team/app:both"), ""));
  ASSERT_TRUE(both.ok()) << both.error().message();
  EXPECT_EQ(both->platform_digest, amd);
  const auto alone = world.run(images->resolve(image("127.0.0.1:5001/team/app:arm"), ""));
  ASSERT_TRUE(alone.ok()) << alone.error().message();
  EXPECT_EQ(alone->platform_digest, arm);
  EXPECT_EQ(alone->architecture, "arm64");
}

TEST_F(Port, TellsTheLayersOfThePlatformsManifest) {
  const Digest amd = world.put_image(world.from, "team/app", {10, 20});
  world.put_index(world.from, "team/app", {{amd, "linux/amd64"}}, "v1");
  const auto info = world.run(images->resolve(image("127.0.0.1:5001/team/app:v1"), "linux/amd64"));
  ASSERT_TRUE(info.ok()) << info.error().message();
  ASSERT_EQ(info->layers.size(), 2u);
  EXPECT_EQ(info->layers[1], (ImageLayer{"application/octet-stream", 20, 0}));
}

// The sizes are those that the manifest gives; of the layer's bytes only the end is asked for.
TEST_F(Port, MeasuresWhatALargeImageTakesUnpacked) {
  constexpr uint64_t kStored = uint64_t{2} << 30;
  constexpr uint32_t kUnpacked = 3'900'000'000;
  std::string layers;
  for (const char letter : {'a', 'b', 'c'})
    layers += fmt::format(
        R"({}{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{}","size":{}}})",
        layers.empty() ? "" : ",", Digest::of(std::string(1, letter)).str(), kStored);
  const std::string config = R"({"architecture":"amd64","os":"linux"})";
  world.from.blobs["team/app"][Digest::of(config).str()] = config;
  const std::string text = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"c","digest":"{}","size":{}}},"layers":[{}]}})",
      kOciManifest, Digest::of(config).str(), config.size(), layers);
  world.from.manifests["team/app"][Digest::of(text).str()] = {std::string(kOciManifest), text};
  world.from.tags["team/app"]["v1"] = Digest::of(text).str();
  std::vector<std::string> ranges;
  world.from.fault = [&ranges](const HttpRequest& request) {
    Fault fault;
    const std::string range = request.headers.get_or("Range", "");
    if (range.empty()) return fault;
    ranges.push_back(range);
    fault.answer = HttpResponse();
    fault.answer->status = 206;
    for (uint32_t rest = kUnpacked, i = 0; i < 4; ++i, rest >>= 8)
      fault.answer->body += static_cast<char>(rest & 0xff);
    return fault;
  };
  const auto info = world.run(images->resolve(image("127.0.0.1:5001/team/app:v1"), "linux/amd64"));
  ASSERT_TRUE(info.ok()) << info.error().message();
  EXPECT_EQ(ranges, std::vector<std::string>(3, fmt::format("bytes={}-", kStored - 4)));
  const auto fits = check_lambda_image(info->facts(), "amd64", "the image");
  ASSERT_FALSE(fits.ok());
  EXPECT_EQ(
      fits.error().message(),
      "Lambda cannot run the image: unpacked it takes 10.9 GiB or more, and Lambda's limit is "
      "10 GiB");
}

TEST_F(Port, CopiesAndTellsHowFarItIs) {
  const Digest digest = world.put_image(world.from, "team/app", {200'000, 10}, "v1");
  uint64_t last = 0, all = 0;
  const auto result = world.run(images->copy(
      image("127.0.0.1:5001/team/app:v1"), image("127.0.0.1:5002/x/y:v1"), "linux/amd64",
      [&](uint64_t done, uint64_t total) { last = done, all = total; }));
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->image.digest, digest);
  EXPECT_EQ(result->blobs_copied, 3);
  EXPECT_GT(all, 200'000u);
  EXPECT_EQ(last, all);
  EXPECT_EQ(world.to.tags["x/y"]["v1"], digest.str());
}

TEST_F(Port, DoesNotCopyWhatCannotRun) {
  const Digest arm = world.put_image(world.from, "team/app", {10});
  world.put_index(world.from, "team/app", {{arm, "linux/arm64"}}, "v1");
  const auto result = world.run(images->copy(image("127.0.0.1:5001/team/app:v1"),
                                             image("127.0.0.1:5002/x/y:v1"), "linux/amd64", {}));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::config);
  EXPECT_TRUE(world.to.log.empty());
}

}  // namespace
}  // namespace pawl::oci
