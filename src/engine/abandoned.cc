#include "engine/abandoned.h"

#include <fmt/format.h>

namespace pawl {

std::string why_nobody_runs(const Deployment& deployment, const JournalFacts& facts,
                            const ProcessTable& processes) {
  if (deployment.interrupted) return "it was interrupted";
  if (!facts.owner.empty() && processes.is_gone(facts.owner))
    return fmt::format("{} is gone", owner_for_people(facts.owner));
  return "";
}

json::object cancelled_in_line(std::string reason) {
  return {{"outcome", "cancelled"},
          {"reason", std::move(reason)},
          {"rollback_status", "nothing_to_undo"}};
}

// Not Journal::write, which would follow a process that begins it.
Task<Result<void>> end_in_line(Store& store, Clock& clock, Journal& journal, std::string reason) {
  std::vector<Event> events(1);
  events[0].deployment = journal.deployment().id;
  events[0].sequence = journal.deployment().last_sequence + 1;
  events[0].at = clock.now();
  events[0].type = EventType::finished;
  events[0].data = cancelled_in_line(std::move(reason));
  auto ended = co_await store.append(std::move(events));
  if (!ended.ok() && ended.error().kind() != ErrorKind::conflict) co_return ended;
  co_return co_await journal.refresh();
}

}  // namespace pawl
