#include "sim/cloud/lambda.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "sim/world.h"

namespace pawl::cloud {
namespace {

TEST(LambdaModel, AFunctionIsPendingAtFirstAndRefusesCallsAndChanges) {
  World w;
  CreateFunction request;
  request.name = "f";
  request.settings.image_uri = w.image('a');
  auto created = w.cloud.lambda.create(request, w.now);
  ASSERT_TRUE(created.ok()) << created.error().message();
  EXPECT_EQ(created->state, "Pending");
  EXPECT_EQ(created->state_reason_code, "Creating");
  EXPECT_EQ(code_of(w.cloud.lambda.route("f", "", 0, w.now)), "ResourceConflictException");
  EXPECT_EQ(code_of(w.cloud.lambda.publish("f", {}, w.now)), "ResourceConflictException");

  w.pass(w.cloud.lambda.settings().create_duration);
  auto active = w.cloud.lambda.get("f", "", w.now);
  EXPECT_EQ(active->state, "Active");
  EXPECT_NE(active->revision_id, created->revision_id);
  EXPECT_TRUE(w.cloud.lambda.route("f", "", 0, w.now).ok());
}

TEST(LambdaModel, TheImageOfAFunctionIsResolvedToItsDigest) {
  World w;
  CreateFunction request;
  request.name = "f";
  request.settings.image_uri = w.cloud.ecr.repository_uri("meals") + ":a";
  auto created = w.cloud.lambda.create(request, w.now);
  EXPECT_EQ(created->settings.image_uri, request.settings.image_uri);
  EXPECT_EQ(created->settings.resolved_image_uri, w.image('a'));
  EXPECT_EQ(created->settings.code_sha256, std::string(64, 'a'));
}

struct BadImage {
  const char* suffix;
  const char* words;
};

TEST(LambdaModel, RefusesImagesThatItCannotRun) {
  World w;
  w.deployed();
  const BadImage rows[] = {
      {"meals:never-built", "does not exist. Provide a valid source image."},
      {"other:a", "does not exist. Provide a valid source image."},
      {"meals:index", "The image manifest, config or layer media type for the source image"},
      {"meals", "is not valid. Provide a valid source image."},
  };
  for (const BadImage& row : rows) {
    const std::string uri = w.cloud.ecr.registry_host() + "/" + row.suffix;
    auto updated = w.cloud.lambda.update_code("f", {uri, "", "", false, false}, w.now);
    EXPECT_EQ(code_of(updated), "InvalidParameterValueException") << uri;
    EXPECT_NE(updated.error().what().find(row.words), std::string::npos) << updated.error().what();
  }
}

TEST(LambdaModel, AnUpdateTakesTimeAndCallsGoToTheOldCodeMeanwhile) {
  World w;
  w.deployed();
  auto updated = w.cloud.lambda.update_code("f", {w.image('b'), "", "", false, false}, w.now);
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(updated->last_update_status, "InProgress");
  EXPECT_EQ(w.cloud.lambda.route("f", "", 0, w.now)->version.settings.resolved_image_uri,
            w.image('a'));
  EXPECT_EQ(code_of(w.cloud.lambda.update_code("f", {w.image('c'), "", "", false, false}, w.now)),
            "ResourceConflictException");
  EXPECT_EQ(code_of(w.cloud.lambda.publish("f", {}, w.now)), "ResourceConflictException");

  w.pass(w.cloud.lambda.settings().update_duration);
  EXPECT_EQ(w.cloud.lambda.get("f", "", w.now)->last_update_status, "Successful");
  EXPECT_EQ(w.cloud.lambda.route("f", "", 0, w.now)->version.settings.resolved_image_uri,
            w.image('b'));
}

TEST(LambdaModel, AnUpdateThatFailsLaterLeavesTheOldCodeServing) {
  World w;
  w.deployed();
  w.cloud.lambda.fail_next_update("f", "ImageAccessDenied", "no permission");
  ASSERT_TRUE(w.cloud.lambda.update_code("f", {w.image('b'), "", "", false, false}, w.now).ok());
  w.settle();
  auto failed = w.cloud.lambda.get("f", "", w.now);
  EXPECT_EQ(failed->last_update_status, "Failed");
  EXPECT_EQ(failed->last_update_reason_code, "ImageAccessDenied");
  EXPECT_EQ(failed->state, "Active");
  EXPECT_EQ(w.cloud.lambda.route("f", "", 0, w.now)->version.settings.resolved_image_uri,
            w.image('a'));
  EXPECT_FALSE(w.cloud.lambda.publish("f", {}, w.now).ok());
  // The next one mends it.
  ASSERT_TRUE(w.cloud.lambda.update_code("f", {w.image('c'), "", "", false, false}, w.now).ok());
  w.settle();
  EXPECT_EQ(w.cloud.lambda.route("f", "", 0, w.now)->version.settings.resolved_image_uri,
            w.image('c'));
}

TEST(LambdaModel, EveryChangeMovesTheRevision) {
  World w;
  w.deployed();
  std::set<std::string> seen{w.cloud.lambda.get("f", "", w.now)->revision_id};
  auto moved = [&](const std::string& what) {
    EXPECT_TRUE(seen.insert(w.cloud.lambda.get("f", "", w.now)->revision_id).second) << what;
  };
  ASSERT_TRUE(w.cloud.lambda.update_code("f", {w.image('b'), "", "", false, false}, w.now).ok());
  moved("the update was accepted");
  w.settle();
  moved("the update ended");
  ASSERT_TRUE(w.cloud.lambda.publish("f", {}, w.now).ok());
  moved("a version was published");
  UpdateSettings settings;
  settings.memory_mb = 256;
  ASSERT_TRUE(w.cloud.lambda.update_settings("f", settings, w.now).ok());
  moved("the settings changed");
}

TEST(LambdaModel, AStaleRevisionIsRefusedAndChangesNothing) {
  World w;
  w.deployed();
  const std::string stale = w.cloud.lambda.get("f", "", w.now)->revision_id;
  w.release('b');
  (void)w.cloud.lambda.get("f", "", w.now);  // what time has done is done before we compare
  const json::object before = w.cloud.lambda.to_json();
  const auto size = w.cloud.ledger.entries().size();
  EXPECT_EQ(
      code_of(w.cloud.lambda.update_code("f", {w.image('c'), "", stale, false, false}, w.now)),
      "PreconditionFailedException");
  EXPECT_EQ(code_of(w.cloud.lambda.publish("f", {"", stale, {}}, w.now)),
            "PreconditionFailedException");
  UpdateSettings settings;
  settings.revision_id = stale;
  EXPECT_EQ(code_of(w.cloud.lambda.update_settings("f", settings, w.now)),
            "PreconditionFailedException");
  EXPECT_EQ(w.cloud.lambda.to_json(), before);
  EXPECT_EQ(w.cloud.ledger.entries().size(), size);
}

TEST(LambdaModel, PublishingUnchangedCodeGivesTheVersionThatExists) {
  World w;
  w.deployed();
  EXPECT_EQ(w.cloud.lambda.publish("f", {"", "", "another description"}, w.now)->version, "1");
  EXPECT_EQ(w.release('b').version, "2");
  EXPECT_EQ(w.cloud.lambda.publish("f", {}, w.now)->version, "2");
  // An update counts as a change even when the image is the same.
  EXPECT_EQ(w.release('b').version, "3");
}

TEST(LambdaModel, PublishChecksTheCodeThatItIsToldToExpect) {
  World w;
  w.deployed();
  ASSERT_TRUE(w.cloud.lambda.update_code("f", {w.image('b'), "", "", false, false}, w.now).ok());
  w.settle();
  EXPECT_EQ(code_of(w.cloud.lambda.publish("f", {std::string(64, 'a'), "", {}}, w.now)),
            "InvalidParameterValueException");
  auto published = w.cloud.lambda.publish("f", {std::string(64, 'b'), "", "key-1"}, w.now);
  ASSERT_TRUE(published.ok());
  EXPECT_EQ(published->settings.description, "key-1");
  EXPECT_EQ(published->state, "Pending");
  EXPECT_EQ(code_of(w.cloud.lambda.route("f", "2", 0, w.now)), "ResourceConflictException");
  w.settle();
  EXPECT_EQ(w.cloud.lambda.get("f", "2", w.now)->state, "Active");
}

TEST(LambdaModel, AVersionNeverChanges) {
  World w;
  w.deployed();
  const FunctionVersion before = *w.cloud.lambda.get("f", "1", w.now);
  w.release('b');
  w.release('c');
  const FunctionVersion after = *w.cloud.lambda.get("f", "1", w.now);
  EXPECT_EQ(after.settings, before.settings);
  EXPECT_EQ(after.revision_id, before.revision_id);
  EXPECT_EQ(w.cloud.lambda.get("f", "3", w.now)->settings.resolved_image_uri, w.image('c'));
}

TEST(LambdaModel, UpdateWithPublishGivesTheNewVersion) {
  World w;
  w.deployed();
  auto updated = w.cloud.lambda.update_code("f", {w.image('b'), "", "", true, false}, w.now);
  EXPECT_EQ(updated->version, "2");
  EXPECT_EQ(updated->state, "Pending");
  w.settle();
  EXPECT_EQ(w.cloud.lambda.get("f", "2", w.now)->state, "Active");
}

TEST(LambdaModel, ADryRunChangesNothing) {
  World w;
  w.deployed();
  (void)w.cloud.lambda.get("f", "", w.now);
  const json::object before = w.cloud.lambda.to_json();
  auto preview = w.cloud.lambda.update_code("f", {w.image('b'), "", "", false, true}, w.now);
  EXPECT_EQ(preview->settings.resolved_image_uri, w.image('b'));
  EXPECT_EQ(w.cloud.lambda.to_json(), before);
}

TEST(LambdaModel, ListsVersionsInPages) {
  World w;
  w.deployed();
  for (int i = 0; i < 6; ++i) w.release(i % 2 == 0 ? 'b' : 'c');
  std::vector<std::string> versions;
  std::string marker;
  int pages = 0;
  do {
    auto page = w.cloud.lambda.list_versions("f", marker, 3, w.now);
    ASSERT_TRUE(page.ok());
    for (const auto& version : page->items) versions.push_back(version.version);
    marker = page->next;
    ++pages;
  } while (!marker.empty());
  EXPECT_EQ(versions, (std::vector<std::string>{"$LATEST", "1", "2", "3", "4", "5", "6", "7"}));
  EXPECT_EQ(pages, 3);
}

TEST(LambdaModel, WhatIsNotThereIsNamedInFull) {
  World w;
  w.deployed();
  EXPECT_EQ(w.cloud.lambda.get("g", "", w.now).error().what(),
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g");
  EXPECT_EQ(w.cloud.lambda.get("f", "9", w.now).error().what(),
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:9");
  EXPECT_EQ(w.cloud.lambda.get_alias("f", "next", w.now).error().what(),
            "Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:f:next");
  EXPECT_EQ(w.cloud.lambda.get("g", "", w.now).error().kind(), ErrorKind::not_found);
}

TEST(LambdaModel, AVersionThatAnAliasUsesIsNotDeleted) {
  World w;
  w.deployed();
  w.release('b');
  UpdateAlias canary{"f", "live", {}, {}, std::map<std::string, double>{{"2", 0.1}}, ""};
  ASSERT_TRUE(w.cloud.lambda.update_alias(canary, w.now).ok());
  for (const char* version : {"1", "2"}) {
    auto removed = w.cloud.lambda.remove("f", version, w.now);
    EXPECT_EQ(code_of(removed), "ResourceConflictException");
    EXPECT_EQ(removed.error().what(),
              "Unable to delete version because the following aliases reference it: [live]");
  }
  ASSERT_TRUE(w.cloud.lambda.delete_alias("f", "live", w.now).ok());
  EXPECT_TRUE(w.cloud.lambda.remove("f", "1", w.now).ok());
  EXPECT_TRUE(w.cloud.lambda.remove("f", "1", w.now).ok());  // gone already
  EXPECT_EQ(code_of(w.cloud.lambda.get("f", "1", w.now)), "ResourceNotFoundException");
  EXPECT_EQ(w.release('c').version, "3");  // numbers are not used again
}

TEST(LambdaAliases, MoveOnlyUnderTheirRevision) {
  World w;
  w.deployed();
  w.release('b');
  const Alias first = *w.cloud.lambda.get_alias("f", "live", w.now);
  auto moved =
      w.cloud.lambda.update_alias({"f", "live", "2", "release b", {}, first.revision_id}, w.now);
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(moved->version, "2");
  EXPECT_NE(moved->revision_id, first.revision_id);
  EXPECT_EQ(
      code_of(w.cloud.lambda.update_alias({"f", "live", "1", {}, {}, first.revision_id}, w.now)),
      "PreconditionFailedException");
  EXPECT_EQ(w.cloud.lambda.get_alias("f", "live", w.now)->version, "2");
}

struct BadAlias {
  const char* version;
  std::map<std::string, double> weights;
  const char* code;
};

TEST(LambdaAliases, RefuseWhatTheServiceRefuses) {
  World w;
  w.deployed();
  w.release('b');
  const BadAlias rows[] = {
      {"9", {}, "ResourceNotFoundException"},
      {"1", {{"1", 0.5}}, "InvalidParameterValueException"},
      {"1", {{"$LATEST", 0.5}}, "InvalidParameterValueException"},
      {"$LATEST", {{"1", 0.5}}, "InvalidParameterValueException"},
      {"1", {{"2", 1.5}}, "ValidationException"},
      {"1", {{"9", 0.5}}, "ResourceNotFoundException"},
      {"1", {{"2", 0.1}, {"3", 0.1}}, "InvalidParameterValueException"},
  };
  for (const BadAlias& row : rows) {
    EXPECT_EQ(
        code_of(w.cloud.lambda.create_alias({"f", "x", row.version, "", "", row.weights}, w.now)),
        row.code)
        << row.version;
  }
  EXPECT_EQ(code_of(w.cloud.lambda.create_alias({"f", "live", "1", "", "", {}}, w.now)),
            "ResourceConflictException");
  EXPECT_EQ(code_of(w.cloud.lambda.create_alias({"f", "12", "1", "", "", {}}, w.now)),
            "ValidationException");
}

TEST(LambdaAliases, WeightsSplitTheCalls) {
  World w;
  w.deployed();
  w.release('b');
  ASSERT_TRUE(w.cloud.lambda
                  .update_alias(
                      {"f", "live", {}, {}, std::map<std::string, double>{{"2", 0.25}}, ""}, w.now)
                  .ok());
  int second = 0;
  constexpr int kCalls = 1000;
  for (int i = 0; i < kCalls; ++i) {
    auto routed = w.cloud.lambda.route("f", "live", i / static_cast<double>(kCalls), w.now);
    ASSERT_TRUE(routed.ok());
    second += routed->executed_version == "2" ? 1 : 0;
    EXPECT_EQ(routed->invoked_arn, w.cloud.lambda.function_arn("f", "live"));
  }
  EXPECT_EQ(second, kCalls / 4);
  // An empty routing config takes the weights away; an absent one leaves them.
  ASSERT_TRUE(w.cloud.lambda.update_alias({"f", "live", {}, "still", {}, ""}, w.now).ok());
  EXPECT_EQ(w.cloud.lambda.get_alias("f", "live", w.now)->weights.size(), 1u);
  ASSERT_TRUE(
      w.cloud.lambda.update_alias({"f", "live", {}, {}, std::map<std::string, double>{}, ""}, w.now)
          .ok());
  EXPECT_TRUE(w.cloud.lambda.get_alias("f", "live", w.now)->weights.empty());
}

TEST(LambdaConcurrency, ProvisionedBecomesReadyInTime) {
  World w;
  w.deployed();
  EXPECT_EQ(code_of(w.cloud.lambda.put_provisioned("f", "$LATEST", 2, w.now)),
            "InvalidParameterValueException");
  auto put = w.cloud.lambda.put_provisioned("f", "live", 2, w.now);
  ASSERT_TRUE(put.ok());
  EXPECT_EQ(put->status, "IN_PROGRESS");
  EXPECT_EQ(put->allocated, 0);
  w.settle();
  EXPECT_EQ(w.cloud.lambda.get_provisioned("f", "live", w.now)->status, "READY");
  EXPECT_EQ(w.cloud.lambda.get_provisioned("f", "live", w.now)->allocated, 2);
  EXPECT_EQ(code_of(w.cloud.lambda.put_provisioned("f", "1", 1, w.now)),
            "ResourceConflictException");
  ASSERT_TRUE(w.cloud.lambda.delete_provisioned("f", "live", w.now).ok());
  EXPECT_EQ(code_of(w.cloud.lambda.get_provisioned("f", "live", w.now)),
            "ProvisionedConcurrencyConfigNotFoundException");
}

TEST(LambdaConcurrency, ReservedLeavesSomeForOthersAndZeroStopsTheFunction) {
  World w;
  w.deployed();
  EXPECT_EQ(code_of(w.cloud.lambda.put_reserved_concurrency("f", 901, w.now)),
            "InvalidParameterValueException");
  EXPECT_TRUE(w.cloud.lambda.put_reserved_concurrency("f", 900, w.now).ok());
  EXPECT_TRUE(w.cloud.lambda.put_reserved_concurrency("f", 0, w.now).ok());
  EXPECT_EQ(code_of(w.cloud.lambda.route("f", "live", 0, w.now)), "TooManyRequestsException");
  EXPECT_TRUE(w.cloud.lambda.delete_reserved_concurrency("f", w.now).ok());
  EXPECT_TRUE(w.cloud.lambda.route("f", "live", 0, w.now).ok());
}

TEST(LambdaModel, AnIdleFunctionRefusesItsFirstCallAndWakes) {
  MemoryBlobStore blobs;
  CloudOptions options;
  options.lambda.inactive_after = 10min;
  Cloud cloud(options, blobs);
  WallTime now{1'790'000'000'000};
  ASSERT_TRUE(cloud.ecr.create("meals", false, now).ok());
  ASSERT_TRUE(cloud.ecr.put_image("meals", "a", digest_of('a'), kManifestType, "{}", now).ok());
  CreateFunction request;
  request.name = "f";
  request.settings.image_uri = cloud.ecr.repository_uri("meals") + ":a";
  ASSERT_TRUE(cloud.lambda.create(request, now).ok());
  now = now + 5min;
  EXPECT_EQ(cloud.lambda.get("f", "", now)->state, "Active");
  now = now + 11min;
  EXPECT_EQ(cloud.lambda.get("f", "", now)->state, "Inactive");
  EXPECT_EQ(code_of(cloud.lambda.route("f", "", 0, now)), "ResourceConflictException");
  EXPECT_EQ(cloud.lambda.get("f", "", now)->state, "Pending");
  now = now + 10s;
  EXPECT_TRUE(cloud.lambda.route("f", "", 0, now).ok());
}

TEST(LambdaModel, NamesAreUnderstoodInEveryForm) {
  const struct {
    const char* text;
    const char* name;
    const char* qualifier;
  } rows[] = {
      {"f", "f", ""},
      {"f:live", "f", "live"},
      {"000000000000:function:f", "f", ""},
      {"arn:aws:lambda:us-east-1:000000000000:function:f", "f", ""},
      {"arn:aws:lambda:us-east-1:000000000000:function:f:7", "f", "7"},
      {"my-function:live", "my-function", "live"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Lambda::parse_name(row.text).name, row.name) << row.text;
    EXPECT_EQ(Lambda::parse_name(row.text).qualifier, row.qualifier) << row.text;
  }
}

TEST(LambdaModel, TagsArePutAndTakenAway) {
  World w;
  w.deployed();
  ASSERT_TRUE(w.cloud.lambda.tag("f", {{"a", "1"}, {"b.c", "2"}}, w.now).ok());
  ASSERT_TRUE(w.cloud.lambda.untag("f", {"a"}, w.now).ok());
  EXPECT_EQ(*w.cloud.lambda.tags("f"), (std::map<std::string, std::string>{{"b.c", "2"}}));
}

// Whatever is done in whatever order: a version, once published, is the same for ever; aliases name
// versions that exist; what the ledger says was published is there unless it was deleted.
TEST(LambdaModel, HoldsItsPromisesUnderRandomUse) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    World w;
    w.deployed();
    std::mt19937 random(seed);
    auto pick = [&](unsigned n) { return random() % n; };
    std::map<std::string, std::string> published{{"1", w.image('a')}};
    for (int step = 0; step < 60; ++step) {
      const char image = static_cast<char>('a' + pick(3));
      const std::string version = std::to_string(1 + pick(8));
      switch (pick(6)) {
        case 0:
          (void)w.cloud.lambda.update_code("f", {w.image(image), "", "", false, false}, w.now);
          break;
        case 1:
          if (auto v = w.cloud.lambda.publish("f", {}, w.now); v.ok()) {
            auto [it, added] = published.try_emplace(v->version, v->settings.resolved_image_uri);
            EXPECT_EQ(it->second, v->settings.resolved_image_uri);
          }
          break;
        case 2:
          (void)w.cloud.lambda.update_alias({"f", "live", version, {}, {}, ""}, w.now);
          break;
        case 3:
          if (published.contains(version) && w.cloud.lambda.remove("f", version, w.now).ok())
            published.erase(version);
          break;
        default:
          w.pass(std::chrono::milliseconds(pick(2000)));
      }
      const Alias live = *w.cloud.lambda.get_alias("f", "live", w.now);
      ASSERT_TRUE(published.contains(live.version)) << "seed " << seed << ", step " << step;
      for (const auto& [number, uri] : published)
        ASSERT_EQ(w.cloud.lambda.get("f", number, w.now)->settings.resolved_image_uri, uri)
            << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace pawl::cloud
