// What is read instead of a listing of everything, and what happens when it is wrong.
#include "engine/static_record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/static_sync.h"
#include "support/fakes/objects.h"
#include "support/fakes/run.h"
#include "support/fakes/static_files.h"

namespace pawl {
namespace {

using fakes::FakeObjects;
using fakes::FakeStaticFiles;
using fakes::run;

/// Counts what it is asked, and gives ETags that are no hash of anything, as with a key of KMS.
class CountedObjects : public FakeObjects {
 public:
  Task<Result<std::vector<ObjectInfo>>> list(std::string bucket, std::string prefix,
                                             size_t at_most) override {
    ++lists;
    auto found = co_await FakeObjects::list(std::move(bucket), std::move(prefix), at_most);
    if (!found.ok()) co_return found;
    listed += found->size();
    for (auto& each : *found) each.sha256.clear();  // a listing does not tell
    co_return found;
  }
  Task<Result<std::optional<ObjectInfo>>> head(std::string bucket, std::string key) override {
    ++heads;
    co_return co_await FakeObjects::head(std::move(bucket), std::move(key));
  }
  Task<Result<ObjectInfo>> put(PutRequest request) override {
    const std::string bucket = request.bucket;
    const std::string key = request.key;
    auto put = co_await FakeObjects::put(std::move(request));
    if (put.ok()) put->etag = buckets[bucket][key].info.etag = fmt::format("kms-{}", ++etags);
    co_return put;
  }
  void forget_counts() { lists = heads = static_cast<int>(listed = 0); }

  int lists = 0;
  int heads = 0;
  size_t listed = 0;
  int etags = 0;
};

struct Large {
  CountedObjects objects;
  FakeStaticFiles files{objects};
  StaticTarget target{"assets", "s/"};
  static constexpr int kFiles = 3000;

  Large() {
    for (int i = 0; i < kFiles; ++i) files.content[fmt::format("{:04}.aa11.js", i)] = "1";
    EXPECT_EQ(sync().uploaded, kFiles);
    objects.forget_counts();
    objects.ledger.clear();
  }
  StaticManifest scan() { return *run(files.scan("app", {{"**/*.[0-9a-f]*.*"}, {}, {}})); }
  SyncPlan plan(bool verify = false) {
    SyncOptions options;
    options.looks_at_everything = verify;
    return *run(plan_sync(objects, target, scan(), options));
  }
  SyncResult sync() { return *run(carry_out_sync(objects, files, target, "app", plan(), {}, {})); }
};

TEST(StaticRecord, SavesMostOfTheListingAndEveryQuestion) {
  Large site;
  const SyncPlan plan = site.plan();
  EXPECT_EQ(plan.unchanged, Large::kFiles);
  EXPECT_TRUE(plan.is_recorded);
  EXPECT_TRUE(plan.notes.empty());
  EXPECT_EQ(site.objects.listed, kListedKeys);
  EXPECT_EQ(site.objects.heads, 0);
}

TEST(StaticRecord, AsksForTheFewThatItDoesNotName) {
  Large site;
  site.files.content["9998.aa11.js"] = "1";
  site.files.content["9999.aa11.js"] = "1";
  // One of them is there all the same, put by another tool.
  PutRequest put;
  put.bucket = "assets";
  put.key = "s/9999.aa11.js";
  put.body = "1";
  put.sha256 = sha256_hex("1");
  put.content_type = "text/javascript; charset=utf-8";
  put.cache_control = std::string(kImmutableCaching);
  ASSERT_TRUE(run(site.objects.put(put)).ok());
  const SyncPlan plan = site.plan();
  EXPECT_EQ(plan.upload_count(), 1u);
  EXPECT_EQ(site.objects.lists, 1);
  EXPECT_LE(site.objects.heads, 3);
}

TEST(StaticRecord, ManyNewFilesAreFoundByOneListing) {
  Large site;
  for (int i = 0; i < 500; ++i) site.files.content[fmt::format("z{:04}.aa11.js", i)] = "1";
  EXPECT_EQ(site.plan().upload_count(), 500u);
  EXPECT_EQ(site.objects.lists, 2);
  EXPECT_EQ(site.objects.heads, 0);
}

TEST(StaticRecord, ABucketThatWasChangedBehindItIsLookedAtWhole) {
  Large site;
  auto& bucket = site.objects.buckets["assets"];
  bucket.erase("s/0001.aa11.js");
  bucket.erase("s/2999.aa11.js");
  const SyncPlan plan = site.plan();
  EXPECT_EQ(plan.upload_count(), 2u);
  ASSERT_EQ(plan.notes.size(), 1u);
  EXPECT_NE(plan.notes[0].find("s/0001.aa11.js"), std::string::npos) << plan.notes[0];
  site.sync();
  EXPECT_TRUE(site.plan().notes.empty());
}

TEST(StaticRecord, OneThatWasOverwrittenByHandIsSentAgain) {
  Large site;
  site.objects.buckets["assets"]["s/0500.aa11.js"].info.etag = "by hand";
  site.objects.buckets["assets"]["s/0500.aa11.js"].info.sha256 = sha256_hex("by hand");
  const SyncPlan plan = site.plan();
  EXPECT_EQ(plan.upload_count(), 1u);
  EXPECT_EQ(plan.notes.size(), 1u);
}

// Beyond the beginning of the listing the record is believed: --verify looks.
TEST(StaticRecord, WhatLiesFarBehindIsFoundWhenAsked) {
  Large site;
  site.objects.buckets["assets"].erase("s/2999.aa11.js");
  EXPECT_EQ(site.plan().upload_count(), 0u);
  EXPECT_EQ(site.plan(/*verify=*/true).upload_count(), 1u);
}

TEST(StaticRecord, OneThatIsDamagedCostsTheListing) {
  Large site;
  for (const char* text : {"{", "[]", "{\"format\":1,\"files\":[{\"path\":\"../x\"}]}", ""}) {
    site.objects.buckets["assets"]["s/.pawl/sync.json"].body = text;
    const SyncPlan plan = site.plan();
    EXPECT_EQ(plan.upload_count(), 0u) << text;
    EXPECT_EQ(plan.unchanged, Large::kFiles) << text;
    ASSERT_EQ(plan.notes.size(), 1u) << text;
    EXPECT_NE(plan.notes[0].find("sync.json"), std::string::npos) << plan.notes[0];
  }
  site.sync();
  EXPECT_TRUE(site.plan().notes.empty());
}

TEST(StaticRecord, ADeploymentReadsItToo) {
  Large site;
  StaticTarget target{"assets", "d/"};
  const auto upload = [&] {
    return run(upload_new_files(site.objects, site.files, target, "app", site.scan(), {}, {}));
  };
  ASSERT_TRUE(upload().ok());
  site.objects.forget_counts();
  site.objects.ledger.clear();
  const auto again = upload();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->unchanged, Large::kFiles);
  EXPECT_EQ(site.objects.heads, 0);
  EXPECT_EQ(site.objects.listed, kListedKeys);
  EXPECT_TRUE(site.objects.ledger.empty());
  site.objects.buckets["assets"].erase("d/0007.aa11.js");
  const auto mended = upload();
  ASSERT_TRUE(mended.ok());
  EXPECT_EQ(mended->uploaded, 1);
  EXPECT_EQ(mended->notes.size(), 1u);
}

}  // namespace
}  // namespace pawl
