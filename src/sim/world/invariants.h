// What must hold at every moment of every simulation, each by its number and name. Checked after
// every step of the clock against the record and the world's own ledger of requests, never against
// what the engine says of itself.
//
// Of the nineteen these cannot be checked on this world yet:
//   12 delivery order does not matter: there is no webhook source yet
//   14 secrets stay inside: no simulated port is given a secret (tests/base/secret_test.cc)
//   17 a frozen or stopped environment is never changed: the decision is made before the engine is
//      asked, by the pure core/validate (tests/core/validate_test.cc)
//   19 a hook that cannot be undone runs at most once: there are no hooks yet
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
  std::string action;    // "update_code"
  std::string resource;  // "function meals-dev"
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
  /// A lease was asked for (or renewed) at `asked_at`, and granted until then plus `duration`.
  void leased(const Lease& lease, SteadyTime asked_at, std::chrono::milliseconds duration);
  void announced(const std::string& node, Announcement by);
  /// Before the request leaves. Gives its number.
  size_t issued(const std::string& node, const std::string& action, const std::string& resource);
  void carried_out(size_t effect, bool changed);
  void answered(size_t effect, bool is_known);
  /// `resource` and what lies below it was read.
  void read(const std::string& resource);
  /// The announced request is a notification.
  void not_a_change(const std::string& node) { announced_.erase(node); }
  /// Something that a port saw.
  void broke(const char* invariant, std::string what) { broken(invariant, std::move(what)); }
  /// The application was asked, and this release answered.
  void probed(const std::string& environment, const std::string& digest, bool is_good);
  void node_says(const Deployment& deployment);
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
  bool is_running(const std::string& environment) const { return !owner_of(environment).empty(); }
  const std::string& owner_of(const std::string& environment) const;
  const std::vector<Effect>& effects() const { return effects_; }
  /// Digest that a deployment makes live, of its plan; empty before.
  static std::string digest_of(const Deployment& deployment);

 private:
  struct Hand {
    std::string what, value;  // "alias", "2"
  };
  /// What is known of a deployment beside its fold.
  struct Watched {
    std::optional<LiveView> before;  // its first change
    size_t last_change = 0;          // number of its last request (1-based)
    size_t witnessed_at = 0;         // requests made when its digest last answered well
    uint64_t highest_token = 0;
    bool is_touched = false;  // by hand, while it ran
    std::vector<Hand> hands;  // after its capture
  };

  void broken(const char* invariant, std::string what);
  void take(const Event& event);
  void check_started(const Deployment& deployment);
  void check_planned(const Deployment& deployment);
  void check_finished(const Deployment& deployment);
  void check_success(const Deployment& deployment, const LiveView& now);
  void check_restored(const Deployment& deployment, const LiveView& now);
  void check_hands(const Deployment& deployment, const LiveView& now);
  void see_end(const Deployment& deployment);
  bool may_fail() const;

  World& world_;
  size_t taken_ = 0;  // of the store's history
  std::vector<std::string> accepted_order_;
  std::map<std::string, Deployment> folds_;
  std::map<std::string, Watched> watched_;
  std::map<std::string, std::set<std::string>> intents_;  // deployment -> keys in its record
  std::map<std::string, std::string> owners_;             // environment -> deployment
  std::map<std::string, uint64_t> epochs_;                // environment -> highest token recorded
  std::map<std::pair<std::string, uint64_t>, SteadyTime> deadlines_;
  std::map<std::string, Announcement> announced_;  // node -> not yet used
  std::vector<Effect> effects_;
  std::map<std::pair<std::string, std::string>, int> changes_;  // (key, resource)
  std::map<std::string, std::string> unknown_;  // resource -> key whose outcome is not known
  std::set<std::string> acknowledged_;
  std::vector<Violation> violations_;
};

}  // namespace pawl::sim
