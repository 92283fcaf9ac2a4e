#include "engine/step_log.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "base/secret.h"

namespace pawl {
namespace {

constexpr size_t kMaxLineBytes = 4'096;
constexpr size_t kMaxLinesPerStep = 20'000;

std::string tidy(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  std::string clean = redact(line);
  if (clean.size() > kMaxLineBytes) {
    const size_t left_out = clean.size() - kMaxLineBytes;
    clean.resize(kMaxLineBytes);
    clean += fmt::format(" [{} bytes more]", left_out);
  }
  return clean;
}

}  // namespace

StepLog::StepLog(Store& store, Clock& clock, RunObserver& observer, std::string deployment)
    : store_(store), clock_(clock), observer_(observer), deployment_(std::move(deployment)) {}

void StepLog::add(const std::string& step, std::string_view line) {
  const size_t count = ++lines_[step];
  if (count > kMaxLinesPerStep) return;
  const std::string clean = count == kMaxLinesPerStep
                                ? fmt::format("[only the first {} lines are kept]", count - 1)
                                : tidy(line);
  observer_.on_log(step, clean);
  pending_.push_back({clock_.now(), step, clean});
}

Task<void> StepLog::flush() {
  if (pending_.empty()) co_return;
  auto stored = co_await with_stop({}, store_.append_log(deployment_, std::exchange(pending_, {})));
  if (!stored.ok()) log_debug("lines of the log were lost: {}", stored.error().message());
}

}  // namespace pawl
