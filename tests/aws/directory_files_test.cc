// What is found in a directory, and what is refused.
#include "aws/directory_files.h"

#include <gtest/gtest.h>

#include "aws/file_body.h"
#include "aws/s3.h"
#include "base/hash.h"
#include "support/fake_ports.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

using fakes::run;
using test::TempFolder;

struct Site {
  TempFolder folder;
  std::unique_ptr<StaticFiles> files = make_directory_files(folder.path().string());
  Result<StaticManifest> scan() { return run(files->scan("site", {"**/*.[0-9a-f]*.*"})); }
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
