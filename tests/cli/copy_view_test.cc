#include "cli/copy_view.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/virtual_clock.h"

namespace pawl {
namespace {

using oci::BlobProgress;
using oci::BlobState;

/// What a view writes, in memory.
class Screen {
 public:
  Screen() : file_(open_memstream(&text_, &size_)) {}
  ~Screen() {
    std::fclose(file_);
    std::free(text_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* file_;
};

BlobProgress blob(BlobState state) {
  return {Digest::parse("sha256:" + std::string(64, 'a')).value(), 1024, 0, state};
}

TEST(CopyView, DrawsHowACopyEndedWhenItsOwnListIsGone) {
  Screen screen;
  VirtualClock clock;
  Terminal terminal;
  terminal.is_terminal = true;
  const auto view = make_copy_view(CopyViewKind::bars, terminal, clock, screen.file());
  {
    std::vector<BlobProgress> blobs{blob(BlobState::copying)};
    view->on_blob(blobs, 0);
    // No time has passed: this one is not drawn yet.
    blobs[0].state = BlobState::failed;
    view->on_blob(blobs, 0);
    EXPECT_EQ(screen.text().find("failed"), std::string::npos);
  }
  view->finish();
  EXPECT_NE(screen.text().find("failed"), std::string::npos);
  EXPECT_NE(screen.text().find("\x1b[?25h"), std::string::npos) << "the cursor is shown again";
}

TEST(CopyView, APipeGetsOneLineForEachLayer) {
  Screen screen;
  VirtualClock clock;
  const auto view = make_copy_view(CopyViewKind::lines, {}, clock, screen.file());
  std::vector<BlobProgress> blobs{blob(BlobState::copying)};
  view->on_blob(blobs, 0);
  blobs[0].done = 512;
  view->on_blob(blobs, 0);
  blobs[0].state = BlobState::copied;
  view->on_blob(blobs, 0);
  view->on_blob(blobs, 0);
  view->finish();
  EXPECT_EQ(screen.text(), "sha256:aaaaaaaaaaaa    1.0 KiB  copied\n");
}

}  // namespace
}  // namespace pawl
