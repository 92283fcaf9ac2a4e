// One append to a PostgreSQL journal: all that it must know to be carried out a second time after
// a connection broke, when nobody can tell whether the first was committed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/store.h"
#include "store/postgres.h"

namespace pawl::postgres {

/// The columns app, environment, deployment, owner, token, granted_ms, expires_ms.
Lease lease_from(const Rows& rows, int row);

class Append {
 public:
  /// `node` is the payload by which this process knows its own notifications.
  Append(std::vector<Event> events, std::string node);

  /// Locks and reads what the events must follow, checks them, writes them, commits: two round
  /// trips.
  Task<Result<void>> carry_out(Connection& connection);
  /// A COMMIT was sent and its answer never came.
  bool is_unresolved() const { return is_unresolved_; }

 private:
  struct Journal {  // of one deployment, as it is stored
    std::string app;
    std::string environment;
    bool is_finished = false;
    uint64_t last_sequence = 0;
    std::optional<Lease> lease;  // the environment's newest
  };
  std::vector<Query> questions() const;
  void read(const std::vector<Rows>& answers);
  Result<void> check() const;
  Result<void> check(const Event& event, std::map<std::string, Journal>& journals) const;
  Task<Result<bool>> is_stored(Connection& connection) const;
  std::vector<Query> writes() const;

  std::vector<Event> events_;
  std::string node_;
  std::vector<std::string> deployments_;  // sorted: locks are taken in one order
  std::map<std::string, Journal> journals_;
  bool is_unresolved_ = false;
};

}  // namespace pawl::postgres
