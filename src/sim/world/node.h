// A node: a process with a runner of the real engine, the real steps and recovery, over the world's
// ports. It is destroyed whole when it crashes; only the world is left.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/ports/process_table.h"
#include "engine/runner.h"
#include "engine/steps.h"
#include "sim/world/cloud_ports.h"
#include "sim/world/node_ports.h"

namespace pawl::sim {

class Node : private RunObserver {
 public:
  /// `name` is the machine's, `life` counts its processes.
  /// `skew`: how far its wall clock is off.
  Node(World& world, std::string name, int life, std::chrono::milliseconds skew);
  ~Node() override;

  /// Asks for a deployment; it is run once it is acknowledged.
  void accept(DeploymentKind kind, std::string environment, std::string version,
              Decision::Verdict verdict = Decision::Verdict::deploy);
  /// As `pawl deploy --trigger ci` when CI has passed for a commit.
  void deliver(std::string commit);
  void cancel(std::string deployment, OnCancel choice);
  /// Runs a deployment to its end, whoever began it.
  void run(const std::string& deployment);
  /// Everything that is not finished.
  void resume_all();
  /// As on SIGTERM: what runs is left at a boundary, to be resumed.
  void stop();

  /// After a step of the clock: takes the results of what has ended. Deployments that must be run
  /// again (the machinery broke, the record refused) come back.
  std::vector<std::string> collect();
  bool is_idle() const { return runs_.empty() && jobs_.empty(); }
  bool is_stopping() const { return stopping_; }
  Gate& gate() { return gate_; }
  SimClock& clock() { return clock_; }
  const std::string& owner() const { return owner_; }

 private:
  struct Work {
    std::stop_source stop;
    TaskContext context{stop.get_token()};
    Task<Result<Deployment>> task;
  };
  void on_event(const Deployment& deployment, const Event& event) override;
  Task<Result<Plan>> make_plan(std::string deployment);
  Task<Result<std::string>> accept_it(NewDeployment request);
  Task<Result<void>> look_at_hooks(const EnvironmentConfig& environment, ReleaseName release,
                                   PlanFacts& facts);
  Task<Result<Decision>> decide(std::string commit);
  Task<void> deliver_and_note(std::string commit);
  Task<void> accept_and_note(NewDeployment request);
  Task<void> cancel_and_note(std::string deployment, OnCancel choice);
  Task<void> find_unfinished();
  void start_job(Task<void> job);

  World& world_;
  std::string owner_;
  Gate gate_;
  SimClock clock_;
  SimStore store_;
  SeededEntropy entropy_;
  SimProcesses processes_;
  SimFunctions functions_;
  SimCalls calls_;
  SimImages images_;
  SimObjects objects_;
  SimFiles files_;
  SimSource source_;
  SimApplication application_;
  SimForge forge_;
  WatchedLibrary library_;
  Runner runner_;
  bool stopping_ = false;
  std::vector<std::string> to_run_;
  TaskContext no_stop_;
  std::vector<Task<void>> jobs_;
  std::map<std::string, std::unique_ptr<Work>> runs_;
};

}  // namespace pawl::sim
