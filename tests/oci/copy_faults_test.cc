// What a copy does when a registry fails in the middle: 500s, cut connections on either side,
// forgotten uploads, wrong bytes, limits on the rate.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "oci/copy.h"
#include "oci/fake_registry.h"

namespace pawl::oci {
namespace {

constexpr size_t kLayer = 300'000;
constexpr size_t kCut = 150'000;

bool is_upload_of(const HttpRequest& request, size_t at_least) {
  return request.source && request.source->size().value_or(0) >= at_least;
}
// Streamed, that is: a config is read in one piece.
bool is_layer(const HttpRequest& request) {
  return request.sink && request.url.find("/blobs/sha256") != std::string::npos;
}

Fault answering(int status, Headers headers = {}) {
  Fault fault;
  fault.answer = HttpResponse();
  fault.answer->status = status;
  fault.answer->headers = std::move(headers);
  return fault;
}

class CopyWithFaults : public ::testing::Test {
 protected:
  CopyWithFaults() {
    options.transfer.buffer_bytes = 32u << 10;
    options.transfer.checkpoint_bytes = 64u << 10;
  }

  Result<CopyReport> copy() {
    Repository from(world.source(), "team/app", false);
    Repository to(world.target(), "mirror/app", true);
    return world.run(copy_image(from, to, CopyRequest{"v1", "v1", {}}, options, nullptr));
  }

  void expect_whole(const Digest& digest) {
    EXPECT_EQ(world.to.tags["mirror/app"]["v1"], digest.str());
    const auto& stored = world.to.manifests["mirror/app"][digest.str()];
    const auto manifest = parse_manifest(stored.bytes, stored.type, "m");
    ASSERT_TRUE(manifest.ok());
    for (const Descriptor& blob : manifest->blobs)
      EXPECT_EQ(Digest::of(world.to.blobs["mirror/app"][blob.digest.str()]), blob.digest);
  }
  void expect_nothing_stored() {
    EXPECT_TRUE(world.to.tags["mirror/app"].empty());
    EXPECT_TRUE(world.to.manifests["mirror/app"].empty());
  }

  World world;
  CopyOptions options;
};

TEST_F(CopyWithFaults, SurvivesA500ToEverySecondCallOfBothSides) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer, kLayer / 2, 10}, "v1");
  int asked_source = 0;
  int asked_target = 0;
  world.from.fault = [&](const HttpRequest&) {
    return ++asked_source % 2 == 0 ? answering(500) : Fault{};
  };
  world.to.fault = [&](const HttpRequest&) {
    return ++asked_target % 2 == 0 ? answering(500) : Fault{};
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
}

TEST_F(CopyWithFaults, ASourceThatBreaksOffIsAskedForTheRestWhileTheUploadWaits) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  // The config is asked for beside it.
  std::string layer;
  for (const auto& [name, bytes] : world.from.blobs["team/app"])
    if (bytes.size() > kCut) layer = name;
  std::vector<std::string> ranges;
  world.from.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (!is_layer(request) || request.url.find(layer) == std::string::npos) return fault;
    ranges.push_back(request.headers.get_or("Range", "whole"));
    if (ranges.size() == 1) fault.cut_response_after = kCut;
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
  EXPECT_THAT(ranges, testing::ElementsAre("whole", fmt::format("bytes={}-", kCut)));
  EXPECT_EQ(world.to.count("PUT /v2/mirror/app/blobs"), 2);
}

TEST_F(CopyWithFaults, ATargetThatBreaksOffGoesOnFromWhatItKept) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  int uploads = 0;
  std::vector<uint64_t> sizes;
  world.to.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (!is_upload_of(request, 1'000)) return fault;
    sizes.push_back(*request.source->size());
    if (++uploads == 1) fault.cut_request_after = kCut;
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
  EXPECT_EQ(sizes, (std::vector<uint64_t>{kLayer, kLayer - kCut}));
}

TEST_F(CopyWithFaults, ATargetThatFailsWithHalfOfALayerKeptGetsItRight) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  int uploads = 0;
  world.to.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (is_upload_of(request, 1'000) && ++uploads == 1) fault.fail_request_after = kCut;
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
}

TEST_F(CopyWithFaults, ATargetThatForgotTheUploadGetsTheLayerAnew) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  int uploads = 0;
  world.to.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (is_upload_of(request, 1'000) && ++uploads == 1) fault.cut_request_after = kCut;
    if (request.method == "GET" && request.url.find("uploads") != std::string::npos)
      world.to.uploads.clear();
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
  EXPECT_EQ(world.to.count("POST"), 3);
}

TEST_F(CopyWithFaults, AnUploadWhoseAnswerIsLostIsNotSentAgain) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  int uploads = 0;
  world.to.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (is_upload_of(request, 1'000) && ++uploads == 1) fault.drop_answer = true;
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
  EXPECT_EQ(uploads, 1);
}

TEST_F(CopyWithFaults, WrongBytesNeverCompleteAnUpload) {
  world.put_image(world.from, "team/app", {kLayer}, "v1");
  for (auto& [digest, bytes] : world.from.blobs["team/app"]) bytes.back() ^= 1;
  world.to.checks_digests = false;
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::corrupt);
  EXPECT_TRUE(world.to.blobs["mirror/app"].empty());
  expect_nothing_stored();
}

TEST_F(CopyWithFaults, ABlobThatIsShorterThanItsManifestSaysIsRefused) {
  world.put_image(world.from, "team/app", {kLayer}, "v1");
  for (auto& [digest, bytes] : world.from.blobs["team/app"]) bytes.pop_back();
  world.to.checks_digests = false;
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::corrupt);
  EXPECT_TRUE(world.to.blobs["mirror/app"].empty());
}

TEST_F(CopyWithFaults, ABlobThatIsLongerThanItsManifestSaysIsRefused) {
  world.put_image(world.from, "team/app", {kLayer}, "v1");
  for (auto& [digest, bytes] : world.from.blobs["team/app"]) bytes += "more";
  world.to.checks_digests = false;
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::corrupt);
  EXPECT_TRUE(world.to.blobs["mirror/app"].empty());
}

TEST_F(CopyWithFaults, ASourceThatIgnoresRangesIsReadOnceMoreInOneGo) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  world.from.honours_range = false;
  int reads = 0;
  world.from.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (is_layer(request) && ++reads == 1) fault.cut_response_after = kCut;
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
}

TEST_F(CopyWithFaults, ALayerThatTheSourceHasLostIsNamed) {
  world.put_image(world.from, "team/app", {kLayer}, "v1");
  std::string gone;
  for (const auto& [digest, bytes] : world.from.blobs["team/app"])
    if (bytes.size() == kLayer) gone = digest;
  world.from.blobs["team/app"].erase(gone);
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::not_found);
  EXPECT_NE(report.error().message().find(gone.substr(0, 19)), std::string::npos);
  expect_nothing_stored();
}

TEST_F(CopyWithFaults, WaitsAsLongAsARateLimitSays) {
  const Digest digest = world.put_image(world.from, "team/app", {10}, "v1");
  int calls = 0;
  world.from.fault = [&](const HttpRequest&) {
    return ++calls == 1 ? answering(429, Headers{{"Retry-After", "17"}}) : Fault{};
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
  ASSERT_FALSE(world.clock.slept.empty());
  EXPECT_GE(world.clock.slept.front(), std::chrono::seconds(17));
}

TEST_F(CopyWithFaults, DoesNotWaitForAnHour) {
  world.put_image(world.from, "team/app", {kLayer}, "v1");
  world.from.fault = [](const HttpRequest& request) {
    return is_layer(request) ? answering(429, Headers{{"Retry-After", "3600"}}) : Fault{};
  };
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::throttled);
  EXPECT_NE(report.error().message().find("asks for 3600 s of pause"), std::string::npos);
  EXPECT_TRUE(world.clock.slept.empty());
  expect_nothing_stored();
}

TEST_F(CopyWithFaults, GivesUpOnARegistryThatStaysDown) {
  world.put_image(world.from, "team/app", {kLayer}, "v1");
  world.to.fault = [](const HttpRequest& request) {
    return request.method == "POST" ? answering(503) : Fault{};
  };
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::unavailable);
  EXPECT_NE(report.error().message().find("127.0.0.1:5002 answered 503"), std::string::npos)
      << report.error().message();
  expect_nothing_stored();
}

TEST_F(CopyWithFaults, ARegistryThatRefusesLargeBodiesGetsChunks) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer, 10}, "v1");
  world.to.max_request_bytes = 100'000;
  options.transfer.chunk_bytes = 90'000;
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
  EXPECT_EQ(world.to.count("PATCH"), 4);
}

TEST_F(CopyWithFaults, ChunksGoOnAfterABreakAsWell) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer}, "v1");
  world.to.max_request_bytes = 100'000;
  options.transfer.chunk_bytes = 90'000;
  int chunks = 0;
  world.to.fault = [&](const HttpRequest& request) {
    Fault fault;
    if (request.method == "PATCH" && ++chunks == 2) fault.cut_request_after = 5'000;
    return fault;
  };
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  expect_whole(digest);
}

TEST_F(CopyWithFaults, OneFailureStopsTheOtherLayers) {
  world.put_image(world.from, "team/app", {kLayer, kLayer + 1, kLayer + 2, kLayer + 3}, "v1");
  options.jobs = options.small_jobs = 2;
  int uploads = 0;
  world.to.fault = [&](const HttpRequest& request) {
    return is_upload_of(request, 1) && ++uploads == 1 ? answering(403) : Fault{};
  };
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::denied);
  EXPECT_LE(uploads, 2);
  expect_nothing_stored();
}

TEST_F(CopyWithFaults, StopsWhenItIsAskedTo) {
  world.put_image(world.from, "team/app", {kLayer, kLayer}, "v1");
  world.to.fault = [&](const HttpRequest& request) {
    if (is_upload_of(request, 1'000)) world.stop.request_stop();
    return Fault{};
  };
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::interrupted);
  expect_nothing_stored();
}

TEST_F(CopyWithFaults, GoesOnWhereAStoppedCopyLeftOff) {
  const Digest digest = world.put_image(world.from, "team/app", {kLayer, kLayer / 3}, "v1");
  options.jobs = options.small_jobs = 1;
  int uploads = 0;
  world.to.fault = [&](const HttpRequest& request) {
    return is_upload_of(request, 1'000) && ++uploads == 2 ? answering(403) : Fault{};
  };
  ASSERT_FALSE(copy().ok());
  world.to.fault = nullptr;
  const auto report = copy();
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->blobs_present, 1);
  expect_whole(digest);
}

TEST_F(CopyWithFaults, ManifestsThatAreNotWhatTheirDigestSaysAreRefused) {
  const Digest amd = world.put_image(world.from, "team/app", {10});
  world.put_index(world.from, "team/app", {{amd, "linux/amd64"}}, "v1");
  world.from.manifests["team/app"][amd.str()].bytes += " ";
  const auto report = copy();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::corrupt);
  expect_nothing_stored();
}

}  // namespace
}  // namespace pawl::oci
