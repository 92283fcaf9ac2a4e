#include "oci/repository.h"

#include <gtest/gtest.h>

#include "oci/fake_registry.h"
#include "oci/limiter.h"
#include "oci/referrers.h"

namespace pawl::oci {
namespace {

TEST(UploadRange, SaysHowMuchArrived) {
  struct Row {
    std::string_view range;
    int64_t received;  // -1: refused
  };
  const Row rows[] = {
      {"0-1023", 1024}, {"bytes=0-99", 100}, {"0-0", 0},  {"5-10", -1},
      {"", -1},         {"0-", -1},          {"0-x", -1}, {"0-99999999999999999999", -1},
  };
  for (const Row& row : rows) {
    const auto received = received_from_range(row.range);
    EXPECT_EQ(received.ok() ? static_cast<int64_t>(*received) : -1, row.received) << row.range;
  }
}

class AtRegistry : public ::testing::Test {
 protected:
  World world;
  Repository repository{world.target(), "a/b", true};
};

TEST_F(AtRegistry, AManifestThatIsAbsentIsAValueToHead) {
  const auto digest = world.run(repository.head_manifest("v1"));
  ASSERT_TRUE(digest.ok());
  EXPECT_FALSE(digest->has_value());
}

TEST_F(AtRegistry, ManifestsGoInAndComeOut) {
  const Digest digest = world.put_image(world.from, "a/b", {5}, "v1");
  Repository source(world.source(), "a/b", false);
  const auto manifest = world.run(source.get_manifest("v1"));
  ASSERT_TRUE(manifest.ok());
  ASSERT_TRUE(world.run(repository.put_manifest(*manifest, "v2")).ok());
  const auto there = world.run(repository.head_manifest("v2"));
  ASSERT_TRUE(there.ok());
  EXPECT_EQ(**there, digest);
}

TEST_F(AtRegistry, RefusesAManifestUnderAnotherDigest) {
  world.put_image(world.to, "a/b", {5}, "v1");
  const std::string other = Digest::of("other").str();
  world.to.manifests["a/b"][other] = world.to.manifests["a/b"][world.to.tags["a/b"]["v1"]];
  const auto manifest = world.run(repository.get_manifest(other));
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.error().kind(), ErrorKind::corrupt);
}

TEST_F(AtRegistry, SmallBlobsAreVerified) {
  world.put_image(world.to, "a/b", {5}, "v1");
  const auto manifest = world.run(repository.get_manifest("v1")).value();
  const Digest config = manifest.blobs[0].digest;
  ASSERT_TRUE(world.run(repository.get_blob(config, 1000)).ok());
  world.to.blobs["a/b"][config.str()][0] = 'x';
  const auto changed = world.run(repository.get_blob(config, 1000));
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().kind(), ErrorKind::corrupt);
}

TEST_F(AtRegistry, ErrorsQuoteTheRegistryAndSayWhatToDo) {
  world.to.fault = [](const HttpRequest&) {
    Fault fault;
    fault.answer = HttpResponse();
    fault.answer->status = 403;
    fault.answer->body = R"({"errors":[{"code":"DENIED","message":"not yours"}]})";
    return fault;
  };
  const auto digest = world.run(repository.head_blob(Digest::of("x")));
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().kind(), ErrorKind::denied);
  EXPECT_EQ(digest.error().code(), "DENIED");
  EXPECT_EQ(digest.error().what(),
            "127.0.0.1:5002 answered 403 to HEAD of 127.0.0.1:5002/a/b (DENIED: not yours)");
  EXPECT_EQ(digest.error().hint(), "docker login 127.0.0.1:5002 with an account that may use a/b");
}

TEST_F(AtRegistry, NeverFollowsAnUploadFromHttpsDownToHttp) {
  const RegistryOptions options{"ghcr.io", "https://ghcr.io", fixed_credentials({})};
  Registry registry(world.http, world.clock, world.entropy, options);
  EXPECT_EQ(*registry.locate("https://ghcr.io/v2/x", "http://ghcr.io/v2/y?a=b"),
            "https://ghcr.io/v2/y?a=b");
  EXPECT_EQ(*registry.locate("https://ghcr.io/v2/x", "/v2/z"), "https://ghcr.io/v2/z");
}

TEST(ReferrersList, HoldsEachOnce) {
  const auto manifest =
      parse_manifest(R"({"mediaType":"m","artifactType":"sbom","annotations":{"a":"b"}})", "", "m")
          .value();
  const std::string once = with_referrer("", manifest).value();
  EXPECT_EQ(with_referrer(once, manifest).value(), once);
  const auto index = parse_manifest(once, "", "list");
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(index->kind, ManifestKind::index);
  ASSERT_EQ(index->manifests.size(), 1u);
  EXPECT_EQ(index->manifests[0].artifact_type, "sbom");
  EXPECT_NE(once.find(R"("annotations":{"a":"b"})"), std::string::npos);
}

Task<void> hold(Limiter& limiter, std::string* log, char name, OneShot<bool> until) {
  auto permit = co_await limiter.acquire();
  *log += name;
  co_await until.wait();
}

TEST(Limiter, LetsTheOldestWaiterGoNext) {
  Limiter limiter(1);
  std::string log;
  std::vector<OneShot<bool>> ends(3);
  {
    Scope scope;
    scope.spawn(hold(limiter, &log, 'a', ends[0]));
    scope.spawn(hold(limiter, &log, 'b', ends[1]));
    scope.spawn(hold(limiter, &log, 'c', ends[2]));
    EXPECT_EQ(log, "a");
    ends[0].set(true);
    EXPECT_EQ(log, "ab");
  }
  // Those that were destroyed while they held or waited have given their places back.
  Scope scope;
  scope.spawn(hold(limiter, &log, 'd', OneShot<bool>()));
  EXPECT_EQ(log, "abd");
}

}  // namespace
}  // namespace pawl::oci
