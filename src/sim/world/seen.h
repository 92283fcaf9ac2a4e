// Counts how often an interesting state was reached. A campaign in which one of them was never
// reached proves less than it seems to, and says so.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace pawl::sim {

class Seen {
 public:
  void count(std::string_view what) {
    const auto found = counts_.find(what);
    if (found != counts_.end())
      ++found->second;
    else
      counts_.emplace(what, 1);
  }
  uint64_t of(const std::string& what) const {
    const auto found = counts_.find(what);
    return found == counts_.end() ? 0 : found->second;
  }
  void add(const Seen& other) {
    for (const auto& [what, count] : other.counts_) counts_[what] += count;
  }
  using Counts = std::map<std::string, uint64_t, std::less<>>;
  const Counts& counts() const { return counts_; }

 private:
  Counts counts_;
};

/// What a campaign with all faults must have reached.
inline constexpr const char* kMustBeSeen[] = {
    "a deployment succeeded",
    "a deployment was rolled back",
    "a deployment was cancelled",
    "a deployment failed",
    "a rollback by command succeeded",
    "a first deployment",
    "a process died with a request on its way",
    "a process died while rolling back",
    "a process died in recovery",
    "another node took a deployment over",
    "a request was sent under a lease that was lost",
    "a fenced append was refused",
    "an outcome was unknown and the change was made",
    "an outcome was unknown and the change was not made",
    "an update was accepted and failed",
    "somebody changed the function during a deployment",
    "the wall clock jumped during a lease",
    "a journal entry was stored and its answer lost",
    "a step was found done already",
    "a request arrived twice",
    "a read told of the time before a change",
    "an error held a secret",
    "somebody was faster than a request",
    "shares were on the alias before a deployment",
    "the tag of a release was moved",
    "a decision was no",
    "the record was slow",
    "a cancelled deployment was left as it was",
    "CI said the same twice",
    "an older commit was superseded",
    "a newer commit took an older one's place",
    "a hook ran",
    "a hook failed",
    "a hook was undone",
    "a hook was called again with the same key",
    "a rollback was refused past the point of no return",
    "a rollback by command was refused because of a hook",
};

}  // namespace pawl::sim
