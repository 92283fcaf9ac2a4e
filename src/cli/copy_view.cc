#include "cli/copy_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/view.h"

namespace pawl {
namespace {

using oci::BlobProgress;
using oci::BlobState;

constexpr std::chrono::milliseconds kFrame{100};
constexpr int kWidestBar = 30;
constexpr int kNarrowestBar = 6;

std::string_view words_of(BlobState state) {
  switch (state) {
    case BlobState::waiting:
      return "waiting";
    case BlobState::checking:
      return "asking";
    case BlobState::copying:
      return "copying";
    case BlobState::retrying:
      return "trying again";
    case BlobState::present:
      return "was there";
    case BlobState::mounted:
      return "mounted";
    case BlobState::copied:
      return "copied";
    case BlobState::failed:
      return "failed";
  }
  return "";
}

bool is_over(BlobState state) {
  return state == BlobState::present || state == BlobState::mounted || state == BlobState::copied ||
         state == BlobState::failed;
}

std::string bar(uint64_t done, uint64_t size, int width) {
  const double share = size == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(size);
  const int filled = std::clamp(static_cast<int>(share * width), 0, width);
  std::string text(static_cast<size_t>(filled), '=');
  if (filled > 0 && filled < width) text.back() = '>';
  text.resize(static_cast<size_t>(width), ' ');
  return "[" + text + "]";
}

class Bars : public CopyView {
 public:
  Bars(Terminal terminal, const Clock& clock, std::FILE* out)
      : terminal_(terminal), clock_(clock), out_(out) {}
  ~Bars() override { show_cursor(); }

  void on_blob(const std::vector<BlobProgress>& blobs, size_t changed) override {
    const SteadyTime now = clock_.steady_now();
    // Of our own: the last frame is drawn when the copy, whose list this is, has ended.
    if (blobs_.size() == blobs.size())
      blobs_[changed] = blobs[changed];
    else
      blobs_ = blobs;
    if (drawn_lines_ > 0 && now - last_ < kFrame) return;
    last_ = now;
    draw();
  }

  void finish() override {
    if (!blobs_.empty()) draw();
    blobs_.clear();
    show_cursor();
  }

 private:
  void draw() {
    std::vector<std::string> lines;
    const auto room = static_cast<size_t>(std::max(terminal_.rows - 2, 4));
    const bool all = blobs_.size() <= room;
    size_t over = 0;
    for (const BlobProgress& blob : blobs_) {
      over += is_over(blob.state) ? 1 : 0;
      // What moves is what one wants to see where not all has room.
      if (!all && (is_over(blob.state) || lines.size() + 1 >= room)) continue;
      lines.push_back(colour(blob, describe_blob(blob, terminal_.columns - 1)));
    }
    if (!all) lines.push_back(fmt::format("{} of {} layers", over, blobs_.size()));
    std::string frame = "\x1b[?25l";
    if (drawn_lines_ > 0) frame += fmt::format("\x1b[{}A", drawn_lines_);
    for (const auto& line : lines) frame += "\r\x1b[2K" + line + "\n";
    if (drawn_lines_ > lines.size()) frame += "\x1b[0J";
    drawn_lines_ = lines.size();
    std::fwrite(frame.data(), 1, frame.size(), out_);
    std::fflush(out_);
  }

  std::string colour(const BlobProgress& blob, const std::string& line) const {
    if (blob.state == BlobState::failed) return terminal_.red(line);
    if (blob.state == BlobState::retrying) return terminal_.yellow(line);
    return blob.state == BlobState::waiting ? terminal_.dim(line) : line;
  }

  void show_cursor() {
    if (drawn_lines_ == 0) return;
    drawn_lines_ = 0;
    std::fputs("\x1b[?25h", out_);
    std::fflush(out_);
  }

  Terminal terminal_;
  const Clock& clock_;
  std::FILE* out_;
  std::vector<BlobProgress> blobs_;
  SteadyTime last_;
  size_t drawn_lines_ = 0;
};

class Lines : public CopyView {
 public:
  explicit Lines(std::FILE* out) : out_(out) {}
  void on_blob(const std::vector<BlobProgress>& blobs, size_t changed) override {
    const BlobProgress& blob = blobs[changed];
    reported_.resize(blobs.size(), BlobState::waiting);
    const bool worth_a_line = is_over(blob.state) || blob.state == BlobState::retrying;
    if (!worth_a_line || reported_[changed] == blob.state) return;
    reported_[changed] = blob.state;
    fmt::print(out_, "{} {:>10}  {}\n", blob.digest.short_form(), format_bytes(blob.size),
               words_of(blob.state));
    std::fflush(out_);
  }
  void finish() override {}

 private:
  std::FILE* out_;
  std::vector<BlobState> reported_;
};

class Silent : public CopyView {
 public:
  void finish() override {}
};

}  // namespace

std::string describe_blob(const BlobProgress& blob, int columns) {
  const bool moved = blob.state == BlobState::copying || blob.state == BlobState::retrying;
  const std::string amount =
      moved ? fmt::format("{:>10} of {:>10}", format_bytes(blob.done), format_bytes(blob.size))
            : fmt::format("{:>24}", format_bytes(blob.size));
  const std::string name = blob.digest.short_form();
  const std::string_view words = words_of(blob.state);
  constexpr int kWidestWords = 12;
  const int left = columns - static_cast<int>(name.size() + amount.size()) - kWidestWords - 8;
  const int width = std::min(left, kWidestBar);
  const uint64_t done =
      is_over(blob.state) && blob.state != BlobState::failed ? blob.size : blob.done;
  std::string line = name;
  if (width >= kNarrowestBar) line += "  " + bar(done, blob.size, width);
  line += fmt::format("  {}  {}", amount, words);
  return fit(line, static_cast<size_t>(std::max(columns, 1)));
}

std::unique_ptr<CopyView> make_copy_view(CopyViewKind kind, Terminal terminal, const Clock& clock,
                                         std::FILE* out) {
  switch (kind) {
    case CopyViewKind::bars:
      return std::make_unique<Bars>(terminal, clock, out);
    case CopyViewKind::lines:
      return std::make_unique<Lines>(out);
    case CopyViewKind::silent:
      break;
  }
  return std::make_unique<Silent>();
}

}  // namespace pawl
