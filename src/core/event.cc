#include "core/event.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace pawl {
namespace {

// The wire names: never changed, only added to.
constexpr std::array kNames = {
    std::pair{EventType::accepted, "accepted"},
    std::pair{EventType::validated, "validated"},
    std::pair{EventType::planned, "planned"},
    std::pair{EventType::waiting, "waiting"},
    std::pair{EventType::started, "started"},
    std::pair{EventType::resumed, "resumed"},
    std::pair{EventType::step_started, "step_started"},
    std::pair{EventType::step_attempt, "step_attempt"},
    std::pair{EventType::step_succeeded, "step_succeeded"},
    std::pair{EventType::step_failed, "step_failed"},
    std::pair{EventType::step_skipped, "step_skipped"},
    std::pair{EventType::rollback_started, "rollback_started"},
    std::pair{EventType::undo_started, "undo_started"},
    std::pair{EventType::undo_succeeded, "undo_succeeded"},
    std::pair{EventType::undo_failed, "undo_failed"},
    std::pair{EventType::rollback_verified, "rollback_verified"},
    std::pair{EventType::cancel_requested, "cancel_requested"},
    std::pair{EventType::interrupted, "interrupted"},
    std::pair{EventType::notified, "notified"},
    std::pair{EventType::finished, "finished"},
};

Error bad_event(std::string why) {
  return Error(ErrorKind::corrupt, "a journal entry cannot be read: " + std::move(why));
}

// Absent is 0; anything but a whole number from 0 is an error.
Result<uint64_t> read_count(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return uint64_t{0};
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0)
    return static_cast<uint64_t>(value->get_int64());
  return bad_event(fmt::format("'{}' is not a whole number", name));
}

}  // namespace

std::string_view to_string(EventType type) {
  for (const auto& [candidate, name] : kNames)
    if (candidate == type) return name;
  return "unknown";
}

std::optional<EventType> event_type_from(std::string_view name) {
  for (const auto& [candidate, known] : kNames)
    if (known == name) return candidate;
  return std::nullopt;
}

// {"deployment": "d-1", "sequence": 3, "at": "2026-11-24T11:34:20.123Z", "fencing_token": 7,
//  "type": "step_started", "step": "copy_image", "data": {...}}
// fencing_token, step and data are left out when they are 0 or empty.
json::object to_json(const Event& event) {
  json::object object{
      {"deployment", event.deployment}, {"sequence", event.sequence}, {"at", to_iso8601(event.at)}};
  if (event.fencing_token != 0) object["fencing_token"] = event.fencing_token;
  object["type"] = to_string(event.type);
  if (!event.step.empty()) object["step"] = event.step;
  if (!event.data->empty()) object["data"] = *event.data;
  return object;
}

Result<Event> event_from_json(const json::object& object) {
  constexpr std::string_view kWhat = "a journal entry";
  Event event;
  PAWL_TRY(event.deployment, require_string(object, "deployment", kWhat));
  PAWL_TRY(event.sequence, read_count(object, "sequence"));
  PAWL_TRY(event.fencing_token, read_count(object, "fencing_token"));
  PAWL_TRY(const auto at, require_string(object, "at", kWhat));
  PAWL_TRY(event.at, parse_iso8601(at));
  PAWL_TRY(const auto type_name, require_string(object, "type", kWhat));
  const auto type = event_type_from(type_name);
  if (!type) return bad_event(fmt::format("unknown type '{}'", type_name.substr(0, 100)));
  event.type = *type;
  event.step = string_or(object, "step");
  if (const json::value* data = object.if_contains("data")) {
    if (!data->is_object()) return bad_event("'data' is not an object");
    event.data = data->get_object();
  }
  if (event.deployment.empty()) return bad_event("'deployment' is empty");
  if (event.sequence == 0) return bad_event("'sequence' starts at 1");
  return event;
}

}  // namespace pawl
