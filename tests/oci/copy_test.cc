// Copies between two registries that misbehave as they are told to.
#include "oci/copy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "oci/attachments.h"
#include "oci/fake_registry.h"
#include "oci/referrers.h"

namespace pawl::oci {
namespace {

constexpr size_t kLayer = 300'000;

class Copy : public ::testing::Test {
 protected:
  Copy() {
    // Small, so that a layer is many pieces.
    options.transfer.buffer_bytes = 32u << 10;
    options.transfer.checkpoint_bytes = 64u << 10;
  }

  Result<CopyReport> copy(std::string reference = "v1", std::optional<std::string> tag = "v1",
                          std::string source = "team/app", std::string target = "mirror/app") {
    Repository from(world.source(), std::move(source), false);
    Repository to(world.target(), std::move(target), true);
    return world.run(copy_image(from, to, CopyRequest{std::move(reference), std::move(tag), {}},
                                options, observer));
  }

  std::string tag_at_target(const std::string& tag = "v1") {
    return world.to.tags["mirror/app"][tag];
  }

  /// The target has exactly the bytes that the source has, for all that hangs on `digest`.
  void expect_whole(const Digest& digest) {
    const auto& there = world.to.manifests["mirror/app"];
    ASSERT_TRUE(there.count(digest.str())) << digest.str();
    const auto& stored = there.at(digest.str());
    EXPECT_EQ(stored.bytes, world.from.manifests["team/app"][digest.str()].bytes);
    const auto manifest = parse_manifest(stored.bytes, stored.type, "m");
    ASSERT_TRUE(manifest.ok());
    for (const Descriptor& blob : manifest->blobs)
      EXPECT_EQ(world.to.blobs["mirror/app"][blob.digest.str()],
                world.from.blobs["team/app"][blob.digest.str()]);
    for (const Descriptor& child : manifest->manifests) expect_whole(child.digest);
  }

  Manifest manifest_of(const Digest& digest) {
    const auto& stored = world.from.manifests["team/app"][digest.str()];
    return parse_manifest(stored.bytes, stored.type, "m").value();
  }

  World world;
  CopyOptions options;
  CopyObserver* observer = nullptr;
};

TEST_F(Copy, KeepsTheDigestOfAnImage) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer, 10, kLayer}, "v1");
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->digest, digest);
  EXPECT_EQ(report->platform_digest, digest);
  EXPECT_EQ(report->blobs_copied, 4);
  EXPECT_FALSE(report->was_there);
  EXPECT_EQ(tag_at_target(), digest.str());
  expect_whole(digest);
}

TEST_F(Copy, KeepsTheDigestOfAnIndex) {
  const Digest amd = world.put_image(world.from, "team/app", {kLayer});
  const Digest arm = world.put_image(world.from, "team/app", {20});
  const Digest index =
      world.put_index(world.from, "team/app", {{arm, "linux/arm64"}, {amd, "linux/amd64"}}, "v1");
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->digest, index);
  EXPECT_EQ(report->platform_digest, amd);
  EXPECT_EQ(report->manifests_copied, 3);
  EXPECT_EQ(tag_at_target(), index.str());
  expect_whole(index);
}

TEST_F(Copy, PutsChildrenBeforeWhatNamesThemAndTheTagLast) {
  const Digest amd = world.put_image(world.from, "team/app", {kLayer});
  world.put_index(world.from, "team/app", {{amd, "linux/amd64"}}, "v1");
  ASSERT_TRUE(copy().ok());
  std::vector<std::string> puts;
  for (const auto& line : world.to.log)
    if (line.starts_with("PUT"))
      puts.push_back(line.find("uploads") != std::string::npos ? "blob" : line);
  ASSERT_EQ(puts.size(), 4u);
  EXPECT_EQ(puts[2], "PUT /v2/mirror/app/manifests/" + amd.str());
  EXPECT_EQ(puts[3], "PUT /v2/mirror/app/manifests/v1");
}

TEST_F(Copy, TakesOnePlatformWhenAsked) {
  const Digest amd = world.put_image(world.from, "team/app", {kLayer});
  const Digest arm = world.put_image(world.from, "team/app", {20});
  world.put_index(world.from, "team/app", {{arm, "linux/arm64"}, {amd, "linux/amd64"}}, "v1");
  options.platform = Platform{"linux", "arm64", ""};
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->digest, arm);
  EXPECT_EQ(tag_at_target(), arm.str());
  EXPECT_EQ(world.to.manifests["mirror/app"].size(), 1u);
}

TEST_F(Copy, SaysWhichPlatformsThereAre) {
  const Digest arm = world.put_image(world.from, "team/app", {20});
  world.put_index(world.from, "team/app", {{arm, "linux/arm64"}}, "v1");
  options.platform = default_platform();
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::not_found);
  EXPECT_NE(report.error().message().find("it has linux/arm64"), std::string::npos);
}

TEST_F(Copy, OfOneImageForAnotherPlatformIsRefused) {
  world.put_image(world.from, "team/app", {20}, "v1");  // amd64, says its config
  options.platform = Platform{"linux", "arm64", ""};
  const auto refused = copy();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::not_found);
  EXPECT_NE(refused.error().message().find(
                "is a single image for linux/amd64, and linux/arm64 was asked for"),
            std::string::npos)
      << refused.error().message();
  EXPECT_EQ(tag_at_target(), "");
  EXPECT_TRUE(world.to.manifests["mirror/app"].empty());
  options.platform = default_platform();
  EXPECT_TRUE(copy().ok());
}

TEST_F(Copy, ASecondTimeIsAFewQuestions) {
  world.put_image(world.from, "team/app", {kLayer, kLayer}, "v1");
  ASSERT_TRUE(copy().ok());
  world.from.log.clear();
  world.to.log.clear();
  const auto report = copy();
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->was_there);
  EXPECT_EQ(report->bytes_copied, 0u);
  EXPECT_EQ(world.to.log, std::vector<std::string>{"HEAD /v2/mirror/app/manifests/v1"});
  EXPECT_EQ(world.from.count("GET"), 2);   // the manifest, and the list of what is attached
  EXPECT_EQ(world.from.count("HEAD"), 3);  // cosign's tags
}

TEST_F(Copy, ANewTagOfAKnownImageMovesNoLayer) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  ASSERT_TRUE(copy().ok());
  world.to.log.clear();
  ASSERT_TRUE(copy("v1", "v2").ok());
  EXPECT_EQ(world.to.tags["mirror/app"]["v2"], digest.str());
  EXPECT_EQ(world.to.count("POST"), 0);
}

TEST_F(Copy, WithoutATagGoesByDigest) {
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  ASSERT_TRUE(copy(digest.str(), std::nullopt).ok());
  EXPECT_TRUE(world.to.tags["mirror/app"].empty());
  expect_whole(digest);
}

TEST_F(Copy, LayersThatAreThereAreNotSentAgain) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer, 5}, "v1");
  world.to.blobs["mirror/app"] = world.from.blobs["team/app"];
  const auto report = copy();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->blobs_present, 3);
  EXPECT_EQ(report->blobs_copied, 0);
  EXPECT_EQ(world.to.count("POST"), 0);
  // The config and the small one were asked for together with whether they are there.
  EXPECT_EQ(world.from.count("GET /v2/team/app/blobs"), 2);
  expect_whole(digest);
}

TEST_F(Copy, WithinOneRegistryLayersAreMounted) {
  const Digest digest = world.put_image(world.to, "other/app", {kLayer, kLayer + 1}, "v1");
  Repository from(world.target(), "other/app", false);
  Repository to(world.target(), "mirror/app", true);
  const auto report =
      world.run(copy_image(from, to, CopyRequest{"v1", "v1", {}}, options, nullptr));
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->blobs_mounted, 3);
  EXPECT_EQ(report->bytes_copied, 0u);
  EXPECT_EQ(tag_at_target(), digest.str());
}

TEST_F(Copy, ARefusedMountBecomesAnUpload) {
  world.put_image(world.to, "other/app", {kLayer}, "v1");
  world.to.mounts = false;
  Repository from(world.target(), "other/app", false);
  Repository to(world.target(), "mirror/app", true);
  const auto report =
      world.run(copy_image(from, to, CopyRequest{"v1", "v1", {}}, options, nullptr));
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->blobs_copied, 2);
  EXPECT_TRUE(world.to.uploads.empty());
}

TEST_F(Copy, ARegistryThatAnswersAMountWithAnErrorGetsAnUpload) {
  const Digest digest = world.put_image(world.to, "other/app", {kLayer}, "v1");
  world.to.fault = [](const HttpRequest& request) {
    Fault fault;
    if (request.url.find("mount=") == std::string::npos) return fault;
    fault.answer = HttpResponse();
    fault.answer->status = 405;
    return fault;
  };
  Repository from(world.target(), "other/app", false);
  Repository to(world.target(), "mirror/app", true);
  const auto report =
      world.run(copy_image(from, to, CopyRequest{"v1", "v1", {}}, options, nullptr));
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->blobs_copied, 2);
  EXPECT_EQ(tag_at_target(), digest.str());
}

TEST_F(Copy, SmallBlobsGoInOneRequestWhereTheRegistryTakesThat) {
  world.to.takes_single_post = true;
  const Digest digest = world.put_image(world.from, "team/app", {10, 1'000}, "v1");
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(world.to.count("POST"), 3);
  EXPECT_EQ(world.to.count("PUT /v2/mirror/app/blobs"), 0);
  EXPECT_EQ(report->bytes_copied, 1'010u + manifest_of(digest).blobs[0].size);
  expect_whole(digest);
}

TEST_F(Copy, ARegistryThatTakesNoBlobInOneRequestIsOfferedOneOnce) {
  const Digest first = world.put_image(world.from, "team/app", {10}, "v1");
  ASSERT_TRUE(copy().ok());
  expect_whole(first);
  int offered = 0;
  world.to.fault = [&offered](const HttpRequest& request) {
    offered += request.method == "POST" && request.url.find("digest=") != std::string::npos;
    return Fault{};
  };
  const Digest second = world.put_image(world.from, "team/app", {20}, "v2");
  ASSERT_TRUE(copy("v2", "v2").ok());
  expect_whole(second);
  EXPECT_EQ(offered, 0);
}

TEST_F(Copy, ALinkToABlobStoreThatRefusesHeadMeansASecondUploadAndNoFailure) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  world.to.fault = [this](const HttpRequest& request) {
    Fault fault;
    if (request.method != "HEAD" || request.url.find("/blobs/") == std::string::npos) return fault;
    fault.answer = HttpResponse();
    fault.answer->status = 403;
    world.to.answers_from = "https://blobs.example/signed?for=GET";
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
}

TEST_F(Copy, AnEmptyLayerIsCopiedToo) {
  const Digest digest = world.put_image(world.from, "team/app", {0, 1}, "v1");
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
}

TEST_F(Copy, LayersNamedTwiceGoOnce) {
  const Digest a = world.put_image(world.from, "team/app", {kLayer});
  world.put_index(world.from, "team/app", {{a, "linux/amd64"}, {a, "linux/arm64"}}, "v1");
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->blobs_copied, 2);
  EXPECT_EQ(world.from.count("GET /v2/team/app/manifests"), 4);  // two, and their referrers' tags
}

TEST_F(Copy, RefusesAnotherDigestThanTheOneExpected) {
  world.put_image(world.from, "team/app", {10}, "v1");
  Repository from(world.source(), "team/app", false);
  Repository to(world.target(), "mirror/app", true);
  const auto report = world.run(
      copy_image(from, to, CopyRequest{"v1", "v1", Digest::of("else")}, options, nullptr));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::refused);
  EXPECT_TRUE(world.to.manifests["mirror/app"].empty());
}

TEST_F(Copy, OfWhatDoesNotExistSaysSo) {
  const auto report = copy("v9");
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::not_found);
  EXPECT_NE(report.error().message().find("127.0.0.1:5001/team/app:v9"), std::string::npos);
  EXPECT_FALSE(report.error().hint().empty());
}

TEST_F(Copy, WhereThePutDoesNotSayTheDigestNoticesThatSomeoneElseMovedTheTag) {
  world.to.says_digest_of_put = false;
  world.put_image(world.from, "team/app", {10}, "v1");
  world.to.fault = [this](const HttpRequest& request) {
    const bool after_put = world.to.count("PUT /v2/mirror/app/manifests/v1") > 0;
    if (request.method == "HEAD" && after_put)
      world.to.tags["mirror/app"]["v1"] = Digest::of("").str();
    if (request.method == "HEAD" && after_put)
      world.to.manifests["mirror/app"][Digest::of("").str()] = {"x", ""};
    return Fault{};
  };
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::conflict);
}

class Watcher : public CopyObserver {
 public:
  void on_blob(const std::vector<BlobProgress>& blobs, size_t changed) override {
    last = blobs;
    if (blobs[changed].done > blobs[changed].size) overshot = true;
  }
  std::vector<BlobProgress> last;
  bool overshot = false;
};

TEST_F(Copy, TellsHowFarEachLayerIs) {
  Watcher watcher;
  observer = &watcher;
  world.put_image(world.from, "team/app", {kLayer, 7}, "v1");
  ASSERT_TRUE(copy().ok());
  ASSERT_EQ(watcher.last.size(), 3u);
  EXPECT_FALSE(watcher.overshot);
  for (const BlobProgress& blob : watcher.last) {
    EXPECT_EQ(blob.state, BlobState::copied);
    EXPECT_EQ(blob.done, blob.size);
  }
}

TEST_F(Copy, CarriesWhatIsAttachedAlong) {
  world.from.has_referrers_api = world.to.has_referrers_api = true;
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  const Digest signature =
      world.put_image(world.from, "team/app", {20}, "",
                      fmt::format(R"(,"subject":{{"mediaType":"{}","digest":"{}","size":1}})",
                                  kOciManifest, digest.str()));
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->referrers_copied, 1);
  expect_whole(signature);
}

TEST_F(Copy, KeepsTheListOfWhatIsAttachedWhereTheRegistryDoesNot) {
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  const Digest signature =
      world.put_image(world.from, "team/app", {20}, "",
                      fmt::format(R"(,"subject":{{"mediaType":"{}","digest":"{}","size":1}})",
                                  kOciManifest, digest.str()));
  const auto& stored = world.from.manifests["team/app"][signature.str()];
  const auto manifest = parse_manifest(stored.bytes, stored.type, "m").value();
  const std::string list = with_referrer("", manifest).value();
  world.from.manifests["team/app"][Digest::of(list).str()] = {std::string(kOciIndex), list};
  world.from.tags["team/app"][referrers_tag(digest)] = Digest::of(list).str();
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->referrers_copied, 1);
  expect_whole(signature);
  Repository to(world.target(), "mirror/app", true);
  const auto listed = world.run(to.referrers(digest));
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().digest, signature);
}

TEST_F(Copy, TakesUpAnAttachmentThatACopyHasLeftUnlisted) {
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  world.from.has_referrers_api = true;
  const Digest signature =
      world.put_image(world.from, "team/app", {20}, "",
                      fmt::format(R"(,"subject":{{"mediaType":"{}","digest":"{}","size":1}})",
                                  kOciManifest, digest.str()));
  ASSERT_TRUE(copy().ok());
  // As after a crash between the two requests.
  world.to.tags["mirror/app"].erase(referrers_tag(digest));
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->referrers_copied, 1);
  Repository to(world.target(), "mirror/app", true);
  EXPECT_EQ(world.run(to.referrers(digest)).value().size(), 1u);
  EXPECT_EQ(copy()->referrers_copied, 0);
  expect_whole(signature);
}

TEST_F(Copy, AttachmentsThatShareABlobWaitForIt) {
  world.from.has_referrers_api = world.to.has_referrers_api = true;
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  const std::string subject = fmt::format(
      R"("subject":{{"mediaType":"{}","digest":"{}","size":1}})", kOciManifest, digest.str());
  const std::string empty = "{}";
  world.from.blobs["team/app"][Digest::of(empty).str()] = empty;
  for (const std::string kind : {"a", "b", "c", "d"}) {
    const std::string text = fmt::format(
        R"({{"schemaVersion":2,"mediaType":"{0}","artifactType":"{1}","config":{{"mediaType":"e","digest":"{2}","size":2}},"layers":[],{3}}})",
        kOciManifest, kind, Digest::of(empty).str(), subject);
    world.from.manifests["team/app"][Digest::of(text).str()] = {std::string(kOciManifest), text};
  }
  world.to.refuses_missing_blobs = true;
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->referrers_copied, 4);
  EXPECT_TRUE(report->warnings.empty());
}

TEST_F(Copy, CarriesCosignsTagsAlong) {
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  const Digest signature = world.put_image(world.from, "team/app", {20}, cosign_tag(digest, "sig"));
  const Digest sbom = world.put_image(world.from, "team/app", {kLayer}, cosign_tag(digest, "sbom"));
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->referrers_copied, 2);
  EXPECT_EQ(tag_at_target(cosign_tag(digest, "sig")), signature.str());
  EXPECT_EQ(tag_at_target(cosign_tag(digest, "sbom")), sbom.str());
  expect_whole(signature);
  expect_whole(sbom);
  options.referrers = false;
  world.from.log.clear();
  ASSERT_TRUE(copy().ok());
  EXPECT_EQ(world.from.count("HEAD"), 0);
}

TEST_F(Copy, ASignatureThatWasAddedSinceIsBroughtAndOneOfTheTargetsOwnIsKept) {
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  const std::string tag = cosign_tag(digest, "sig");
  world.put_image(world.from, "team/app", {20}, tag);
  ASSERT_TRUE(copy().ok());
  // One more layer, and those of before: that is how cosign adds a signature.
  const Digest more = world.add_layer(world.from, "team/app", tag);
  auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(tag_at_target(tag), more.str());
  EXPECT_TRUE(report->warnings.empty());
  const Digest own = world.add_layer(world.to, "mirror/app", tag);
  world.add_layer(world.from, "team/app", tag);
  report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(tag_at_target(tag), own.str());
  ASSERT_EQ(report->warnings.size(), 1u);
  EXPECT_NE(report->warnings[0].find("left as it is"), std::string::npos);
}

TEST_F(Copy, ATargetThatRefusesAttachmentsStillGetsItsImage) {
  world.from.has_referrers_api = true;
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  const Digest signature =
      world.put_image(world.from, "team/app", {20}, "",
                      fmt::format(R"(,"subject":{{"mediaType":"{}","digest":"{}","size":1}})",
                                  kOciManifest, digest.str()));
  world.to.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (request.method == "PUT" && request.url.ends_with(signature.str())) {
      fault.answer = HttpResponse();
      fault.answer->status = 405;
    }
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  ASSERT_EQ(report->warnings.size(), 1u);
  EXPECT_NE(report->warnings[0].find("405"), std::string::npos);
  EXPECT_EQ(tag_at_target(), digest.str());
}

TEST_F(Copy, ATargetThatTakesNoIndexGetsThePlatformsManifest) {
  const Digest amd = world.put_image(world.from, "team/app", {10});
  world.put_index(world.from, "team/app", {{amd, "linux/amd64"}}, "v1");
  world.to.fault = [](const HttpRequest& request) {
    Fault fault;
    if (request.method != "PUT" || request.headers.get_or("Content-Type", "") != kOciIndex)
      return fault;
    fault.answer = HttpResponse();
    fault.answer->status = 415;
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->digest, amd);
  EXPECT_EQ(report->warnings.size(), 1u);
  EXPECT_EQ(tag_at_target(), amd.str());
}

}  // namespace
}  // namespace pawl::oci
