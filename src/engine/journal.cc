#include "engine/journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/secret.h"

namespace pawl {
namespace {

constexpr int kMaxTries = 10;
constexpr std::chrono::milliseconds kPause{200};
constexpr std::string_view kUsedMs = "used_ms";

void redact_in(json::value& value) {
  if (auto* text = value.if_string()) {
    const std::string_view raw(text->data(), text->size());
    if (holds_secret(raw)) *text = redact(raw);
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) redact_in(element);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) redact_in(member.value());
  }
}

json::object redacted(json::object data) {
  for (auto& member : data) redact_in(member.value());
  return data;
}

// Once, for all who fold it; one that cannot be read is refused by each fold.
void read_plan(Event& planned) {
  if (auto plan = plan_from_json(planned.data); plan.ok()) planned.plan = std::move(*plan);
}

bool is_same(const Event& a, const Event& b) {
  return a.sequence == b.sequence && a.type == b.type && a.step == b.step && a.at == b.at &&
         a.fencing_token == b.fencing_token && a.data == b.data;
}

}  // namespace

void AsyncMutex::unlock() {
  if (line_.empty()) {
    is_locked_ = false;
    return;
  }
  Turn* const next = line_.front();
  line_.pop_front();
  next->owner_.resume();
}

void apply(JournalFacts& facts, const Event& event) {
  if (const int64_t used_ms = int_or(event.data, kUsedMs, -1); used_ms >= 0) {
    facts.used = std::max(facts.used, std::chrono::milliseconds(used_ms));
    facts.used_until = event.at;
    facts.stopped_on_purpose = event.type == EventType::interrupted;
  }
  switch (event.type) {
    case EventType::accepted:
    case EventType::waiting:
    case EventType::started:
    case EventType::resumed:
      if (auto owner = string_or(event.data, "owner"); !owner.empty()) facts.owner = owner;
      break;
    case EventType::step_started:
      facts.started.try_emplace(event.step, event.sequence);
      break;
    case EventType::rollback_started:
      facts.rollback_cause = string_or(event.data, "cause", "failed");
      break;
    case EventType::undo_started:
      if (!facts.undos.insert(event.step).second) facts.undone_again.insert(event.step);
      break;
    case EventType::undo_succeeded:
      if (int_or(event.data, "tries") > 1) facts.undone_again.insert(event.step);
      break;
    case EventType::rollback_verified:
      facts.rollback_verified = bool_or(event.data, "ok");
      facts.rollback_verified_reason = string_or(event.data, "reason");
      break;
    default:
      break;
  }
}

std::chrono::milliseconds JournalFacts::used_before(WallTime now,
                                                    std::chrono::milliseconds limit) const {
  if (!used_until || stopped_on_purpose) return used;
  return used + std::clamp(now - *used_until, std::chrono::milliseconds(0), limit / 10);
}

Journal::Journal(Store& store, Clock& clock, RunObserver& observer, std::string deployment)
    : store_(store), clock_(clock), observer_(observer), id_(std::move(deployment)) {}

Task<Result<void>> Journal::load() {
  PAWL_CO_TRY(auto events, co_await with_stop({}, store_.events(id_)));
  if (events.empty())
    co_return Error(ErrorKind::not_found, fmt::format("there is no deployment '{}'", id_));
  for (const Event& event : events) take(event, false);
  co_return ok();
}

Task<Result<void>> Journal::write(EventType type, std::string step, json::object data) {
  std::vector<JournalEntry> entries;
  entries.push_back(JournalEntry{type, std::move(step), std::move(data)});
  co_return co_await write_all(std::move(entries));
}

Task<Result<void>> Journal::write_all(std::vector<JournalEntry> entries) {
  co_await mutex_.lock();
  // What must be recorded is recorded, also by a task that was asked to stop.
  auto written = co_await with_stop({}, write_locked(std::move(entries)));
  mutex_.unlock();
  co_return written;
}

Task<Result<bool>> Journal::write_if_unmoved(EventType type, json::object data) {
  co_await mutex_.lock();
  std::vector<Event> events;
  events.push_back(
      Event{id_, deployment_.last_sequence + 1, clock_.now(), token_, type, "", redacted(data)});
  auto appended = co_await with_stop({}, store_.append(events));
  auto taken = co_await with_stop({}, take_in({}));
  mutex_.unlock();
  if (!appended.ok() && appended.error().kind() != ErrorKind::conflict)
    co_return std::move(appended).error();
  if (!taken.ok()) co_return std::move(taken).error();
  co_return appended.ok();
}

std::chrono::milliseconds Journal::used() {
  return work_ ? work_->look() : facts_.used;
}

Task<Result<void>> Journal::refresh() {
  co_await mutex_.lock();
  auto taken = co_await with_stop({}, take_in({}));
  mutex_.unlock();
  if (!taken.ok()) co_return std::move(taken).error();
  co_return ok();
}

Task<Result<void>> Journal::write_locked(std::vector<JournalEntry> entries) {
  // One time for all tries: an entry whose answer was lost is known again by it.
  const WallTime at = clock_.now();
  std::vector<Event> events;
  events.reserve(entries.size());
  for (auto& entry : entries) {
    if (work_) entry.data[kUsedMs] = used().count();
    events.push_back(Event{id_, 0, at, token_, entry.type, std::move(entry.step),
                           redacted(std::move(entry.data))});
    if (entry.type == EventType::planned) read_plan(events.back());
  }
  for (int tries = 1;; ++tries) {
    for (size_t i = 0; i < events.size(); ++i)
      events[i].sequence = deployment_.last_sequence + 1 + i;
    auto appended = co_await store_.append(events);
    if (appended.ok()) {
      for (const Event& event : events) take(event, true);
      co_return ok();
    }
    const Error& error = appended.error();
    const bool is_overtaken = error.code() == kCodeOutOfSequence;
    const bool may_be_stored = is_transient(error.kind()) || error.outcome_unknown();
    if ((!is_overtaken && !may_be_stored) || tries == kMaxTries)
      co_return std::move(appended).error().while_doing(
          fmt::format("recording '{}' of deployment {}", to_string(events.front().type), id_));
    if (may_be_stored) PAWL_CO_CHECK(co_await clock_.sleep_for(kPause * tries));
    auto stored = co_await take_in(events);
    if (!stored.ok() && !is_transient(stored.error().kind())) co_return std::move(stored).error();
    if (stored.ok() && *stored) co_return ok();
  }
}

Task<Result<bool>> Journal::take_in(std::vector<Event> ours) {
  const uint64_t seen = deployment_.last_sequence;
  PAWL_CO_TRY(auto stored, co_await store_.tail(id_, seen));
  if (stored.last_sequence < seen)
    co_return Error(ErrorKind::storage,
                    fmt::format("the journal of deployment {} is shorter than it was", id_))
        .with_hint("was an old copy of it put back? Look at what is live before you go on");
  bool is_stored = !ours.empty() && stored.events.size() >= ours.size();
  for (size_t i = 0; is_stored && i < ours.size(); ++i)
    is_stored = is_same(stored.events[i], ours[i]);
  for (const Event& event : stored.events) take(event, true);
  // Who runs a deployment stamps its events with a newer lease: then it is not ours any more.
  if (token_ != 0 && deployment_.fencing_token > token_)
    co_return Error(ErrorKind::conflict, fmt::format("deployment {} was taken over by {}", id_,
                                                     owner_for_people(deployment_.owner)))
        .with_code(std::string(kCodeFenced))
        .with_hint(
            "this process changed nothing after that; whoever has it now takes it to its end");
  co_return is_stored;
}

void Journal::take(const Event& event, bool tell) {
  apply(deployment_, event);
  apply(facts_, event);
  // Whatever the fold made of it, the next one goes on from here.
  deployment_.last_sequence = event.sequence;
  if (tell) observer_.on_event(deployment_, event);
}

}  // namespace pawl
