// The rules of the validate stage, as a table: what asked, what is known, what is decided.
#include "core/validate.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "core/freeze.h"
#include "core/version_order.h"

namespace pawl {
namespace {

using Verdict = Decision::Verdict;

const std::string kHead = "aaaaaaa111111111111111111111111111111111";
const std::string kTagged = "bbbbbbb222222222222222222222222222222222";
const std::string kLive = "ccccccc333333333333333333333333333333333";

// 2026-11-27 is a Friday.
WallTime at(const std::string& time) {
  return *parse_iso8601(time);
}

Config config() {
  Config made;
  made.app = "meals";
  EnvironmentConfig dev;
  dev.name = "dev";
  dev.trigger = EnvironmentTrigger::ci;
  dev.image.source = "ghcr.io/example/meals";
  EnvironmentConfig staging = dev;
  staging.name = "staging";
  staging.trigger = EnvironmentTrigger::manual;
  EnvironmentConfig prod = staging;
  prod.name = "prod";
  prod.tag_required = true;
  prod.approvals_required = 1;
  prod.promote_from = "staging";
  prod.freeze = {*parse_freeze_window("Fri 16:00-Mon 08:00 Europe/Berlin")};
  made.environments = {dev, staging, prod};
  return made;
}

// One row: the defaults are a person on a work tree whose HEAD has the newest tag and an image.
struct Row {
  std::string what;
  std::string environment = "staging";
  Trigger trigger{};
  Facts facts{};
  // Expected:
  Verdict verdict = Verdict::deploy;
  std::string tag;
  std::string version;
  bool needs_build = false;
  std::string reason;  // a part of it
};

Trigger manual(std::string tag = "") {
  Trigger trigger;
  trigger.tag = std::move(tag);
  trigger.sha = kHead;
  trigger.actor = "ana";
  return trigger;
}
Trigger ci(std::string conclusion = "success", std::string branch = "main") {
  Trigger trigger;
  trigger.kind = TriggerKind::ci;
  trigger.sha = kHead;
  trigger.ci_conclusion = std::move(conclusion);
  trigger.branch = std::move(branch);
  return trigger;
}
Trigger approved(std::string tag, std::string by) {
  Trigger trigger = manual(std::move(tag));
  trigger.approved_by = std::move(by);
  return trigger;
}

Facts facts() {
  Facts known;
  known.now = at("2026-11-24T12:00:00Z");
  known.utc_offset_minutes = {{"Europe/Berlin", 60}};
  known.newest_tag = "v1.4.2";
  known.newest_tag_sha = kHead;
  known.image_exists = true;
  known.can_build = true;
  return known;
}
Facts with(void (*change)(Facts&)) {
  Facts known = facts();
  change(known);
  return known;
}
Facts no_image(void (*change)(Facts&) = [](Facts&) {}) {
  Facts known = facts();
  known.image_exists = false;
  change(known);
  return known;
}

std::vector<Row> rows() {
  const auto deploy = Verdict::deploy;
  const auto nothing = Verdict::nothing_to_do;
  const auto refused = Verdict::refused;
  const auto older = [](Facts& f) {
    f.is_older_than_live = true;
    f.live_sha = kLive;
  };
  const auto verified = [](Facts& f) { f.verified_in_promote_from = "1.4.2"; };
  // clang-format off
  return {
      // what                        environment  trigger             facts            verdict  tag  version  build  reason
      {"CI passed",                   "dev",     ci(),                facts(),         deploy,  "aaaaaaa", "aaaaaaa", false, "CI passed for commit aaaaaaa"},
      {"CI passed, no image",         "dev",     ci(),                no_image(),      deploy,  "aaaaaaa", "aaaaaaa", true,  "its image is to be built"},
      {"CI failed",                   "dev",     ci("failure"),       facts(),         nothing, "aaaaaaa", "aaaaaaa", false, "CI ended with failure"},
      {"CI cancelled",                "dev",     ci("cancelled"),     facts(),         nothing, "aaaaaaa", "aaaaaaa", false, "CI ended with cancelled"},
      {"CI not done",                 "dev",     ci(""),              facts(),         nothing, "aaaaaaa", "aaaaaaa", false, "CI has not completed"},
      {"CI of another branch",        "dev",     ci("success", "x"),  facts(),         nothing, "aaaaaaa", "aaaaaaa", false, "only main is deployed"},
      {"CI, environment by hand",     "staging", ci(),                facts(),         nothing, "aaaaaaa", "aaaaaaa", false, "deployed by hand"},
      {"CI of an older commit",       "dev",     ci(),                with(older),     Verdict::superseded, "aaaaaaa", "aaaaaaa", false, "commit aaaaaaa is older than ccccccc, which is live in dev"},
      {"CI failed on an older one",   "dev",     ci("failure"),       with(older),     nothing, "aaaaaaa", "aaaaaaa", false, "CI ended"},
      {"no image, no builder",        "dev",     ci(),                no_image([](Facts& f) { f.can_build = false; }), refused, "aaaaaaa", "aaaaaaa", false, "was never pushed"},

      {"newest tag",                  "staging", manual(),            facts(),         deploy,  "v1.4.2",  "1.4.2",   false, "v1.4.2 is the newest tag"},
      {"newest tag, not built",       "staging", manual(),            no_image(),      deploy,  "v1.4.2",  "1.4.2",   true,  "to be built"},
      {"newest tag, HEAD beyond",     "staging", manual(),            with([](Facts& f) { f.newest_tag_sha = kTagged; }), deploy, "v1.4.2", "1.4.2", false, ""},
      {"the same, never built",       "staging", manual(),            no_image([](Facts& f) { f.newest_tag_sha = kTagged; }), refused, "v1.4.2", "1.4.2", false, "v1.4.2 is commit bbbbbbb, and aaaaaaa is checked out"},
      {"no tags",                     "staging", manual(),            with([](Facts& f) { f.newest_tag.clear(); }), deploy, "aaaaaaa", "aaaaaaa", false, "there is no version tag"},
      {"an older commit, on purpose", "staging", manual(),            with(older),     deploy,  "v1.4.2",  "1.4.2",   false, "asked for on purpose"},
      {"by hand to the CI one",       "dev",     manual(),            facts(),         deploy,  "v1.4.2",  "1.4.2",   false, ""},

      {"tag by hand wins",            "staging", manual("v1.3.0"),    facts(),         deploy,  "v1.3.0",  "1.3.0",   false, "v1.3.0 was asked for"},
      {"tag without v",               "staging", manual("1.3.0"),     facts(),         deploy,  "1.3.0",   "1.3.0",   false, ""},
      {"tag that git does not know",  "staging", manual("v9"),        no_image(),      refused, "v9",      "9",       false, "git knows no tag or commit 'v9'"},
      {"tag of HEAD, not built",      "staging", manual("v1.4.2"),    no_image([](Facts& f) { f.tag_sha = kHead; }), deploy, "v1.4.2", "1.4.2", true, ""},
      {"tag of another commit",       "staging", manual("v1.3.0"),    no_image([](Facts& f) { f.tag_sha = kTagged; }), refused, "v1.3.0", "1.3.0", false, "v1.3.0 is commit bbbbbbb, and aaaaaaa is checked out"},
      {"HEAD by its short id",        "staging", manual("aaaaaaa"),   no_image(),      deploy,  "aaaaaaa", "aaaaaaa", true,  ""},
      {"latest",                      "staging", manual("latest"),    facts(),         refused, "latest",  "latest",  false, "'latest' names whatever was pushed last"},
      {"tag no image can have",       "staging", manual("rel/1.4"),   facts(),         refused, "rel/1.4", "rel/1.4", false, "cannot be an image's tag"},
      {"build metadata",              "staging", manual("v1.4+b1"),   facts(),         refused, "v1.4+b1", "1.4+b1",  false, "cannot be an image's tag"},
      {"registry not asked",          "staging", manual(),            with([](Facts& f) { f.image_exists.reset(); }), refused, "v1.4.2", "1.4.2", false, "it is not known whether"},

      {"prod without a tag",          "prod",    manual(),            with(verified),  refused, "v1.4.2",  "1.4.2",   false, "prod wants the release to be named"},
      {"prod not approved",           "prod",    manual("v1.4.2"),    with(verified),  refused, "v1.4.2",  "1.4.2",   false, "prod needs 1 approval"},
      {"prod approved",               "prod",    approved("v1.4.2", "ben"), with(verified), deploy, "v1.4.2", "1.4.2", false, "approved by ben"},
      {"prod approved by blanks",     "prod",    approved("v1.4.2", " ,"), with(verified), refused, "v1.4.2", "1.4.2", false, "prod needs 1 approval"},
      {"prod, not in staging yet",    "prod",    approved("v1.4.2", "ben"), facts(),    refused, "v1.4.2", "1.4.2",   false, "nothing was yet"},
      {"prod, another in staging",    "prod",    approved("v1.4.1", "ben"), with(verified), refused, "v1.4.1", "1.4.1", false, "which is 1.4.2 and not 1.4.1"},
      {"prod in the freeze",          "prod",    approved("v1.4.2", "ben"), with([](Facts& f) { f.verified_in_promote_from = "1.4.2"; f.now = at("2026-11-27T15:00:00Z"); }), refused, "v1.4.2", "1.4.2", false, "prod is frozen (Fri 16:00-Mon 08:00 Europe/Berlin)"},
      {"just before the freeze",      "prod",    approved("v1.4.2", "ben"), with([](Facts& f) { f.verified_in_promote_from = "1.4.2"; f.now = at("2026-11-27T14:59:00Z"); }), deploy, "v1.4.2", "1.4.2", false, ""},
      {"the freeze is over",          "prod",    approved("v1.4.2", "ben"), with([](Facts& f) { f.verified_in_promote_from = "1.4.2"; f.now = at("2026-11-30T07:00:00Z"); }), deploy, "v1.4.2", "1.4.2", false, ""},
      {"the zone is not known",       "prod",    approved("v1.4.2", "ben"), with([](Facts& f) { f.verified_in_promote_from = "1.4.2"; f.utc_offset_minutes.clear(); }), refused, "v1.4.2", "1.4.2", false, "the time in Europe/Berlin is not known"},
  };
  // clang-format on
}

TEST(Validate, FollowsTheTable) {
  const Config made = config();
  for (const auto& row : rows()) {
    const auto& environment = **made.environment(row.environment);
    const Decision decision = validate(made, environment, row.trigger, row.facts);
    EXPECT_EQ(to_string(decision.verdict), to_string(row.verdict))
        << row.what << ": " << decision.reason;
    EXPECT_EQ(decision.release.tag, row.tag) << row.what;
    EXPECT_EQ(decision.release.version, row.version) << row.what;
    EXPECT_EQ(decision.release.image_tag, row.version) << row.what;
    EXPECT_EQ(decision.needs_build, row.needs_build) << row.what;
    EXPECT_NE(decision.reason.find(row.reason), std::string::npos)
        << row.what << "\n  said:     " << decision.reason << "\n  expected: " << row.reason;
    EXPECT_FALSE(decision.reason.empty()) << row.what;
    if (row.verdict == Verdict::refused) {
      EXPECT_FALSE(decision.hint.empty()) << row.what;
    }
  }
}

TEST(Validate, IsTotalOverNothingKnown) {
  const Config made = config();
  const Decision decision = validate(made, made.environments[1], Trigger{}, Facts{});
  EXPECT_EQ(decision.verdict, Verdict::refused);
  EXPECT_NE(decision.reason.find("nothing names what to deploy"), std::string::npos);
}

TEST(NameRelease, TakesOneCommitAllTheWay) {
  const Config made = config();
  const auto& staging = made.environments[1];
  Facts known = facts();
  known.newest_tag_sha = kTagged;
  EXPECT_EQ(name_release(staging, manual(), known).sha, kTagged);
  EXPECT_EQ(name_release(staging, ci(), known).sha, kHead);
  known.tag_sha = kTagged;
  EXPECT_EQ(name_release(staging, manual("v1.4.2"), known).sha, kTagged);
  known.tag_sha = kHead;
  const auto by_id = name_release(staging, manual(kHead), known);
  EXPECT_EQ(by_id.image_tag, "aaaaaaa");
  EXPECT_EQ(by_id.sha, kHead);
}

TEST(CiEnvironment, IsTheOneThatCiTriggers) {
  EXPECT_EQ(ci_environment(config()), "dev");
  EXPECT_EQ(ci_environment(Config{}), "");
}

TEST(VersionOrder, IsThatOfSemanticVersioning) {
  const std::vector<std::string> ascending = {
      "v0.9.10",     "v1.0.0-alpha",  "v1.0.0-alpha.1", "v1.0.0-alpha.beta",
      "v1.0.0-beta", "v1.0.0-beta.2", "v1.0.0-beta.11", "v1.0.0-rc.1",
      "1.0.0",       "v1.0.1",        "v1.2",           "v1.10.0",
      "v2.0.0"};
  for (size_t i = 0; i + 1 < ascending.size(); ++i)
    EXPECT_TRUE(compare_versions(*parse_version(ascending[i]), *parse_version(ascending[i + 1])) <
                0)
        << ascending[i] << " < " << ascending[i + 1];
  EXPECT_TRUE(compare_versions(*parse_version("v1.2"), *parse_version("1.2.0+build.5")) == 0);
  auto shuffled = ascending;
  std::rotate(shuffled.begin(), shuffled.begin() + 5, shuffled.end());
  shuffled.insert(shuffled.begin(), {"latest", "nightly-2026", "v3", "2026", "99"});
  EXPECT_EQ(newest_version_tag(shuffled), "v2.0.0");
  EXPECT_EQ(newest_version_tag({"latest"}), "");
}

TEST(VersionOrder, ReadsOnlyVersions) {
  for (const auto* no : {"", "v", "1", "v1", "1.2.3.4", "1..2", "a.b", "1.2-", "1.2-a..b", "1.2+",
                         "vv1.2", "1.2.x", "99999999999999999999.1", "-1.2"})
    EXPECT_FALSE(parse_version(no).has_value()) << no;
  EXPECT_EQ(strip_v("v1.2.3"), "1.2.3");
  EXPECT_EQ(strip_v("vanilla"), "vanilla");
  EXPECT_EQ(strip_v("v"), "v");
}

TEST(Freeze, ReadsWindowsOfTheWeek) {
  const auto window = parse_freeze_window("Fri 16:00-Mon 08:00 Europe/Berlin");
  ASSERT_TRUE(window.has_value());
  EXPECT_EQ(window->start_minute_of_week, 4 * 1440 + 16 * 60);
  EXPECT_EQ(window->end_minute_of_week, 8 * 60);
  EXPECT_EQ(end_of(*window), "Mon 08:00 Europe/Berlin");
  EXPECT_EQ(parse_freeze_window("Sat 00:00-Sun 00:00")->zone, "UTC");
  for (const auto* no :
       {"", "Fri 16:00", "Fri 24:00-Mon 08:00", "Fri 16:60-Mon 08:00", "Fri 16:00-Fri 16:00",
        "fri 16:00-mon 08:00", "Fri 16:00-Mon 08:00 ", "Fri 16:00-Mon 08:00 Europe/",
        "Fri 16:00-Mon 08:00 ../etc", "Fri 16:00 Mon 08:00"})
    EXPECT_FALSE(parse_freeze_window(no).has_value()) << no;
}

TEST(Freeze, KnowsTheDayOfTheWeekInItsZone) {
  const auto window = *parse_freeze_window("Mon 00:00-Mon 01:00");
  EXPECT_TRUE(is_in_window(window, at("2026-11-23T00:00:00Z"), 0));
  EXPECT_FALSE(is_in_window(window, at("2026-11-23T01:00:00Z"), 0));
  EXPECT_TRUE(is_in_window(window, at("2026-11-22T23:30:00Z"), 60));
  EXPECT_TRUE(is_in_window(window, at("1969-12-29T00:30:00Z"), 0));
  const auto over_the_weekend = *parse_freeze_window("Sun 23:00-Mon 01:00");
  EXPECT_TRUE(is_in_window(over_the_weekend, at("2026-11-22T23:30:00Z"), 0));
  EXPECT_TRUE(is_in_window(over_the_weekend, at("2026-11-23T00:30:00Z"), 0));
  EXPECT_FALSE(is_in_window(over_the_weekend, at("2026-11-22T22:59:00Z"), 0));
}

}  // namespace
}  // namespace pawl
