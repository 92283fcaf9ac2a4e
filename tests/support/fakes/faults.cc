// What Faults does when it is called.
#include "support/fakes/faults.h"

#include <utility>

namespace pawl::fakes {

void Faults::fail(std::string operation, Error error) {
  planned_[operation].push_back({std::move(error), false});
}

void Faults::lose_answer(std::string operation) {
  Error error = Error(ErrorKind::timeout, "no answer came").with_outcome_unknown();
  planned_[operation].push_back({std::move(error), true});
}

void Faults::before(std::string operation, std::function<void()> action) {
  actions_[operation].push_back(std::move(action));
}

std::optional<Faults::Fault> Faults::next(const std::string& operation) {
  if (auto& actions = actions_[operation]; !actions.empty()) {
    auto action = std::move(actions.front());
    actions.pop_front();
    action();
  }
  auto& planned = planned_[operation];
  if (planned.empty()) return std::nullopt;
  Fault fault = std::move(planned.front());
  planned.pop_front();
  return fault;
}

}  // namespace pawl::fakes
