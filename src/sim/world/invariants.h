// What must hold at every moment of every simulation, each by its number and name. Checked after
// every step of the clock against the record and the world's own ledger of requests, never against
// what the engine says of itself.
//
// Of 17 only what the engine makes of a decision; the decision itself (a freeze, an approval) is
// made before it is asked, by the pure core/validate (tests/core/validate_test.cc).
// And of 1 only the acknowledged command, of 16 not the provisioned concurrency, which Pawl does
// not touch.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/deployment.h"
#include "engine/ports/store.h"

namespace pawl::sim {

class World;

/// What callers of an environment get, and what lies behind it.
struct LiveView {
  std::string live;           // digest
  std::string latest;         // digest of $LATEST
  std::string alias_version;  // empty: no alias
  std::string alias_description;
  std::map<std::string, double> weights;
  std::map<std::string, std::string> files;  // key -> ETag, pawl's own left out
  bool operator==(const LiveView&) const = default;
};

/// Who is about to change the world, said as the last act before the request.
struct Announcement {
  std::string deployment;
  std::string step;
  std::string key;
  uint64_t token = 0;
};

/// One request that changes the world.
struct Effect {
  Announcement by;
  std::string environment;
  std::string action;      // "update_code"
  std::string resource;    // "function meals-dev"
  uint64_t issued_at = 0;  // moment
  bool is_answered = false;
  bool is_known = false;  // the answer said done or not done
  int changes = 0;        // of the resource
};

struct Violation {
  std::string invariant;  // "7 an effect changes the world at most once"
  std::string what;
};

class Invariants {
 public:
  explicit Invariants(World& world) : world_(world) {}

  // ---- told of by the ports ----
  void acknowledged(const std::string& deployment);
  /// The record grants a lease; whoever asked is yet to hear of it.
  void granted(const Lease& lease) {
    granted_.try_emplace({lease.environment, lease.token}, moment_);
  }
  /// A lease was asked for (or renewed) at `asked_at`, and granted until then plus `duration`.
  void leased(const Lease& lease, SteadyTime asked_at, std::chrono::milliseconds duration);
  void announced(const std::string& node, Announcement by);
  /// A lease is given back, or taken from another.
  void freed(const std::string& node, const Lease& lease);
  /// By force, from a process that works: it does not know before it asks.
  void lease_was_taken(const std::string& environment, uint64_t token) {
    forced_.emplace(environment, token);
  }
  /// Before the request leaves. Gives its number.
  size_t issued(const std::string& node, const std::string& action, const std::string& resource);
  void carried_out(size_t effect, bool changed);
  void answered(size_t effect, bool is_known);
  /// `resource` and what lies below it was read, by a request that left at that moment().
  void read(const std::string& resource, uint64_t moment);
  /// Grows with each request that changes something, its arrival and its answer.
  uint64_t moment() const { return moment_; }
  /// Text that leaves the process: a line of a log, a report. No secret may be in it.
  void written(const std::string& where, std::string_view text);
  /// The announced request is a notification.
  void not_a_change(const std::string& node) { announced_.erase(node); }
  /// The alias of a function is about to be pointed to that version.
  void points_to(const std::string& node, const std::string& function, const std::string& version);
  /// Something that a port saw.
  void broke(const char* invariant, std::string what) { broken(invariant, std::move(what)); }
  /// The application was asked, and this release answered.
  void probed(const std::string& environment, const std::string& digest, bool is_good);
  void node_says(const Deployment& deployment);
  /// Somebody took away what an effect had made: it may well be made once more.
  void taken_away(const std::string& resource);
  void changed_by_hand(const std::string& environment, const std::string& what,
                       const std::string& value);

  // ---- told of by the driver ----
  /// After each step of the clock: takes in what is new in the record.
  void after_step();
  /// When the faults have stopped and everything should be at rest.
  void at_rest();

  bool is_broken() const { return !violations_.empty(); }
  const std::vector<Violation>& violations() const { return violations_; }
  const std::map<std::string, Deployment>& deployments() const { return folds_; }
  bool all_ended() const { return open_ == 0; }
  bool is_running(const std::string& environment) const { return !owner_of(environment).empty(); }
  const std::string& owner_of(const std::string& environment) const;
  const std::vector<Effect>& effects() const { return effects_; }
  /// Digest that a deployment makes live, of its plan; empty before.
  static std::string digest_of(const Deployment& deployment);
  /// Version that it moves the alias to; empty before.
  static std::string version_of(const Deployment& deployment);

 private:
  struct Hand {
    std::string what, value;  // "alias", "2"
    uint64_t moment = 0;      // when
  };
  /// What is known of a deployment beside its fold.
  struct Watched {
    std::string digest;                       // that it makes live, of its plan
    std::optional<LiveView> before;           // its first change
    uint64_t last_change = 0;                 // moment of its last request that changed something
    uint64_t witnessed_at = 0;                // moment at which its digest last answered well
    bool is_touched = false;                  // by hand, while it ran
    bool is_robbed = false;                   // by a late request that nobody can fence
    std::vector<Hand> hands;                  // after its capture
    std::map<std::string, uint64_t> started;  // step -> sequence of its first start
    std::set<std::string> undone;             // steps whose undo was begun
    uint64_t last_undone = UINT64_MAX;        // start of the step that was undone last
    int starts_after_cancel = 0;
  };
  /// A deployment that succeeded, as it ended.
  /// The newest commit that was made live by CI, by its place on the main branch.
  size_t newest_live_ = 0;
  struct Success {
    std::string deployment, version, digest;
    bool is_rollback = false;
    bool was_lost = false;    // a later deployment left the environment as something else
    bool was_robbed = false;  // by a late request that nobody can fence
  };
  /// A request whose outcome is not known.
  struct Unknown {
    std::string deployment;
    std::string key;
    uint64_t token = 0;
    uint64_t since = 0;  // only a read that left later tells
  };

  void broken(const char* invariant, std::string what);
  bool is_to_be_asked(const Unknown& unknown, const Effect& effect) const;
  void take(const Event& event);
  void check_token(const Deployment& deployment, const Event& event);
  void check_step(const Deployment& deployment, const Event& event);
  void check_secrets(const Event& event);
  void check_target(const Deployment& deployment);
  const Success* target_of_rollback(const std::string& environment, size_t earlier, bool is_live);
  void check_started(const Deployment& deployment);
  void check_planned(const Deployment& deployment);
  void check_finished(const Deployment& deployment);
  void check_success(const Deployment& deployment, const LiveView& now);
  void check_kept(const Deployment& deployment, const LiveView& before, const LiveView& now);
  void check_restored(const Deployment& deployment, const LiveView& now);
  void check_hands(const Deployment& deployment, const LiveView& now);
  void check_hook_call(const Deployment& deployment, const std::string& step);
  void check_hooks_at_end(const Deployment& deployment, const LiveView& now, bool says_undone);
  /// What was live before it cannot read what its hooks made: there is no way back.
  bool is_barred(const Deployment& deployment);
  void check_delivered(const Deployment& deployment);
  void check_trunk_at_rest();
  void forget_what_was_deleted(const Effect& effect);
  void see_end(const Deployment& deployment);
  bool may_fail() const;

  World& world_;
  size_t taken_ = 0;  // of the store's history
  size_t open_ = 0;   // deployments that have not ended
  // Environment -> those that have not ended, and those that succeeded, in the order accepted.
  std::map<std::string, std::vector<std::string>> lines_;
  std::map<std::string, std::vector<Success>> successes_;
  std::map<std::string, Deployment> folds_;
  std::map<std::string, Watched> watched_;
  std::map<std::string, std::set<std::string>> intents_;  // deployment -> keys in its record
  std::map<std::string, std::string> owners_;             // environment -> deployment
  std::map<std::string, uint64_t> epochs_;                // environment -> highest token recorded
  std::set<std::pair<std::string, uint64_t>> forced_;  // environment, token: leases taken by force
  std::map<std::pair<std::string, uint64_t>, SteadyTime> deadlines_;
  std::map<std::pair<std::string, uint64_t>, uint64_t> granted_;  // moment of the grant
  std::map<std::string, Announcement> announced_;                 // node -> not yet used
  std::vector<Effect> effects_;
  std::map<std::pair<std::string, std::string>, int> changes_;  // (key, resource)
  std::map<std::string, Unknown> unknown_;                      // by resource
  uint64_t moment_ = 0;
  std::set<std::string> acknowledged_;
  std::vector<Violation> violations_;
};

}  // namespace pawl::sim
