// What is found in a directory, and what is refused.
#include "aws/directory_files.h"

#include <gtest/gtest.h>

#include "aws/file_body.h"
#include "aws/s3.h"
#include "base/hash.h"
#include "support/fakes/run.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

using fakes::run;
using test::TempFolder;

struct Site {
  TempFolder folder;
  StaticRules rules{{"**/*.[0-9a-f]*.*"}, {}, {}};
  std::unique_ptr<StaticFiles> files = make_directory_files(options());
  DirectoryOptions options() { return {folder.path().string(), folder / "cache", nullptr}; }
  Result<StaticManifest> scan() { return run(files->scan("site", rules)); }
};

TEST(DirectoryFiles, DescribesEveryFileSortedByPath) {
  Site site;
  site.folder.write("site/lib/app.f567.js", "js");
  site.folder.write("site/index.html", "hello");
  site.folder.write("site/.well-known/x", "");
  auto manifest = site.scan();
  ASSERT_TRUE(manifest.ok()) << manifest.error().message();
  ASSERT_EQ(manifest->files.size(), 3u);
  EXPECT_EQ(manifest->files[0].path, ".well-known/x");
  const StaticFile& page = manifest->files[1];
  EXPECT_EQ(page.path, "index.html");
  EXPECT_EQ(page.sha256, sha256_hex("hello"));
  EXPECT_EQ(page.etag, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(page.cache_control, "no-cache");
  EXPECT_FALSE(page.is_immutable);
  EXPECT_TRUE(manifest->files[2].is_immutable);
  EXPECT_EQ(manifest->files[2].cache_control, "public,max-age=31536000,immutable");
  EXPECT_EQ(TempFolder::read(site.files->path_of("site", page)), "hello");
}

TEST(DirectoryFiles, CachesByTheFirstRuleThatMatches) {
  Site site;
  site.rules.cache = {{"**/*.html", "public,max-age=60"}, {"**", "public,max-age=5"}};
  site.folder.write("site/index.html", "hello");
  site.folder.write("site/app.f567.js", "js");
  const auto manifest = site.scan();
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->files[0].cache_control, "public,max-age=5");
  EXPECT_TRUE(manifest->files[0].is_immutable);  // a rule of caching makes nothing mutable
  EXPECT_EQ(manifest->files[1].cache_control, "public,max-age=60");
}

// Decompressed by programs that nobody here wrote.
std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  return ::pclose(pipe) == 0 ? text : "";
}

TEST(DirectoryFiles, MakesVariantsOfWhatGainsFromIt) {
  Site site;
  site.rules.compress = {"br", "gzip"};
  std::string script;
  for (int i = 0; i < 20'000; ++i) script += "let x" + std::to_string(i % 700) + " = 1;\n";
  site.folder.write("site/app.f567.js", script);
  site.folder.write("site/empty.css", "");
  site.folder.write("site/photo.jpg", script);  // by its type
  const auto manifest = site.scan();
  ASSERT_TRUE(manifest.ok()) << manifest.error().message();
  std::vector<std::string> paths;
  for (const auto& file : manifest->files) paths.push_back(file.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"app.f567.js", "app.f567.js.br", "app.f567.js.gz",
                                      "empty.css", "empty.css.br", "empty.css.gz", "photo.jpg"}));
  const StaticFile& br = manifest->files[1];
  const StaticFile& gz = manifest->files[2];
  EXPECT_EQ(br.content_encoding, "br");
  EXPECT_EQ(gz.content_encoding, "gzip");
  for (const auto* variant : {&br, &gz}) {
    EXPECT_EQ(variant->content_type, "text/javascript; charset=utf-8");
    EXPECT_TRUE(variant->is_immutable);
    EXPECT_LT(variant->size, script.size() / 5);
    const std::string body = TempFolder::read(site.files->path_of("site", *variant));
    EXPECT_EQ(body.size(), variant->size);
    EXPECT_EQ(sha256_hex(body), variant->sha256);
  }
  EXPECT_EQ(output_of("gzip -dc < " + site.files->path_of("site", gz)), script);
  const std::string node =
      "const z=require('zlib'),f=require('fs');process.stdout.write("
      "z.brotliDecompressSync(f.readFileSync(0)))";
  if (output_of("command -v node").empty()) GTEST_SKIP() << "no node here to undo brotli";
  EXPECT_EQ(output_of("node -e \"" + node + "\" < " + site.files->path_of("site", br)), script);
}

TEST(DirectoryFiles, KeepsVariantsForTheNextScan) {
  Site site;
  site.rules.compress = {"br"};
  site.folder.write("site/a.txt", std::string(5'000, 'a'));
  ASSERT_TRUE(site.scan().ok());
  const std::string place = site.folder / "cache/" + sha256_hex(std::string(5'000, 'a')) + ".br";
  ASSERT_TRUE(std::filesystem::exists(place));
  site.folder.write("cache/" + sha256_hex(std::string(5'000, 'a')) + ".br", "kept");
  const auto again = site.scan();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->files[1].sha256, sha256_hex("kept"));
}

TEST(DirectoryFiles, TakesTheVariantsOfTheBuildAsTheyAre) {
  Site site;
  site.rules.compress = {"br", "gzip"};
  const std::string text(5'000, 'a');
  site.folder.write("site/a.txt", text);
  site.folder.write("site/a.txt.br", "of the build");
  site.folder.write("site/lone.gz", "an archive");
  const auto manifest = site.scan();
  ASSERT_TRUE(manifest.ok());
  ASSERT_EQ(manifest->files.size(), 4u);
  EXPECT_EQ(manifest->files[1].path, "a.txt.br");
  EXPECT_EQ(manifest->files[1].content_encoding, "br");
  EXPECT_EQ(manifest->files[1].content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(manifest->files[1].sha256, sha256_hex("of the build"));
  EXPECT_EQ(manifest->files[2].path, "a.txt.gz");
  EXPECT_EQ(manifest->files[3].path, "lone.gz");
  EXPECT_EQ(manifest->files[3].content_encoding, "");
}

TEST(DirectoryFiles, ALinkWithinTheDirectoryIsTheFileOneThatLeadsOutIsRefused) {
  Site site;
  site.folder.write("site/a.txt", "a");
  site.folder.write("secret", "s");
  std::filesystem::create_symlink("a.txt", site.folder / "site/b.txt");
  auto manifest = site.scan();
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->files[1].sha256, sha256_hex("a"));
  for (const char* target : {"../secret", "nowhere", "/etc", "."}) {
    std::filesystem::remove(site.folder / "site/c.txt");
    std::filesystem::create_symlink(target, site.folder / "site/c.txt");
    auto refused = site.scan();
    ASSERT_FALSE(refused.ok()) << target;
    EXPECT_EQ(refused.error().kind(), ErrorKind::usage);
    EXPECT_NE(refused.error().message().find("c.txt"), std::string::npos);
  }
}

TEST(DirectoryFiles, RefusesNamesThatCannotBeKeysAndWhatIsNoDirectory) {
  Site site;
  EXPECT_EQ(site.scan().error().kind(), ErrorKind::not_found);
  site.folder.write("site/a\nb", "a");
  EXPECT_EQ(site.scan().error().kind(), ErrorKind::usage);
  std::filesystem::remove(site.folder / "site/a\nb");
  site.folder.write("site/.pawl/x", "ours");
  EXPECT_TRUE(site.scan()->files.empty());
}

TEST(FileBody, ReadsARangeAndCanBeginAgain) {
  TempFolder folder;
  auto body = aws::file_range(folder.write("f", "0123456789"), 2, 5);
  EXPECT_EQ(body->size(), 5u);
  for (int round = 0; round < 2; ++round) {
    std::string text;
    std::array<std::byte, 3> buffer;
    for (auto chunk = body->read(buffer); chunk.flow == Flow::ready; chunk = body->read(buffer))
      text.append(reinterpret_cast<const char*>(buffer.data()), chunk.bytes);
    EXPECT_EQ(text, "23456");
    EXPECT_TRUE(body->rewind());
  }
  auto too_long = aws::file_range(folder / "f", 5, 50);
  std::array<std::byte, 64> buffer;
  EXPECT_EQ(too_long->read(buffer).bytes, 5u);
  EXPECT_EQ(too_long->read(buffer).flow, Flow::abort);
}

TEST(FileBody, KnowsTheEtagOfAnUploadInParts) {
  TempFolder folder;
  const std::string file = folder.write("f", "aabbc");
  // md5 over md5("aa") md5("bb") md5("c")
  auto etag = aws::etag_of_parts(file, 5, 2);
  ASSERT_TRUE(etag.ok());
  EXPECT_EQ(etag->substr(32), "-3");
}

}  // namespace
}  // namespace pawl
