// What the stores that keep rows in tables have in common: how an event becomes a row and is told
// from a damaged one when it is read, and how the store's contract words what it refuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/store.h"

namespace pawl {

/// An event as a row. `checksum` is the first 16 hex digits of the SHA-256 over the other columns
/// and the deployment's id.
struct EventRow {
  uint64_t sequence = 0;
  int64_t at_ms = 0;
  uint64_t token = 0;
  std::string type;
  std::string step;
  std::string data;  // JSON
  std::string checksum;
};

EventRow to_row(const Event& event);
/// `journal` is what a person calls it. ErrorKind::corrupt when the row is not what was written.
Result<Event> event_from(const std::string& deployment, EventRow row, const std::string& journal);

/// What follows `last` in a journal that is not `finished`: ok, or a conflict.
Result<void> check_follows(const Event& event, uint64_t last, bool finished);
/// `newest` is the row of the deployment's environment, held or not.
Result<void> check_fence(const Event& event, const std::string& environment,
                         const std::optional<Lease>& newest);
/// What a renewal that found another grant, or none, says.
Error not_renewed(const Lease& lease, const std::optional<Lease>& newest);

/// How many candidates an ambiguous beginning names.
constexpr size_t kMaxCandidates = 5;
/// The one that `prefix` means, of those that begin with it: an exact match first, then the newest,
/// at most kMaxCandidates + 1.
Result<std::string> choose_deployment(const std::string& prefix, std::vector<std::string> ids);

}  // namespace pawl
