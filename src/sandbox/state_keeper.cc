#include "sandbox/state_keeper.h"

#include <algorithm>

#include "sandbox/files.h"

namespace pawl::sandbox {
namespace {

constexpr std::chrono::milliseconds kShortestWait{100};
// A large state takes longer to write; saving must not become the sandbox's main work.
constexpr int kWaitForEachMillisecondOfSaving = 8;

}  // namespace

StateKeeper::StateKeeper(Loop& loop, std::filesystem::path file, Source source)
    : loop_(loop), file_(std::move(file)), source_(std::move(source)) {}

Result<void> StateKeeper::save_now() {
  const int64_t number = source_.change_number();
  if (number == saved_) return ok();
  auto written = write_file_atomically(file_, json::serialize(source_.state()), 0600);
  problem_ = written.ok() ? "" : written.error().message();
  if (written.ok()) saved_ = number;
  return written;
}

Task<void> StateKeeper::run() {
  auto wait = kShortestWait;
  for (;;) {
    auto slept = co_await loop_.clock().sleep_for(wait);
    if (!slept.ok()) co_return;
    const SteadyTime begun = loop_.clock().steady_now();
    auto saved = save_now();
    (void)saved;  // problem() tells; the next round tries again
    const auto took = loop_.clock().steady_now() - begun;
    wait = std::max(kShortestWait, took * kWaitForEachMillisecondOfSaving);
  }
}

}  // namespace pawl::sandbox
