// Layers that want out, and layers that are as they should be.
#include "sandbox/runner/layers.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <fstream>

#include "sandbox/files.h"
#include "sandbox/support/tar.h"
#include "support/temp_folder.h"

namespace pawl::sandbox {
namespace {

using test::Tar;
using test::TempFolder;

std::string gzipped(const std::string& plain) {
  std::string out(compressBound(plain.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Unpacks layers one over another into root/, beside which lies a file that must stay as it is.
class Layers : public testing::Test {
 protected:
  Layers() {
    EXPECT_TRUE(write_file_atomically(folder_.path() / "outside/secret", "untouched").ok());
  }
  ~Layers() override {
    EXPECT_EQ(content("../outside/secret"), "untouched");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path() / "outside"), {}),
              1);
  }

  Result<void> unpack(const std::string& plain, UnpackLimits limits = {}) {
    return unpack_bytes(plain, Digest::of(plain), Digest::of(plain), limits);
  }
  Result<void> unpack_bytes(const std::string& bytes, const Digest& digest, const Digest& diff_id,
                            UnpackLimits limits = {}) {
    const auto file = folder_.path() / "layer";
    EXPECT_TRUE(write_file_atomically(file, bytes).ok());
    auto tree = SafeTree::open(folder_.path() / "root");
    EXPECT_TRUE(tree.ok());
    return unpack_layer(*tree, {file, digest, diff_id}, limits, usage_);
  }
  std::string content(const std::string& name) {
    auto text = read_whole_file(folder_.path() / "root" / name, 1 << 20);
    return text.ok() ? *text : "(none)";
  }
  bool exists(const std::string& name) {
    return std::filesystem::symlink_status(folder_.path() / "root" / name).type() !=
           std::filesystem::file_type::not_found;
  }

  TempFolder folder_;
  UnpackUsage usage_;
};

TEST_F(Layers, UnpacksFilesFoldersAndLinks) {
  Tar tar;
  tar.directory("./").directory("etc/", 0700).file("etc/name", "meals", 0640);
  tar.symlink("etc/link", "/etc/name")
      .hard_link("etc/again", "etc/name")
      .file("a/b/c", "deep", 04755);
  auto result = unpack(tar.bytes());
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(content("etc/name"), "meals");
  EXPECT_EQ(content("etc/again"), "meals");
  EXPECT_EQ(std::filesystem::read_symlink(folder_.path() / "root/etc/link"), "/etc/name");
  struct stat info {};
  ASSERT_EQ(::stat((folder_.path() / "root/a/b/c").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u) << "set-user-id bits are dropped";
  EXPECT_EQ(info.st_mtime, 1700000000);
}

TEST_F(Layers, TakesGzipAndChecksBothDigests) {
  const std::string plain = Tar().file("a", "1").bytes();
  const std::string packed = gzipped(plain);
  ASSERT_TRUE(unpack_bytes(packed, Digest::of(packed), Digest::of(plain)).ok());
  EXPECT_EQ(content("a"), "1");
  EXPECT_FALSE(unpack_bytes(packed, Digest::of("other"), Digest::of(plain)).ok());
  EXPECT_FALSE(unpack_bytes(packed, Digest::of(packed), Digest::of("other")).ok());
}

TEST_F(Layers, AnEmptyLayerIsNothing) {
  EXPECT_TRUE(unpack(Tar().bytes()).ok());
}

struct Attack {
  const char* name;
  Tar tar;
};

// What no image may do, each in one layer over the same friendly first one.
std::vector<Attack> attacks() {
  return {
      {"an absolute path", Tar().file("/outside/new", "x")},
      {"..", Tar().file("../outside/new", "x")},
      {".. in the middle", Tar().file("etc/../../outside/new", "x")},
      {"a file through a link", Tar().symlink("out", "../outside").file("out/secret", "x")},
      {"a file through an absolute link",
       Tar().symlink("out", "/tmp").file("out/pawl-escape", "x")},
      {"a folder through a link", Tar().symlink("out", "../outside").directory("out/new")},
      {"a folder that makes parents through a link",
       Tar().symlink("out", "../outside").file("out/a/b/c", "x")},
      {"a whiteout through a link", Tar().symlink("out", "../outside").file("out/.wh.secret", "")},
      {"an opaque marker through a link",
       Tar().symlink("out", "../outside").file("out/.wh..wh..opq", "")},
      {"a hard link to the outside", Tar().hard_link("stolen", "../outside/secret")},
      {"a hard link to an absolute path", Tar().hard_link("stolen", "/etc/passwd")},
      {"a hard link through a link",
       Tar().symlink("out", "../outside").hard_link("stolen", "out/secret")},
      {"a link put under a hard link",
       Tar().symlink("out", "../outside").hard_link("out/secret", "etc/name")},
      {"a whiteout that names the parent", Tar().file("etc/.wh...", "")},
      {"a whiteout that names nothing", Tar().file("etc/.wh.", "")},
      {"a device", Tar().device("etc/sda")},
      {"a fifo", Tar().fifo("etc/pipe")},
      {"a file in the root's place", Tar().file("./", "x")},
      {"a hard link to a folder", Tar().hard_link("folder", "etc")},
  };
}

TEST_F(Layers, RefusesWhateverWouldLeaveTheRoot) {
  for (const auto& attack : attacks()) {
    std::filesystem::remove_all(folder_.path() / "root");
    ASSERT_TRUE(unpack(Tar().file("etc/name", "meals").bytes()).ok());
    auto result = unpack(attack.tar.bytes());
    EXPECT_FALSE(result.ok()) << attack.name;
    EXPECT_EQ(content("../outside/secret"), "untouched") << attack.name;
    EXPECT_EQ(content("etc/name"), "meals") << attack.name;
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/pawl-escape"));
}

TEST_F(Layers, AFileReplacesALinkInsteadOfWritingThroughIt) {
  Tar tar;
  tar.symlink("etc/name", "../../outside/secret").file("etc/name", "new");
  ASSERT_TRUE(unpack(tar.bytes()).ok());
  EXPECT_EQ(content("etc/name"), "new");
}

TEST_F(Layers, AFolderReplacesALinkToOneOutside) {
  Tar tar;
  tar.symlink("out", "../outside").directory("out").file("out/secret", "mine");
  ASSERT_TRUE(unpack(tar.bytes()).ok());
  EXPECT_EQ(content("out/secret"), "mine");
}

TEST_F(Layers, WhiteoutsHideWhatIsBelow) {
  ASSERT_TRUE(
      unpack(Tar().file("etc/a", "1").file("etc/b/c", "2").symlink("etc/s", "/").bytes()).ok());
  ASSERT_TRUE(unpack(Tar()
                         .file("etc/.wh.a", "")
                         .file("etc/.wh.b", "")
                         .file("etc/.wh.s", "")
                         .file("nowhere/.wh.x", "")
                         .bytes())
                  .ok());
  EXPECT_FALSE(exists("etc/a"));
  EXPECT_FALSE(exists("etc/b"));
  EXPECT_FALSE(exists("etc/s"));
  EXPECT_FALSE(exists("etc/.wh.a"));
}

TEST_F(Layers, OpaqueFoldersKeepOnlyWhatTheirOwnLayerBrings) {
  ASSERT_TRUE(unpack(Tar().file("d/old", "1").file("d/sub/old", "2").bytes()).ok());
  // The marker may come before or after what it must not hide.
  ASSERT_TRUE(unpack(Tar()
                         .directory("d")
                         .file("d/first", "3")
                         .directory("d/sub")
                         .file("d/sub/new", "4")
                         .file("d/.wh..wh..opq", "")
                         .file("d/last", "5")
                         .bytes())
                  .ok());
  EXPECT_FALSE(exists("d/old"));
  EXPECT_FALSE(exists("d/sub/old"));
  EXPECT_EQ(content("d/first") + content("d/sub/new") + content("d/last"), "345");
}

TEST_F(Layers, AWhiteoutDoesNotHideItsOwnLayersFile) {
  ASSERT_TRUE(unpack(Tar().file("a", "old").bytes()).ok());
  ASSERT_TRUE(unpack(Tar().file("a", "new").file(".wh.a", "").bytes()).ok());
  EXPECT_EQ(content("a"), "new");
}

TEST_F(Layers, DevicesUnderDevAreLeftOut) {
  ASSERT_TRUE(unpack(Tar().device("dev/null").file("a", "1").bytes()).ok());
  EXPECT_FALSE(exists("dev/null"));
}

TEST_F(Layers, LimitsHold) {
  UnpackLimits few;
  few.max_entries = 3;
  EXPECT_FALSE(
      unpack(Tar().file("a", "").file("b", "").file("c", "").file("d", "").bytes(), few).ok());
  usage_ = {};
  UnpackLimits small;
  small.max_bytes = 1000;
  EXPECT_FALSE(
      unpack(Tar().file("a", std::string(600, 'x')).file("b", std::string(600, 'x')).bytes(), small)
          .ok());
  usage_ = {};
  // A bomb: what unpacks to much more than it is.
  const std::string bomb = Tar().file("zeros", std::string(64 << 20, '\0')).bytes();
  const std::string packed = gzipped(bomb);
  ASSERT_LT(packed.size(), 100'000u);
  small.max_bytes = 1 << 20;
  EXPECT_FALSE(unpack_bytes(packed, Digest::of(packed), Digest::of(bomb), small).ok());
}

TEST_F(Layers, ATruncatedOrForeignFileIsAnError) {
  const std::string plain = Tar().file("a", std::string(5000, 'x')).bytes();
  EXPECT_FALSE(unpack(plain.substr(0, 3000)).ok());
  const std::string packed = gzipped(plain);
  const std::string half = packed.substr(0, packed.size() / 2);
  EXPECT_FALSE(unpack_bytes(half, Digest::of(half), Digest::of(plain)).ok());
  EXPECT_FALSE(
      unpack("this is no tar, only text that somebody called a layer, and long enough").ok());
}

TEST(TreePath, IsCleanedOrRefused) {
  struct Row {
    const char* path;
    const char* clean;  // nullptr: refused
  };
  for (const auto& row : {Row{"a/b", "a/b"}, Row{"./a//b/", "a/b"}, Row{"", ""}, Row{"./", ""},
                          Row{"a/./b", "a/b"}, Row{"/a", nullptr}, Row{"..", nullptr},
                          Row{"a/..", nullptr}, Row{"a/../b", nullptr}, Row{"...", "..."}}) {
    auto clean = clean_tree_path(row.path);
    EXPECT_EQ(clean.ok(), row.clean != nullptr) << row.path;
    if (row.clean != nullptr) {
      EXPECT_EQ(clean.ok() ? *clean : "(refused)", row.clean);
    }
  }
  EXPECT_FALSE(clean_tree_path(std::string("a\0b", 3)).ok());
  EXPECT_FALSE(clean_tree_path(std::string(300, 'x')).ok());
  EXPECT_FALSE(clean_tree_path(std::string(5000, 'x')).ok());
}

}  // namespace
}  // namespace pawl::sandbox
