#include "oci/manifest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pawl::oci {
namespace {

constexpr std::string_view kDigestA =
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr std::string_view kDigestB =
    "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

std::string image(std::string_view extra = "") {
  return fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"c","digest":"{}","size":7}},)"
      R"("layers":[{{"mediaType":"l","digest":"{}","size":9}}]{}}})",
      kOciManifest, kDigestA, kDigestB, extra);
}

std::string index_of(std::string_view entries) {
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}})", kOciIndex,
                     entries);
}

std::string entry(std::string_view digest, std::string_view platform) {
  return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":5,"platform":{}}})", kOciManifest,
                     digest, platform);
}

TEST(Manifest, NamesItsConfigFirstAndThenItsLayers) {
  const auto manifest = parse_manifest(image(), kOciManifest, "m");
  ASSERT_TRUE(manifest.ok()) << manifest.error().message();
  EXPECT_EQ(manifest->kind, ManifestKind::image);
  ASSERT_EQ(manifest->blobs.size(), 2u);
  EXPECT_EQ(manifest->blobs[0].digest.str(), kDigestA);
  EXPECT_EQ(manifest->blobs[1].size, 9u);
  EXPECT_EQ(manifest->digest, Digest::of(image()));
  EXPECT_EQ(manifest->bytes, image());
}

TEST(Manifest, ItsOwnMediaTypeWinsOverTheServersWord) {
  const auto manifest = parse_manifest(image(), kDockerIndex, "m");
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->media_type, kOciManifest);
  EXPECT_EQ(manifest->kind, ManifestKind::image);
}

TEST(Manifest, WithoutAMediaTypeTakesTheServersWordAndElseItsShape) {
  const std::string bare = fmt::format(
      R"({{"schemaVersion":2,"config":{{"digest":"{}","size":7}},"layers":[]}})", kDigestA);
  const auto said = parse_manifest(bare, fmt::format("{}; charset=utf-8", kOciManifest), "m");
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said->media_type, kOciManifest);
  const auto guessed = parse_manifest(bare, "application/json", "m");
  ASSERT_TRUE(guessed.ok());
  EXPECT_EQ(guessed->media_type, kOciManifest);
  EXPECT_EQ(guessed->kind, ManifestKind::image);
}

TEST(Manifest, RefusesWhatIsMalformedOrTooLarge) {
  const std::string tables[] = {
      "",
      "[]",
      "{",
      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json"})",
      R"({"schemaVersion":1,"name":"x"})",
      image(R"(,"subject":{"digest":"sha256:zz","size":1})"),
      image(R"(,"subject":{"digest":")" + std::string(kDigestA) + R"(","size":-1})"),
      image(R"(,"subject":7)"),
      fmt::format(R"({{"mediaType":"{}","config":{{"digest":"{}","size":1}},"layers":{{}}}})",
                  kOciManifest, kDigestA),
      std::string(kMaxManifestBytes + 1, ' '),
  };
  for (const auto& bytes : tables) {
    const auto manifest = parse_manifest(bytes, kOciManifest, "the manifest of x");
    ASSERT_FALSE(manifest.ok()) << bytes.substr(0, 100);
    EXPECT_EQ(manifest.error().kind(), ErrorKind::corrupt);
  }
}

TEST(Manifest, LimitsTheNumberOfLayers) {
  std::string entries;
  for (size_t i = 0; i <= kMaxDescriptors; ++i)
    entries += fmt::format(R"({}{{"digest":"{}","size":1}})", i ? "," : "", kDigestA);
  EXPECT_FALSE(parse_manifest(index_of(entries), kOciIndex, "m").ok());
}

TEST(Manifest, KnowsWhatItIsAttachedTo) {
  const auto manifest = parse_manifest(
      image(fmt::format(
          R"(,"artifactType":"sbom","subject":{{"mediaType":"m","digest":"{}","size":3}})",
          kDigestB)),
      kOciManifest, "m");
  ASSERT_TRUE(manifest.ok());
  ASSERT_TRUE(manifest->subject);
  EXPECT_EQ(manifest->subject->digest.str(), kDigestB);
  EXPECT_EQ(manifest->artifact_type, "sbom");
}

TEST(Manifest, ANewerKindIsKeptAsItIs) {
  const auto manifest = parse_manifest(R"({"mediaType":"application/vnd.new+json"})", "", "m");
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->kind, ManifestKind::other);
  EXPECT_TRUE(manifest->blobs.empty());
}

TEST(Manifest, MarksForeignLayers) {
  const std::string text = fmt::format(
      R"({{"mediaType":"{0}","config":{{"digest":"{1}","size":1}},"layers":[)"
      R"({{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{1}",)"
      R"("size":1,"urls":["https://x/y"]}},)"
      R"({{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{1}","size":1,"urls":["u"]}}]}})",
      kDockerManifest, kDigestA);
  const auto manifest = parse_manifest(text, kDockerManifest, "m");
  ASSERT_TRUE(manifest.ok());
  EXPECT_TRUE(manifest->blobs[1].is_foreign);
  EXPECT_FALSE(manifest->blobs[2].is_foreign);
}

TEST(Index, PicksThePlatformAndNeverAnAttestation) {
  const auto index =
      parse_manifest(index_of(entry(kDigestA, R"({"os":"unknown","architecture":"unknown"})") +
                              "," + entry(kDigestB, R"({"os":"linux","architecture":"amd64"})")),
                     kOciIndex, "m");
  ASSERT_TRUE(index.ok());
  const Descriptor* found = find_platform(*index, default_platform());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->digest.str(), kDigestB);
  EXPECT_EQ(find_platform(*index, *Platform::parse("linux/arm64")), nullptr);
  EXPECT_EQ(list_platforms(*index), "linux/amd64");
}

TEST(Platform, ParsesAndPrints) {
  struct Row {
    std::string_view text;
    bool valid;
  };
  const Row rows[] = {
      {"linux/amd64", true},
      {"linux/arm64/v8", true},
      {"windows/amd64", true},
      {"linux", false},
      {"", false},
      {"linux/", false},
      {"/amd64", false},
      {"linux/arm/v7/x", false},
      {"Linux/amd64", false},
      {"linux/am d64", false},
  };
  for (const Row& row : rows) {
    const auto platform = Platform::parse(row.text);
    EXPECT_EQ(platform.ok(), row.valid) << row.text;
    if (platform.ok()) {
      EXPECT_EQ(platform->str(), row.text);
    }
  }
}

TEST(Platform, AVariantMattersOnlyWhenItWasAskedFor) {
  const auto p = [](std::string_view text) { return *Platform::parse(text); };
  EXPECT_TRUE(p("linux/arm64/v8").satisfies(p("linux/arm64")));
  EXPECT_TRUE(p("linux/arm64").satisfies(p("linux/arm64/v8")));
  EXPECT_TRUE(p("linux/arm/v7").satisfies(p("linux/arm")));
  EXPECT_FALSE(p("linux/arm/v6").satisfies(p("linux/arm/v7")));
  EXPECT_FALSE(p("linux/amd64").satisfies(p("linux/arm64")));
}

}  // namespace
}  // namespace pawl::oci
