// The one writer of a running deployment's journal: gives each event its sequence, time and fencing
// token, makes it durable, folds it, and only then tells the observer. Others may append to the
// same journal (a request to cancel); their events are taken in and ours follow them.
#pragma once

#include <coroutine>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/deployment.h"
#include "engine/ports/store.h"
#include "engine/runner.h"
#include "engine/working_time.h"

namespace pawl {

/// Lets one coroutine at a time through, in the order they came. unlock() is called by hand at the
/// end of the section, never by a destructor: a task that is being destroyed must wake nobody.
class AsyncMutex {
 public:
  /// To be awaited. One that is destroyed while it waits leaves the line.
  class Turn {
   public:
    explicit Turn(AsyncMutex& mutex) : mutex_(mutex) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { std::erase(mutex_.line_, this); }

    bool await_ready() { return !std::exchange(mutex_.is_locked_, true); }
    void await_suspend(std::coroutine_handle<> owner) {
      owner_ = owner;
      mutex_.line_.push_back(this);
    }
    void await_resume() {}

   private:
    friend AsyncMutex;
    AsyncMutex& mutex_;
    std::coroutine_handle<> owner_;
  };
  Turn lock() { return Turn(*this); }
  void unlock();

 private:
  bool is_locked_ = false;
  std::deque<Turn*> line_;
};

struct JournalEntry {
  EventType type;
  std::string step;
  json::object data;
};

/// What the runner must know beyond the fold.
struct JournalFacts {
  std::string owner;                        // the last process that said it runs it
  std::map<std::string, uint64_t> started;  // step -> sequence of its first step_started
  std::set<std::string> undos;              // steps whose undo was intended
  std::set<std::string> undone_again;       // steps whose undo was tried more than once
  std::string rollback_cause;               // "failed" or "cancelled"; empty: no rollback
  std::optional<bool> rollback_verified;
  std::string rollback_verified_reason;
  std::chrono::milliseconds used{0};   // time in which it was worked on, as last recorded
  std::optional<WallTime> used_until;  // when that was
  bool stopped_on_purpose = false;     // nothing was done after it

  /// The time to be counted by who takes it up at `now`. What was done between the last entry and
  /// the death of its process is not known: the wall clock's word for it is taken, but no more than
  /// a tenth of `limit`, since that clock may have been set, or the machine have slept.
  std::chrono::milliseconds used_before(WallTime now, std::chrono::milliseconds limit) const;
};

/// Folds facts; the deployment itself is folded by core's apply().
void apply(JournalFacts& facts, const Event& event);

class Journal {
 public:
  Journal(Store& store, Clock& clock, RunObserver& observer, std::string deployment);

  /// Reads what is there; not_found when nothing is. The observer is not told of the past.
  Task<Result<void>> load();
  const Deployment& deployment() const { return deployment_; }
  const JournalFacts& facts() const { return facts_; }
  RunObserver& observer() { return observer_; }

  /// Later events carry the token.
  void hold(uint64_t token) { token_ = token; }
  /// Later events tell for how long the deployment was worked on, `before` included.
  void count_work(std::chrono::milliseconds before) { work_.emplace(clock_, before); }
  std::chrono::milliseconds used();

  Task<Result<void>> write(EventType type, std::string step, json::object data);
  Task<Result<void>> write_all(std::vector<JournalEntry> entries);
  /// Only while nobody else has written: false, and nothing written, when somebody has. For those
  /// who do not run the deployment, and whose word is true of the state that they saw.
  Task<Result<bool>> write_if_unmoved(EventType type, json::object data);
  /// Takes in what others appended. A conflict when one of them holds a newer lease.
  Task<Result<void>> refresh();

 private:
  Task<Result<void>> write_locked(std::vector<JournalEntry> entries);
  /// True when `ours` turned out to be stored already (an answer that was lost).
  Task<Result<bool>> take_in(std::vector<Event> ours);
  void take(const Event& event, bool tell);

  Store& store_;
  Clock& clock_;
  RunObserver& observer_;
  std::string id_;
  Deployment deployment_;
  JournalFacts facts_;
  uint64_t token_ = 0;
  std::optional<WorkingTime> work_;
  AsyncMutex mutex_;
};

}  // namespace pawl
