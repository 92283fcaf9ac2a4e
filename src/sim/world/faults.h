// What may go wrong, each with a switch. A swarm run turns some of them on and draws a rate for
// each, since a run with everything at once hides what two of them do together.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sim/world/chance.h"

namespace pawl::sim {

enum class Fault {
  crash,          // the process dies at a call; another goes on
  stop,           // the process is asked to end, and does
  pause,          // the process stands still for seconds to minutes: its lease dies meanwhile
  request_lost,   // never arrived; no answer comes
  answer_lost,    // carried out; no answer comes
  delay,          // on its way for seconds; a dead process's request still arrives
  throttle,       // refused, not carried out
  server_error,   // 5xx, not carried out; the caller cannot know
  clock,          // the wall clock of a node jumps by up to a day
  lease,          // the store takes the lease away while its holder works
  slow_update,    // a function's update is InProgress for long
  update_fails,   // an update is accepted, and fails
  image_gone,     // the image that is live is deleted from its repository
  store_refuses,  // an append is refused: disk full, or busy
  store_answer,   // an append is durable, and its answer is lost
  by_hand,        // a second operator changes the function
  flapping,       // a healthy release answers 503 now and then
  forge_down,     // nobody can be told
  twice,          // a change arrives twice; the sender hears the first answer or the second
  stale,          // for two seconds after a change reads, and callers, may see what was before
  tag_moved,      // the tag of a release is moved to another image in the source registry
  blab,           // an error holds a secret: as it is, base64, URL-encoded
  deliveries,     // what CI says comes late, twice, and out of order
  store_slow,     // the record takes up to three quarters of a minute, or its answer does
  hook_fails,     // a function that a hook calls answers with an error
};
constexpr size_t kFaults = 25;
constexpr std::array<std::string_view, kFaults> kFaultNames = {
    "crash",       "stop",         "pause",        "request-lost",  "answer-lost",
    "delay",       "throttle",     "server-error", "clock",         "lease",
    "slow-update", "update-fails", "image-gone",   "store-refuses", "store-answer",
    "by-hand",     "flapping",     "forge-down",   "twice",         "stale",
    "tag-moved",   "blab",         "deliveries",   "store-slow",    "hook-fails"};

/// Which faults may come, each with its rate (0: never).
class Faults {
 public:
  double rate(Fault fault) const { return quiet_ ? 0 : rates_[static_cast<size_t>(fault)]; }
  void set(Fault fault, double rate) { rates_[static_cast<size_t>(fault)] = rate; }
  /// Whether it comes in this run, now or before the silence.
  bool is_on(Fault fault) const { return rates_[static_cast<size_t>(fault)] > 0; }
  void quiet() { quiet_ = true; }
  bool any(std::initializer_list<Fault> faults) const {
    for (const Fault fault : faults)
      if (is_on(fault)) return true;
    return false;
  }
  /// Each of those on with p = 1/2, its rate drawn.
  static Faults swarm(const Faults& allowed, Chance& chance);
  static Faults all();
  /// "all", "none", or names with commas between.
  static Result<Faults> parse(std::string_view text);
  std::string str() const;

 private:
  std::array<double, kFaults> rates_{};
  bool quiet_ = false;
};

}  // namespace pawl::sim
