#include "sim/cloud/s3.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "sim/world.h"

namespace pawl::cloud {
namespace {

struct Bucketful : World {
  Bucketful() { (void)cloud.s3.create_bucket("site", now); }
  Result<Object> put(const std::string& key, std::string_view body, Conditions conditions = {}) {
    return cloud.s3.put_bytes("site", key, body, {}, conditions, now);
  }
};

TEST(S3Model, KeepsWhatItWasGiven) {
  Bucketful w;
  ObjectMetadata metadata;
  metadata.content_type = "text/html";
  metadata.system["cache-control"] = "no-cache";
  metadata.user["sha256"] = "ab";
  ASSERT_TRUE(w.cloud.s3.put_bytes("site", "index.html", "hello", metadata, {}, w.now).ok());
  auto object = w.cloud.s3.head("site", "index.html");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->etag, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(object->metadata, metadata);
  EXPECT_EQ(*w.cloud.s3.read("site", "index.html"), "hello");
}

TEST(S3Model, ReplacingAndDeletingLeaveNoBodiesBehind) {
  Bucketful w;
  ASSERT_TRUE(w.put("a", "1").ok());
  ASSERT_TRUE(w.put("a", "2").ok());
  EXPECT_EQ(w.blobs.count(), 1u);
  EXPECT_FALSE(w.put("a", "3", {"", true}).ok());
  EXPECT_EQ(w.blobs.count(), 1u);
  ASSERT_TRUE(w.cloud.s3.remove("site", "a", {}, w.now).ok());
  ASSERT_TRUE(w.cloud.s3.remove("site", "a", {}, w.now).ok());  // once more is fine
  EXPECT_EQ(w.blobs.count(), 0u);
}

TEST(S3Model, DeletesUnderConditions) {
  Bucketful w;
  const std::string first = w.put("a", "1")->etag;
  const std::string second = w.put("a", "2")->etag;
  EXPECT_EQ(code_of(w.cloud.s3.remove("site", "a", {first}, w.now)), "PreconditionFailed");
  EXPECT_EQ(*w.cloud.s3.read("site", "a"), "2");
  EXPECT_TRUE(w.cloud.s3.remove("site", "a", {second}, w.now).ok());
  EXPECT_EQ(code_of(w.cloud.s3.remove("site", "a", {second}, w.now)), "NoSuchKey");
}

TEST(S3Model, WritesUnderConditions) {
  Bucketful w;
  const std::string first = w.put("a", "1", {"", true})->etag;
  EXPECT_EQ(code_of(w.put("a", "2", {"", true})), "PreconditionFailed");
  EXPECT_EQ(code_of(w.put("a", "2", {"wrong", false})), "PreconditionFailed");
  EXPECT_EQ(code_of(w.put("b", "2", {first, false})), "NoSuchKey");
  EXPECT_TRUE(w.put("a", "2", {first, false}).ok());
  EXPECT_EQ(code_of(w.put("a", "3", {first, false})), "PreconditionFailed");
  EXPECT_EQ(*w.cloud.s3.read("site", "a"), "2");
}

TEST(S3Model, RefusesWhatIsNotThereOrNotAllowed) {
  Bucketful w;
  EXPECT_EQ(code_of(w.cloud.s3.head("none", "a")), "NoSuchBucket");
  EXPECT_EQ(code_of(w.cloud.s3.head("site", "a")), "NoSuchKey");
  EXPECT_EQ(code_of(w.cloud.s3.create_bucket("site", w.now)), "BucketAlreadyOwnedByYou");
  for (const char* name : {"ab", "Upper", "-a-", "a..b", "under_score"})
    EXPECT_EQ(code_of(w.cloud.s3.create_bucket(name, w.now)), "InvalidBucketName") << name;
  EXPECT_EQ(code_of(w.put(std::string(1025, 'k'), "x")), "KeyTooLongError");
  ASSERT_TRUE(w.put("a", "1").ok());
  EXPECT_EQ(code_of(w.cloud.s3.delete_bucket("site", w.now)), "BucketNotEmpty");
}

TEST(S3Model, ListsWithPrefixAndDelimiter) {
  Bucketful w;
  for (const char* key : {"a.txt", "css/a.css", "css/b.css", "js/app.js", "z.txt"})
    ASSERT_TRUE(w.put(key, "x").ok());
  auto top = w.cloud.s3.list({"site", "", "/", "", 1000});
  ASSERT_EQ(top->objects.size(), 2u);
  EXPECT_EQ(top->common_prefixes, (std::vector<std::string>{"css/", "js/"}));
  auto css = w.cloud.s3.list({"site", "css/", "/", "", 1000});
  EXPECT_EQ(css->objects.size(), 2u);
  EXPECT_TRUE(css->common_prefixes.empty());
}

// Pages of any size, with or without a delimiter, give together what one page gives.
TEST(S3Model, PagesAddUpToTheWhole) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    Bucketful w;
    std::mt19937 random(seed);
    for (int i = 0; i < 40; ++i) {
      std::string key;
      for (auto length = 1 + random() % 5; length > 0; --length) key += "ab/"[random() % 3];
      ASSERT_TRUE(w.put(key, "x").ok());
    }
    const char* prefixes[] = {"", "a", "a/", "b/a"};
    const std::string prefix = prefixes[random() % 4];
    const std::string delimiter = random() % 2 == 0 ? "" : "/";
    const auto whole = w.cloud.s3.list({"site", prefix, delimiter, "", 1000});
    std::vector<std::string> keys;
    std::vector<std::string> common;
    std::string after;
    const size_t size = 1 + random() % 4;
    for (int pages = 0;; ++pages) {
      ASSERT_LT(pages, 100);
      const auto page = w.cloud.s3.list({"site", prefix, delimiter, after, size});
      EXPECT_LE(page->objects.size() + page->common_prefixes.size(), size);
      for (const Object& object : page->objects) keys.push_back(object.key);
      for (const std::string& one : page->common_prefixes) common.push_back(one);
      if (!page->truncated) break;
      after = page->next;
    }
    std::vector<std::string> expected;
    for (const Object& object : whole->objects) expected.push_back(object.key);
    EXPECT_EQ(keys, expected) << "seed " << seed;
    EXPECT_EQ(common, whole->common_prefixes) << "seed " << seed;
  }
}

TEST(S3Uploads, JoinTheirPartsUnderOneETag) {
  Bucketful w;
  auto upload = w.cloud.s3.create_upload("site", "big", {}, w.now);
  const std::string first(5u << 20, 'x');
  auto part = [&](int number, std::string_view body) {
    return w.cloud.s3.upload_part("site", "big", upload->id, number, *w.blobs.put(body), w.now)
        ->blob.md5;
  };
  const std::string one = part(1, first);
  const std::string two = part(2, "tail");
  auto object =
      w.cloud.s3.complete_upload("site", "big", upload->id, {{1, one}, {2, two}}, {}, w.now);
  ASSERT_TRUE(object.ok()) << object.error().message();
  EXPECT_EQ(object->etag.substr(32), "-2");
  EXPECT_EQ(*w.cloud.s3.read("site", "big"), first + "tail");
  EXPECT_EQ(w.blobs.count(), 1u);
  EXPECT_EQ(code_of(w.cloud.s3.complete_upload("site", "big", upload->id, {{1, one}}, {}, w.now)),
            "NoSuchUpload");
}

TEST(S3Uploads, RefusePartsThatDoNotFit) {
  Bucketful w;
  auto upload = w.cloud.s3.create_upload("site", "big", {}, w.now);
  auto part = [&](int number, std::string_view body) {
    return w.cloud.s3.upload_part("site", "big", upload->id, number, *w.blobs.put(body), w.now);
  };
  const std::string one = part(1, "small")->blob.md5;
  const std::string two = part(2, "tail")->blob.md5;
  auto complete = [&](std::vector<CompletedPart> parts) {
    return code_of(w.cloud.s3.complete_upload("site", "big", upload->id, parts, {}, w.now));
  };
  EXPECT_EQ(complete({{2, two}, {1, one}}), "InvalidPartOrder");
  EXPECT_EQ(complete({{1, two}}), "InvalidPart");
  EXPECT_EQ(complete({{3, one}}), "InvalidPart");
  EXPECT_EQ(complete({{1, one}, {2, two}}), "EntityTooSmall");
  EXPECT_EQ(code_of(part(0, "x")), "InvalidArgument");
  EXPECT_EQ(complete({{2, two}}), "");
}

TEST(S3Uploads, AreListedUntilTheyEnd) {
  Bucketful w;
  auto upload = w.cloud.s3.create_upload("site", "big", {}, w.now);
  ASSERT_TRUE(w.cloud.s3.upload_part("site", "big", upload->id, 1, *w.blobs.put("x"), w.now).ok());
  EXPECT_EQ(w.cloud.s3.uploads("site")->size(), 1u);
  ASSERT_TRUE(w.cloud.s3.abort_upload("site", "big", upload->id, w.now).ok());
  EXPECT_TRUE(w.cloud.s3.uploads("site")->empty());
  EXPECT_EQ(w.blobs.count(), 0u);
}

TEST(S3Model, CopiesKeepOrReplaceTheMetadata) {
  Bucketful w;
  ObjectMetadata metadata;
  metadata.content_type = "text/css";
  ASSERT_TRUE(w.cloud.s3.put_bytes("site", "a", "body", metadata, {}, w.now).ok());
  ASSERT_TRUE(w.cloud.s3.copy("site", "a", "site", "b", {}, {}, w.now).ok());
  EXPECT_EQ(w.cloud.s3.head("site", "b")->metadata.content_type, "text/css");
  EXPECT_EQ(code_of(w.cloud.s3.copy("site", "a", "site", "a", {}, {}, w.now)), "InvalidRequest");
  ASSERT_TRUE(w.cloud.s3.copy("site", "a", "site", "a", ObjectMetadata{}, {}, w.now).ok());
  EXPECT_EQ(w.cloud.s3.head("site", "a")->metadata.content_type, "binary/octet-stream");
  ASSERT_TRUE(w.cloud.s3.remove("site", "a", {}, w.now).ok());
  EXPECT_EQ(*w.cloud.s3.read("site", "b"), "body");
}

}  // namespace
}  // namespace pawl::cloud
