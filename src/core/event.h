// The events of a deployment: the journal's entries, append-only, from which everything else
// (state, page, metrics, audit trail) is read. The wire form is one JSON object for each event,
// documented here and held by tests/core/event_test.cc; a decoder ignores members that it does not
// know. From `started` on, the data of what the runner writes has used_ms: for how long, by a
// steady clock, processes have worked on the deployment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/shared.h"
#include "core/plan.h"

namespace pawl {

enum class EventType {
  accepted,   // data: {kind, app, environment, actor, trigger, request_key}
  validated,  // data: {verdict, reason, should_deploy, environment, image_tag, version, tag, sha}
  planned,    // data: the plan
  waiting,    // data: {for: deployment id, reason}; in line behind another
  started,    // data: {owner: "user@host pid"}; holds the environment from here on
  resumed,    // data: {owner}; another process took an unfinished deployment up
  step_started,  // the intent: written and synced before the effect. data: {key, attempt}
  // a try within the step (health check, hook): {number, of, result, ok, next_wait_ms, effect};
  // effect is a hook's (core/hooks.h)
  step_attempt,
  step_succeeded,     // data: {outputs, observed}; observed: it had been done already
  step_failed,        // data: {error, kind, code}
  step_skipped,       // data: {reason}
  rollback_started,   // data: {reason}
  undo_started,       // the intent of an undo: {key}
  undo_succeeded,     // data: {outputs}
  undo_failed,        // data: {error, kind}
  rollback_verified,  // data: {ok, reason}: what was live before answers again, or does not
  cancel_requested,   // data: {by, on_cancel}; on_cancel, "undo" or "leave": other than planned
  interrupted,        // data: {reason}; the process stopped on purpose, to be resumed
  notified,           // data: {what, reference}: a check run, an issue
  finished,           // data: {outcome, reason, rollback_status}
};
std::string_view to_string(EventType type);
std::optional<EventType> event_type_from(std::string_view name);

struct Event {
  std::string deployment;  // id
  uint64_t sequence = 0;   // from 1, without gaps, within the deployment
  WallTime at;
  uint64_t fencing_token = 0;  // of the environment's lease when it was written; 0 before `started`
  EventType type = EventType::accepted;
  std::string step;  // id of the plan's step, or empty
  Shared<json::object> data;
  Shared<Plan> plan = {};  // of `planned`, where somebody has read it from the data already
};

json::object to_json(const Event& event);
Result<Event> event_from_json(const json::object& object);

}  // namespace pawl
