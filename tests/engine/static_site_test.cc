// Static files of releases in a bucket: what goes up when, what is kept, what comes back.
#include "engine/static_site.h"

#include <gtest/gtest.h>

#include "support/fakes/objects.h"
#include "support/fakes/run.h"
#include "support/fakes/static_files.h"

namespace pawl {
namespace {

using fakes::FakeObjects;
using fakes::FakeStaticFiles;
using fakes::run;

struct Site {
  FakeObjects objects;
  FakeStaticFiles files{objects};
  StaticTarget target{"assets", "static/"};

  StaticRules rules{{"**/*.[0-9a-f]*.*"}, {}, {}};

  StaticManifest scan() { return *run(files.scan("app", rules)); }
  Result<SyncResult> upload() {
    return run(upload_new_files(objects, files, target, "app", scan(), {}, {}));
  }
  Result<SyncResult> switch_to(StaticManifest manifest, std::string deployment) {
    return run(switch_mutable_files(objects, target, manifest, deployment, {}));
  }
  Result<SyncResult> restore(std::string deployment) {
    return run(restore_mutable_files(objects, target, deployment, {}));
  }
  // What a visitor is served; "-" when there is nothing.
  std::string served(const std::string& path) {
    const auto found = objects.buckets["assets"].find("static/" + path);
    return found == objects.buckets["assets"].end() ? "-" : found->second.body;
  }
  void edit(const std::string& path, const std::string& body) {
    PutRequest request;
    request.bucket = "assets";
    request.key = "static/" + path;
    request.body = body;
    request.content_type = "text/html";
    ASSERT_TRUE(run(objects.put(request)).ok());
  }
  void deploy(std::string deployment) {
    ASSERT_TRUE(upload().ok());
    ASSERT_TRUE(switch_to(scan(), std::move(deployment)).ok());
  }
};

void first_release(Site& site) {
  site.files.content = {{"app.aa11.js", "one"}, {"index.html", "<one>"}, {"robots.txt", "all"}};
  site.deploy("d1");
}
void second_release(Site& site) {
  site.files.content = {{"app.bb22.js", "two"},
                        {"index.html", "<two>"},
                        {"robots.txt", "all"},
                        {"new.html", "<new>"}};
}

TEST(StaticSite, UploadingChangesNothingThatAnyoneIsServed) {
  Site site;
  first_release(site);
  second_release(site);
  auto uploaded = site.upload();
  ASSERT_TRUE(uploaded.ok());
  EXPECT_EQ(uploaded->uploaded, 3);   // the script, and two bodies that are not served yet
  EXPECT_EQ(uploaded->unchanged, 1);  // robots.txt
  EXPECT_EQ(site.served("index.html"), "<one>");
  EXPECT_EQ(site.served("new.html"), "-");
  EXPECT_EQ(site.served("app.bb22.js"), "two");
  const auto& ledger = site.objects.ledger;
  EXPECT_EQ(ledger[ledger.size() - 2].substr(0, 26), "put static/.pawl/releases/");
  EXPECT_EQ(ledger.back(), "put static/.pawl/uploaded.json");
}

TEST(StaticSite, SwitchingPutsPagesLastAndKeepsOldAssets) {
  Site site;
  first_release(site);
  second_release(site);
  site.files.content["style.css"] = "body{}";
  ASSERT_TRUE(site.upload().ok());
  site.objects.ledger.clear();
  auto switched = site.switch_to(site.scan(), "d2");
  ASSERT_TRUE(switched.ok());
  EXPECT_EQ(switched->uploaded, 3);
  EXPECT_EQ(switched->unchanged, 1);
  EXPECT_EQ(site.served("index.html"), "<two>");
  EXPECT_EQ(site.served("app.aa11.js"), "one");
  std::vector<std::string> in_place;
  for (const auto& entry : site.objects.ledger)
    if (entry.find(".pawl/") == std::string::npos) in_place.push_back(entry);
  EXPECT_EQ(in_place, (std::vector<std::string>{"put static/style.css", "put static/index.html",
                                                "put static/new.html"}));
}

TEST(StaticSite, RestoringBringsBackBodiesHeadersAndAbsence) {
  Site site;
  first_release(site);
  const auto before = site.objects.buckets["assets"]["static/index.html"].info;
  second_release(site);
  site.deploy("d2");
  auto restored = site.restore("d2");
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored->uploaded, 1);
  EXPECT_EQ(restored->removed, 1);
  EXPECT_EQ(site.served("index.html"), "<one>");
  EXPECT_EQ(site.served("new.html"), "-");
  const auto after = site.objects.buckets["assets"]["static/index.html"].info;
  EXPECT_EQ(after.content_type, before.content_type);
  EXPECT_EQ(after.cache_control, before.cache_control);
  EXPECT_EQ(after.sha256, before.sha256);
  auto again = site.restore("d2");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->uploaded + again->removed, 0);
}

// Between the undo's look at a file and its deletion: S3 refuses by the ETag that was seen.
TEST(StaticSite, RestoringDeletesAFileOnlyWhileItIsOurs) {
  Site site;
  first_release(site);
  second_release(site);
  site.deploy("d2");
  site.objects.before_removal = [&site](const std::string&, const std::string& key) {
    site.objects.before_removal = {};
    EXPECT_EQ(key, "static/new.html");
    site.edit("new.html", "<by hand>");
  };
  auto restored = site.restore("d2");
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.error().kind(), ErrorKind::conflict);
  EXPECT_NE(restored.error().message().find("new.html"), std::string::npos);
  EXPECT_EQ(site.served("new.html"), "<by hand>");
  EXPECT_EQ(site.served("index.html"), "<one>");  // the others are put back all the same
}

TEST(StaticSite, RestoringWhatWasNeverSwitchedDoesNothing) {
  Site site;
  first_release(site);
  auto restored = site.restore("d9");
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored->uploaded + restored->removed + restored->unchanged, 0);
}

// Every request may be the last one before a crash; a second run then goes on, and the undo still
// finds what was there before the first.
TEST(StaticSite, ACrashAtAnyRequestOfTheSwitchIsFinishedOrUndone) {
  for (int crash_at = 1; crash_at < 12; ++crash_at) {
    for (const bool goes_on : {true, false}) {
      Site site;
      first_release(site);
      second_release(site);
      ASSERT_TRUE(site.upload().ok());
      int changes = 0;
      BeforeChange crash = [&changes, crash_at]() -> Task<Result<void>> {
        if (++changes == crash_at) co_return Error(ErrorKind::interrupted, "crash");
        co_return ok();
      };
      (void)run(switch_mutable_files(site.objects, site.target, site.scan(), "d2", crash));
      if (goes_on) {
        ASSERT_TRUE(site.switch_to(site.scan(), "d2").ok()) << crash_at;
        EXPECT_EQ(site.served("index.html"), "<two>") << crash_at;
        EXPECT_EQ(site.served("new.html"), "<new>") << crash_at;
      }
      ASSERT_TRUE(site.restore("d2").ok()) << crash_at;
      EXPECT_EQ(site.served("index.html"), "<one>") << crash_at;
      EXPECT_EQ(site.served("new.html"), "-") << crash_at;
    }
  }
}

TEST(StaticSite, AChangeByHandIsReportedAndNotOverwritten) {
  Site site;
  first_release(site);
  second_release(site);
  ASSERT_TRUE(site.upload().ok());
  // Between our look at index.html and our write of it.
  site.objects.faults.before("put", [] {});
  site.objects.faults.before("put", [] {});
  site.objects.faults.before("put", [&site] { site.edit("index.html", "<by hand>"); });
  auto switched = site.switch_to(site.scan(), "d2");
  ASSERT_FALSE(switched.ok());
  EXPECT_EQ(switched.error().kind(), ErrorKind::conflict);
  auto restored = site.restore("d2");
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(site.served("index.html"), "<by hand>");
}

// Found by pawl-sim: the process that had met the change died before it could say so.
TEST(StaticSite, AChangeByHandBetweenTwoTriesIsNotOverwrittenEither) {
  Site site;
  first_release(site);
  second_release(site);
  ASSERT_TRUE(site.upload().ok());
  int changes = 0;
  BeforeChange dies = [&changes]() -> Task<Result<void>> {
    if (++changes == 3) co_return Error(ErrorKind::interrupted, "crash");  // index.html is kept
    co_return ok();
  };
  ASSERT_FALSE(run(switch_mutable_files(site.objects, site.target, site.scan(), "d2", dies)).ok());
  ASSERT_EQ(site.objects.buckets["assets"].count("static/.pawl/backup/d2/index.html"), 1u);
  site.edit("index.html", "<by hand>");
  auto switched = site.switch_to(site.scan(), "d2");
  ASSERT_FALSE(switched.ok());
  EXPECT_EQ(switched.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(site.served("index.html"), "<by hand>");
}

// Something on the way sent it twice, and the answer is that to the second.
TEST(StaticSite, ARefusalOfWhatIsDoneAlreadyIsNoConflict) {
  Site site;
  first_release(site);
  second_release(site);
  ASSERT_TRUE(site.upload().ok());
  site.objects.faults.before("put", [] {});
  site.objects.faults.before("put", [] {});
  site.objects.faults.before("put", [&site] {
    auto& there = site.objects.buckets["assets"]["static/index.html"];
    const StaticManifest manifest = site.scan();
    for (const auto& file : manifest.files)
      if (file.path == "index.html") {
        there.body = "<two>";
        there.info.etag = "of the first";
        there.info.sha256 = file.sha256;
        there.info.content_type = file.content_type;
        there.info.cache_control = file.cache_control;
      }
  });
  auto switched = site.switch_to(site.scan(), "d2");
  ASSERT_TRUE(switched.ok()) << switched.error().message();
  EXPECT_EQ(site.served("index.html"), "<two>");
}

TEST(StaticSite, AnAnswerThatWasLostIsAskedForNotRepeated) {
  Site site;
  first_release(site);
  second_release(site);
  ASSERT_TRUE(site.upload().ok());
  site.objects.faults.before("put", [] {});
  Error lost = Error(ErrorKind::timeout, "no answer").with_outcome_unknown();
  int puts = 0;
  BeforeChange lose = [&]() -> Task<Result<void>> {
    if (++puts == 3) site.objects.faults.lose_answer("put");
    co_return ok();
  };
  auto switched = run(switch_mutable_files(site.objects, site.target, site.scan(), "d2", lose));
  ASSERT_TRUE(switched.ok()) << switched.error().message();
  EXPECT_EQ(site.served("index.html"), "<two>");
}

TEST(StaticSite, ANameCalledImmutableMustNotChangeItsContent) {
  Site site;
  first_release(site);
  site.files.content = {{"app.aa11.js", "other"}};
  auto uploaded = site.upload();
  ASSERT_FALSE(uploaded.ok());
  EXPECT_EQ(uploaded.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(site.served("app.aa11.js"), "one");
}

TEST(StaticSite, TheManifestOfAnEarlierReleaseBringsItBack) {
  Site site;
  first_release(site);
  const std::string first = site.scan().digest();
  second_release(site);
  site.deploy("d2");
  auto manifest = run(read_release_manifest(site.objects, site.target, first));
  ASSERT_TRUE(manifest.ok());
  ASSERT_TRUE(site.switch_to(*manifest, "d3").ok());
  EXPECT_EQ(site.served("index.html"), "<one>");
  EXPECT_EQ(run(read_release_manifest(site.objects, site.target, "none")).error().kind(),
            ErrorKind::not_found);
  site.objects.buckets["assets"]["static/.pawl/releases/" + first + ".json"].body =
      json::serialize(to_json(StaticManifest{}));
  EXPECT_EQ(run(read_release_manifest(site.objects, site.target, first)).error().kind(),
            ErrorKind::corrupt);
}

TEST(StaticSite, IsInPlaceOnlyWhenEveryFileIs) {
  Site site;
  site.files.content = {{"app.aa11.js", "one"}, {"index.html", "<one>"}};
  const auto in_place = [&](bool mutable_too) {
    return *run(is_in_place(site.objects, site.target, site.scan(), mutable_too));
  };
  EXPECT_FALSE(in_place(false));
  ASSERT_TRUE(site.upload().ok());
  EXPECT_TRUE(in_place(false));
  EXPECT_FALSE(in_place(true));
  ASSERT_TRUE(site.switch_to(site.scan(), "d1").ok());
  EXPECT_TRUE(in_place(true));
  site.objects.buckets["assets"].erase("static/app.aa11.js");
  EXPECT_FALSE(in_place(false));
}

TEST(StaticSite, PruningKeepsWhatALiveOrKeptReleaseNames) {
  Site site;
  first_release(site);
  const std::string first = site.scan().digest();
  second_release(site);
  site.deploy("d2");
  const std::string second = site.scan().digest();
  auto both = run(prune_releases(site.objects, site.target, {first, second}, {"d1", "d2"}, {}));
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->removed, 0);
  auto one = run(prune_releases(site.objects, site.target, {second}, {"d2"}, {}));
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(site.served("app.aa11.js"), "-");
  EXPECT_EQ(site.served("app.bb22.js"), "two");
  EXPECT_EQ(site.served("robots.txt"), "all");
  EXPECT_TRUE(*run(is_in_place(site.objects, site.target, site.scan(), true)));
  ASSERT_TRUE(site.restore("d2").ok());
  EXPECT_EQ(site.served("index.html"), "<one>");
}

TEST(StaticSite, PruningLeavesWhatSomebodyPutThereMeanwhile) {
  Site site;
  first_release(site);
  second_release(site);
  site.deploy("d2");
  site.objects.before_removal = [&site](const std::string&, const std::string& key) {
    if (key == "static/app.aa11.js" && site.served("app.aa11.js") == "one")
      site.edit("app.aa11.js", "by hand");
  };
  ASSERT_TRUE(
      run(prune_releases(site.objects, site.target, {site.scan().digest()}, {"d2"}, {})).ok());
  EXPECT_EQ(site.served("app.aa11.js"), "by hand");
}

TEST(StaticSite, PruningForgetsTheRecordOfAReleaseThatGoes) {
  Site site;
  first_release(site);
  const std::string first = site.scan().digest();
  second_release(site);
  ASSERT_TRUE(site.upload().ok());  // never made live
  ASSERT_TRUE(run(prune_releases(site.objects, site.target, {first}, {"d1"}, {})).ok());
  EXPECT_EQ(site.served(".pawl/uploaded.json"), "-");
  EXPECT_EQ(site.served("app.bb22.js"), "-");
  ASSERT_TRUE(site.upload().ok());
  EXPECT_EQ(site.served("app.bb22.js"), "two");
}

TEST(StaticSite, VariantsGoUpAndAreSwitchedWithWhatTheyAreOf) {
  Site site;
  site.rules.compress = {"br", "gzip"};
  first_release(site);
  const auto& script = site.objects.buckets["assets"]["static/app.aa11.js.br"];
  EXPECT_EQ(script.body, "br of one");
  EXPECT_EQ(script.info.content_encoding, "br");
  EXPECT_EQ(script.info.content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(script.info.cache_control, kImmutableCaching);
  second_release(site);
  site.deploy("d2");
  EXPECT_EQ(site.served("index.html.gz"), "gzip of <two>");
  ASSERT_TRUE(site.restore("d2").ok());
  EXPECT_EQ(site.served("index.html.gz"), "gzip of <one>");
  EXPECT_EQ(site.objects.buckets["assets"]["static/index.html.gz"].info.content_encoding, "gzip");
  EXPECT_EQ(site.served("new.html.br"), "-");
}

// Another version of the library presses the same into other bytes: that is no conflict.
TEST(StaticSite, AnImmutableVariantMayBePressedAnew) {
  Site site;
  site.rules.compress = {"br"};
  first_release(site);
  site.files.pressed = "newer ";
  ASSERT_TRUE(site.upload().ok());
  EXPECT_EQ(site.served("app.aa11.js.br"), "newer br of one");
  site.files.content["app.aa11.js"] = "other";
  EXPECT_EQ(site.upload().error().kind(), ErrorKind::conflict);
}

TEST(StaticSite, APreviewSaysWhatADeploymentWouldDoAndChangesNothing) {
  Site site;
  first_release(site);
  second_release(site);
  site.objects.ledger.clear();
  const auto preview = run(preview_static(site.objects, site.target, site.scan()));
  ASSERT_TRUE(preview.ok());
  ASSERT_EQ(preview->uploads.size(), 1u);
  EXPECT_EQ(preview->uploads[0].path, "app.bb22.js");
  ASSERT_EQ(preview->switches.size(), 2u);
  EXPECT_EQ(preview->switches[0].path, "index.html");
  EXPECT_EQ(preview->switches[1].path, "new.html");
  EXPECT_EQ(preview->unchanged, 1);
  EXPECT_TRUE(site.objects.ledger.empty());
  site.deploy("d2");
  const auto after = run(preview_static(site.objects, site.target, site.scan()));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->uploads.size() + after->switches.size(), 0u);
}

TEST(StaticSite, AnErrorOfTheGuardStopsTheUpload) {
  Site site;
  site.files.content = {{"a.aa11.js", "1"}, {"b.aa11.js", "2"}};
  BeforeChange refuse = []() -> Task<Result<void>> {
    co_return Error(ErrorKind::conflict, "the lease is not ours");
  };
  auto uploaded =
      run(upload_new_files(site.objects, site.files, site.target, "app", site.scan(), refuse, {}));
  ASSERT_FALSE(uploaded.ok());
  EXPECT_TRUE(site.objects.ledger.empty());
}

}  // namespace
}  // namespace pawl
