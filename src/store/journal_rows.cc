#include "store/journal_rows.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace pawl {
namespace {

std::string checksum(std::string_view deployment, const EventRow& row) {
  return sha256_hex(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", deployment, row.sequence, row.at_ms,
                                row.token, row.type, row.step, row.data))
      .substr(0, 16);
}

Error damaged(const std::string& deployment, const EventRow& row, const std::string& journal) {
  return Error(ErrorKind::corrupt, fmt::format("entry {} of deployment {} in the journal {} is "
                                               "damaged",
                                               row.sequence, deployment, journal))
      .with_hint("restore the journal from a backup; the other deployments can be read");
}

Error fenced(const std::string& words) {
  return Error(ErrorKind::conflict, words).with_code(std::string(kCodeFenced));
}

// What a program printed need not be UTF-8, and is written as it is.
std::optional<json::object> parse_entry(const std::string& data) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code failure;
  json::value value = json::parse(data, failure, {}, options);
  if (failure || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

bool is_held(const std::optional<Lease>& lease) {
  return lease && !lease->deployment.empty();
}

std::string held_by(const std::string& environment, const Lease& lease) {
  return fmt::format("{} is held by deployment {} now ({})", environment, lease.deployment,
                     lease.owner);
}

}  // namespace

EventRow to_row(const Event& event) {
  EventRow row{event.sequence,
               event.at.unix_ms,
               event.fencing_token,
               std::string(to_string(event.type)),
               event.step,
               json::serialize(*event.data),
               ""};
  row.checksum = checksum(event.deployment, row);
  return row;
}

Result<Event> event_from(const std::string& deployment, EventRow row, const std::string& journal) {
  if (row.checksum != checksum(deployment, row)) return damaged(deployment, row, journal);
  const auto type = event_type_from(row.type);
  if (!type)
    return Error(ErrorKind::storage,
                 fmt::format("this Pawl does not know the journal entry '{}'", row.type))
        .with_hint("it was written by a newer Pawl: use that one");
  auto object = parse_entry(row.data);
  if (!object) return damaged(deployment, row, journal);
  Event event;
  event.deployment = deployment;
  event.sequence = row.sequence;
  event.at.unix_ms = row.at_ms;
  event.fencing_token = row.token;
  event.type = *type;
  event.step = std::move(row.step);
  event.data = *std::move(object);
  return event;
}

Result<void> check_follows(const Event& event, uint64_t last, bool finished) {
  if (event.sequence != last + 1)
    return Error(ErrorKind::conflict,
                 fmt::format("the journal of {} has {} entries: entry {} does not follow",
                             event.deployment, last, event.sequence))
        .with_code(std::string(kCodeOutOfSequence));
  if (last == 0 && event.type != EventType::accepted)
    return Error(ErrorKind::internal, "the first entry of a journal must be 'accepted'");
  if (finished)
    return Error(ErrorKind::conflict, fmt::format("deployment {} has ended", event.deployment))
        .with_code(std::string(kCodeFinished));
  return ok();
}

Result<void> check_fence(const Event& event, const std::string& environment,
                         const std::optional<Lease>& newest) {
  if (event.fencing_token == 0) return ok();
  if (newest && newest->token == event.fencing_token) return ok();
  return fenced(is_held(newest)
                    ? held_by(environment, *newest)
                    : fmt::format("{} is not held by {} any more", environment, event.deployment));
}

Error not_renewed(const Lease& lease, const std::optional<Lease>& newest) {
  return fenced(is_held(newest) ? held_by(lease.environment, *newest)
                                : fmt::format("{} is not held any more", lease.environment));
}

Result<std::string> choose_deployment(const std::string& prefix, std::vector<std::string> ids) {
  if (ids.empty())
    return Error(ErrorKind::not_found, fmt::format("there is no deployment '{}'", prefix))
        .with_hint("`pawl history` lists them");
  if (ids.size() == 1 || ids.front() == prefix) return ids.front();
  const bool more = ids.size() > kMaxCandidates;
  if (more) ids.resize(kMaxCandidates);
  return Error(ErrorKind::conflict, fmt::format("'{}' begins more than one deployment: {}{}",
                                                prefix, fmt::join(ids, ", "), more ? ", ..." : ""));
}

}  // namespace pawl
