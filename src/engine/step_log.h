// The lines that steps write: redacted, shown at once, kept in the store in batches. Bounded in
// length and number, since a build may print without end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/ports/store.h"
#include "engine/runner.h"

namespace pawl {

class StepLog {
 public:
  StepLog(Store& store, Clock& clock, RunObserver& observer, std::string deployment);
  void add(const std::string& step, std::string_view line);
  /// Stores what has come since the last time. A log that cannot be stored fails nothing.
  Task<void> flush();
  bool has_pending() const { return !pending_.empty(); }

 private:
  Store& store_;
  Clock& clock_;
  RunObserver& observer_;
  std::string deployment_;
  std::vector<LogEntry> pending_;
  std::map<std::string, size_t> lines_;
};

}  // namespace pawl
