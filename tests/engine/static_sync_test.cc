// `pawl sync`: what is uploaded, in which order, what is deleted and what is kept.
#include "engine/static_sync.h"

#include <gtest/gtest.h>

#include "support/fakes/objects.h"
#include "support/fakes/run.h"
#include "support/fakes/static_files.h"

namespace pawl {
namespace {

using fakes::FakeObjects;
using fakes::FakeStaticFiles;
using fakes::run;

struct Folder {
  FakeObjects objects;
  FakeStaticFiles files{objects};
  StaticTarget target{"assets", ""};

  StaticManifest scan() { return *run(files.scan("app", {{"**/*.[0-9a-f]*.*"}, {}, {}})); }
  SyncPlan plan(bool remove_others = false) {
    SyncOptions options;
    options.remove_others = remove_others;
    return *run(plan_sync(objects, target, scan(), options));
  }
  SyncResult sync(bool remove_others = false) {
    SyncOptions options;
    options.remove_others = remove_others;
    return *run(carry_out_sync(objects, files, target, "app", plan(remove_others), options, {}));
  }
  bool has(const std::string& key) { return objects.buckets["assets"].count(key) > 0; }
};

TEST(Sync, UploadsNewFilesThenChangedOnesThenPages) {
  Folder folder;
  folder.files.content = {{"style.css", "1"}, {"index.html", "1"}};
  EXPECT_EQ(folder.sync().uploaded, 2);
  folder.files.content = {{"style.css", "2"}, {"index.html", "2"}, {"zz.aa11.js", "1"}};
  folder.objects.ledger.clear();
  const SyncResult result = folder.sync();
  EXPECT_EQ(result.uploaded, 3);
  EXPECT_EQ(folder.objects.ledger,
            (std::vector<std::string>{"put zz.aa11.js", "put style.css", "put index.html",
                                      "put .pawl/sync.json"}));
}

TEST(Sync, AnUnchangedDirectoryChangesNothing) {
  Folder folder;
  folder.files.content = {{"a.txt", "1"}, {"b.txt", "2"}};
  folder.sync();
  folder.objects.ledger.clear();
  const SyncResult result = folder.sync();
  EXPECT_EQ(result.unchanged, 2);
  EXPECT_TRUE(folder.objects.ledger.empty());
}

TEST(Sync, OtherHeadersAreAnUploadToo) {
  Folder folder;
  folder.files.content = {{"a.txt", "1"}, {"b.txt", "2"}};
  folder.sync();
  StaticManifest manifest = folder.scan();
  manifest.files[0].cache_control = "max-age=5";
  const auto plan = run(plan_sync(folder.objects, folder.target, manifest, {}));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->upload_count(), 1u);
}

TEST(Sync, FilesOfAnotherToolAreLookedAtNotSentAgain) {
  Folder folder;
  folder.files.content = {{"a.txt", "1"}};
  folder.sync();
  folder.objects.buckets["assets"].erase(".pawl/sync.json");
  EXPECT_EQ(folder.plan().upload_count(), 0u);
  folder.objects.buckets["assets"]["a.txt"].info.content_type = "binary/octet-stream";
  EXPECT_EQ(folder.plan().upload_count(), 1u);
}

TEST(Sync, ARecordThatCannotBeReadCostsQuestionsOnly) {
  Folder folder;
  folder.files.content = {{"a.txt", "1"}};
  folder.sync();
  folder.objects.buckets["assets"][".pawl/sync.json"].body = "{";
  EXPECT_EQ(folder.plan().upload_count(), 0u);
}

TEST(Sync, TellsWhatWasReplacedAlsoWhenItWasBrokenOffBefore) {
  Folder folder;
  folder.files.content = {{"a.txt", "1"}, {"b.txt", "1"}, {"old.txt", "1"}};
  folder.sync();
  folder.files.content = {{"a.txt", "2"}, {"b.txt", "1"}, {"new.txt", "1"}};
  std::vector<std::vector<std::string>> told;
  SyncOptions options;
  options.remove_others = true;
  bool dies = true;
  options.after_changes = [&](std::vector<std::string> replaced) -> Task<Result<void>> {
    told.push_back(std::move(replaced));
    if (dies) co_return Error(ErrorKind::interrupted, "crash");
    co_return ok();
  };
  const auto go = [&] {
    auto plan = run(plan_sync(folder.objects, folder.target, folder.scan(), options));
    return run(
        carry_out_sync(folder.objects, folder.files, folder.target, "app", *plan, options, {}));
  };
  EXPECT_FALSE(go().ok());
  dies = false;
  EXPECT_TRUE(go().ok());
  EXPECT_TRUE(go().ok());  // nothing any more
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], (std::vector<std::string>{"a.txt", "old.txt"}));
  EXPECT_EQ(told[1], (std::vector<std::string>{"a.txt", "old.txt"}));
}

TEST(Sync, DeletesOnlyWhenAskedAndNeverWhatAReleaseNames) {
  Folder folder;
  folder.files.content = {{"old.txt", "1"}, {"old.aa11.js", "1"}, {"released.txt", "1"}};
  folder.sync();
  StaticManifest release;
  release.files = {folder.scan().files[2]};
  ASSERT_EQ(release.files[0].path, "released.txt");
  PutRequest put;
  put.bucket = "assets";
  put.key = ".pawl/releases/x.json";
  put.body = json::serialize(to_json(release));
  ASSERT_TRUE(run(folder.objects.put(put)).ok());

  folder.files.content = {{"a.txt", "1"}};
  EXPECT_EQ(folder.sync().removed, 0);
  EXPECT_TRUE(folder.has("old.txt"));

  folder.files.content = {{"old.aa11.js", "1"}, {"a.txt", "1"}};
  folder.sync();
  folder.files.content = {{"a.txt", "1"}};
  const SyncPlan plan = folder.plan(true);
  ASSERT_EQ(plan.removals.size(), 1u);
  EXPECT_EQ(plan.removals[0].key, "old.txt");
  EXPECT_EQ(plan.kept, (std::vector<std::string>{"old.aa11.js", "released.txt"}));
  EXPECT_EQ(folder.sync(true).removed, 1);
  EXPECT_EQ(folder.sync(true).removed, 1);  // the script, which only the sync before named
  EXPECT_TRUE(folder.has("released.txt"));
  EXPECT_TRUE(folder.has("a.txt"));
}

}  // namespace
}  // namespace pawl
