// What a node does about deployments that others left: when it starts, and while it runs. It frees
// the environments of the dead, claims what has begun and nobody runs, and takes each to its end;
// it ends those in line that nobody waits for any more.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "engine/bounded_store.h"
#include "engine/dead_holders.h"
#include "engine/runner.h"

namespace pawl {

struct TakeUpOptions {
  std::string app;
  std::string owner;                                 // ProcessTable::describe_this_process()
  size_t at_once = 4;                                // taken up at the same time
  bool follow = false;                               // goes on looking until it is asked to stop
  std::chrono::milliseconds lease_duration{30'000};  // as RunnerOptions have it
  std::chrono::milliseconds look_every{1'000};
  std::chrono::milliseconds try_again_after{60'000};  // one that could not be run here
  std::chrono::milliseconds pause{10'000};            // when there are only such
};

struct TakeUpTotals {
  size_t taken_up = 0;       // and taken to an end
  size_t ended_in_line = 0;  // never begun, and nobody waited
  size_t left = 0;           // could not be run here; another node may
};

/// Told of what is not an event of a deployment.
class TakeUpObserver {
 public:
  virtual ~TakeUpObserver() = default;
  virtual void on_freed(const Lease& lease) = 0;
  virtual void on_claimed(const Lease& lease) = 0;
  virtual void on_left(const Lease& lease, const Error& error) = 0;
  /// The store does not answer: told once for each silence. No value: it answers again.
  virtual void on_silence(const std::optional<Error>& error) = 0;
};

class TakeUpAll {
 public:
  /// Takes a claimed deployment to its end.
  using Run = std::function<Task<Result<Deployment>>(Lease)>;
  struct Ports {
    Store& store;
    Clock& clock;
    ProcessTable& processes;
    RunObserver& observer;
    TakeUpObserver& told;
  };

  TakeUpAll(Ports ports, TakeUpOptions options, Run run);

  /// Without `follow`, ends when there is nothing left that this node can take up. An Error: the
  /// store broke. A stop ends it early; what it runs is interrupted, to be resumed.
  Task<Result<TakeUpTotals>> run();

 private:
  Task<Result<bool>> look(Scope& runs);
  Task<Result<bool>> free_the_dead(std::vector<Lease> leases);
  Task<Result<bool>> claim(Scope& runs);
  Task<Result<bool>> end_the_abandoned();
  Task<Result<bool>> end_the_first(const std::string& id);
  Task<Result<std::string>> environment_of(const std::string& id);
  Task<void> run_claimed(Lease lease);
  Task<void> wait_for_news(std::stop_token stop);
  void hear(const Result<bool>& looked);

  BoundedStore store_;
  Ports ports_;
  TakeUpOptions options_;
  Run run_;
  Stillness stillness_;
  DeadHolders dead_;
  std::set<std::string> running_;
  std::map<std::string, SteadyTime> left_;           // deployment -> when it could not be run
  std::map<std::string, std::string> environments_;  // of what is unfinished
  std::set<std::string> held_;                       // environments, at the last look
  std::optional<SteadyTime> nothing_for_us_since_;   // all that could be claimed is in left_
  TakeUpTotals totals_;
  bool is_silent_ = false;
  std::stop_source news_;  // something of ours ended
};

}  // namespace pawl
