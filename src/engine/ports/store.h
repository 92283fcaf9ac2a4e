// The durable record: events of deployments, one lease for each environment, step logs. All SQL is
// behind this. An append that returned ok() survives a power cut.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  WallTime expires_at;  // renewed while the holder works
};

/// The end of a journal, as seen by somebody who knows its beginning.
struct JournalTail {
  uint64_t last_sequence = 0;  // of the whole journal; 0: there is none
  std::vector<Event> events;   // those after what the caller knows, in order
};

struct LogEntry {
  WallTime at;
  std::string step;
  std::string line;
};

constexpr std::string_view kCodeOutOfSequence = "out_of_sequence";
constexpr std::string_view kCodeFenced = "fenced";
constexpr std::string_view kCodeFinished = "finished";

class Store {
 public:
  virtual ~Store() = default;

  /// Appends in one transaction: all of them or none. Conflicts, told apart by Error::code():
  ///   kCodeOutOfSequence  the sequence does not go on from the stored one: read again, then append
  ///   kCodeFenced         the token is not the environment's newest; names who holds it now.
  ///                       Token 0 (before `started`, and from who does not run it) is not checked
  ///   kCodeFinished       the deployment has its terminal event: nothing follows it
  /// No room on the disk is ErrorKind::storage, and what had been stored stays as it was.
  virtual Task<Result<void>> append(std::vector<Event> events) = 0;
  virtual Task<Result<std::vector<Event>>> events(std::string deployment) = 0;
  /// The entries after `sequence` alone: who follows a journal does not read it anew at each look.
  virtual Task<Result<JournalTail>> tail(std::string deployment, uint64_t sequence) = 0;
  /// Ids of an environment (empty: of all), newest first.
  virtual Task<Result<std::vector<std::string>>> deployments(std::string app,
                                                             std::string environment,
                                                             size_t limit) = 0;
  /// Accepted and not finished, in the order they were accepted.
  virtual Task<Result<std::vector<std::string>>> unfinished(std::string app,
                                                            std::string environment) = 0;
  /// An id by its unique beginning; not_found, or conflict naming the candidates.
  virtual Task<Result<std::string>> find_deployment(std::string prefix) = 0;

  /// Grants when nobody holds it, its time ran out, or the same deployment and owner ask again (an
  /// answer may have been lost); else no value. The token is greater than any granted before.
  virtual Task<Result<std::optional<Lease>>> acquire_lease(std::string app, std::string environment,
                                                           std::string deployment,
                                                           std::string owner, WallTime now,
                                                           std::chrono::milliseconds duration) = 0;
  /// conflict when the token is not the newest, or the lease was released.
  virtual Task<Result<void>> renew_lease(Lease lease, WallTime now,
                                         std::chrono::milliseconds duration) = 0;
  /// Frees it if it is still that very grant (by token); else nothing happens. Also called for a
  /// holder that is known to be gone.
  virtual Task<Result<void>> release_lease(Lease lease) = 0;
  /// For a holder that is taken for gone because it did not renew: frees it if it is still as it
  /// was seen, by token and time of expiry. Whoever judges may itself be put to sleep between its
  /// look and this call, and the holder may have woken meanwhile.
  virtual Task<Result<void>> release_if_not_renewed(Lease seen) = 0;
  /// Who holds it, also when its time has run out; no value when it was released.
  virtual Task<Result<std::optional<Lease>>> lease(std::string app, std::string environment) = 0;
  /// All that are held in an app (empty: in all), also those whose time has run out, by app and
  /// environment.
  virtual Task<Result<std::vector<Lease>>> leases(std::string app) = 0;
  /// For whoever takes up what others left: grants `owner` the environments of up to `limit`
  /// deployments that have begun (`started` is journalled), have not finished, and whose
  /// environment nobody holds, in the order of acceptance. Several nodes that ask at the same
  /// moment are given different ones, and none waits for another. A lease whose time ran out is
  /// held: only a steady clock may say that its holder is gone, and that is release_lease().
  virtual Task<Result<std::vector<Lease>>> claim(std::string app, std::string owner, size_t limit,
                                                 WallTime now,
                                                 std::chrono::milliseconds duration) = 0;
  /// Comes back when another process may have changed something since the last call (a lease given
  /// back, an entry appended), at the latest after `at_most`. It may come back for nothing.
  virtual Task<Result<void>> wait_for_change(Clock& clock, std::chrono::milliseconds at_most) = 0;

  /// Step logs: kept with less care than events (no sync for each line).
  virtual Task<Result<void>> append_log(std::string deployment, std::vector<LogEntry> entries) = 0;
  virtual Task<Result<std::vector<LogEntry>>> log(std::string deployment, std::string step) = 0;
};

}  // namespace pawl
