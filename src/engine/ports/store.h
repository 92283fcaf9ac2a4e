// The durable record: events of deployments, one lease for each environment, step logs. All SQL is
// behind this. An append that returned ok() survives a power cut.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "core/event.h"

namespace pawl {

struct Lease {
  std::string app;
  std::string environment;
  std::string deployment;  // who holds it
  std::string owner;       // "ana@laptop pid 4711"
  uint64_t token = 0;      // grows with each grant
  WallTime granted_at;
  WallTime expires_at;     // renewed while the holder works
};

struct LogEntry {
  WallTime at;
  std::string step;
  std::string line;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Appends in one transaction. The events' sequence must go on from the stored one (else
  /// conflict); a fencing token older than the environment's newest is a conflict that names who
  /// holds it now. Token 0 (before `started`) is not checked.
  virtual Task<Result<void>> append(std::vector<Event> events) = 0;
  virtual Task<Result<std::vector<Event>>> events(std::string deployment) = 0;
  /// Ids of an environment (empty: of all), newest first.
  virtual Task<Result<std::vector<std::string>>> deployments(std::string app,
                                                             std::string environment,
                                                             size_t limit) = 0;
  /// Accepted and not finished, in the order they were accepted.
  virtual Task<Result<std::vector<std::string>>> unfinished(std::string app,
                                                            std::string environment) = 0;
  /// An id by its unique beginning; not_found, or conflict naming the candidates.
  virtual Task<Result<std::string>> find_deployment(std::string prefix) = 0;

  /// Grants when nobody holds it, its time ran out, or the same deployment asks again; else no
  /// value. The token is greater than any granted before.
  virtual Task<Result<std::optional<Lease>>> acquire_lease(std::string app, std::string environment,
                                                           std::string deployment,
                                                           std::string owner, WallTime now,
                                                           std::chrono::milliseconds duration) = 0;
  /// conflict when the token is not the newest.
  virtual Task<Result<void>> renew_lease(Lease lease, WallTime now,
                                         std::chrono::milliseconds duration) = 0;
  virtual Task<Result<void>> release_lease(Lease lease) = 0;
  virtual Task<Result<std::optional<Lease>>> lease(std::string app, std::string environment) = 0;

  /// Step logs: kept with less care than events (no sync for each line).
  virtual Task<Result<void>> append_log(std::string deployment, std::vector<LogEntry> entries) = 0;
  virtual Task<Result<std::vector<LogEntry>>> log(std::string deployment, std::string step) = 0;
};

}  // namespace pawl
