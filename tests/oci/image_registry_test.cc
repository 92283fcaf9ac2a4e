#include "oci/image_registry.h"

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
  EXPECT_EQ(result.error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(world.to.log.empty());
}

}  // namespace
}  // namespace pawl::oci
