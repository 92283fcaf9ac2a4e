// Manifests, globs, content types and the paths that may become keys.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "engine/static_site.h"

namespace pawl {
namespace {

TEST(Glob, MatchesAsPeopleExpect) {
  struct Row {
    const char* glob;
    const char* path;
    bool matches;
  };
  const Row rows[] = {
      {"*.js", "app.js", true},
      {"*.js", "lib/app.js", false},
      {"**/*.js", "app.js", true},
      {"**/*.js", "a/b/app.js", true},
      {"**/*.[0-9a-f]*.*", "app.f567120b.css", true},
      {"**/*.[0-9a-f]*.*", "lib/app.97ddd4ad.js", true},
      {"**/*.[0-9a-f]*.*", "robots.txt", false},
      {"**/*.[0-9a-f]*.*", "favicon.svg", false},
      {"assets/**", "assets/a/b", true},
      {"assets/**", "assets", false},
      {"**", "anything/at/all", true},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "a/xb", false},
      {"?.txt", "a.txt", true},
      {"?.txt", "/.txt", false},
      {"[!a]x", "bx", true},
      {"[!a]x", "ax", false},
      {"[a", "[a", true},
      {"[]", "[]", true},
      {"", "", true},
      {"", "a", false},
      {"a", "", false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(glob_matches(row.glob, row.path), row.matches) << row.glob << " " << row.path;
}

TEST(Glob, ManyStarsDoNotTakeForever) {
  const std::string path(900, 'a');
  std::string glob;
  for (int i = 0; i < 300; ++i) glob += "*a";
  EXPECT_TRUE(glob_matches(glob, path));
  EXPECT_FALSE(glob_matches(glob + "b", path));
}

TEST(SafePath, TakesOnlyWhatCanBeAKey) {
  for (const char* good : {"a", "a/b.txt", ".hidden", "a b", "\xC3\xBC/\xE6\x97\xA5.txt", "a..b"})
    EXPECT_TRUE(is_safe_path(good)) << good;
  for (const char* bad : {"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\nb", "\xFF",
                          "\xC3", ".pawl/x", "a\x7F"})
    EXPECT_FALSE(is_safe_path(bad)) << bad;
  EXPECT_FALSE(is_safe_path(std::string(2000, 'a')));
}

TEST(ContentType, GoesByTheExtension) {
  EXPECT_EQ(content_type_for("a/index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_for("APP.JS"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type_for("a.b/LICENSE"), "application/octet-stream");
  EXPECT_EQ(content_type_for("x.woff2"), "font/woff2");
}

StaticManifest sample() {
  StaticFile file;
  file.path = "index.html";
  file.size = 5;
  file.sha256 = sha256_hex("hello");
  file.content_type = "text/html; charset=utf-8";
  file.cache_control = "no-cache";
  file.etag = "5d41402abc4b2a76b9719d911017c592";
  StaticManifest manifest;
  manifest.files.push_back(file);
  return manifest;
}

TEST(StaticManifest, SurvivesJson) {
  auto read = static_manifest_from_json(to_json(sample()));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->files, sample().files);
  EXPECT_EQ(read->digest(), sample().digest());
}

TEST(StaticManifest, ItsDigestIsOverContentAndHeadersOnly) {
  StaticManifest other = sample();
  other.files[0].etag.clear();
  EXPECT_EQ(other.digest(), sample().digest());
  other.files[0].cache_control = "max-age=60";
  EXPECT_NE(other.digest(), sample().digest());
}

TEST(StaticManifest, RefusesWhatWouldLeadElsewhere) {
  for (const char* path : {"../x", "/x", ".pawl/releases/x", ""}) {
    StaticManifest manifest = sample();
    manifest.files[0].path = path;
    EXPECT_FALSE(static_manifest_from_json(to_json(manifest)).ok()) << path;
  }
  StaticManifest manifest = sample();
  manifest.files[0].sha256 = "abc";
  EXPECT_FALSE(static_manifest_from_json(to_json(manifest)).ok());
  EXPECT_FALSE(static_manifest_from_json(json::object{}).ok());
}

}  // namespace
}  // namespace pawl
