// Runs deployments: takes a deployment from `accepted` to a terminal event, whatever happened to it
// before. The same code runs a new deployment and takes up one that a crash left.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/deployment.h"
#include "engine/ports/forge.h"
#include "engine/ports/process_table.h"
#include "engine/ports/store.h"
#include "engine/step.h"

namespace pawl {

/// Told of everything as it happens; the live view and the plain lines are made of it.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// After the event is durable. `deployment` has it applied.
  virtual void on_event(const Deployment& deployment, const Event& event) = 0;
  /// Before this runner goes on with another deployment that nobody runs any more and that stands
  /// before its own in line. Its events follow through on_event.
  virtual void on_taking_up(const Deployment& deployment, std::string_view why) {
    (void)deployment, (void)why;
  }
  virtual void on_log(const std::string& step, std::string_view line) { (void)step, (void)line; }
  virtual void on_progress(const std::string& step, uint64_t done, uint64_t total,
                           std::string_view unit) {
    (void)step, (void)done, (void)total, (void)unit;
  }
};

struct RunnerOptions {
  std::string owner;                                 // ProcessTable::describe_this_process()
  std::string repository;                            // told of ends that have no plan; may be empty
  std::chrono::milliseconds lease_duration{30'000};  // renewed at a third of it
  std::chrono::milliseconds queue_poll{500};         // how often one in line looks again
  std::chrono::milliseconds store_patience{5 * 60'000};  // in line, with a store that is silent
  size_t max_parallel_steps = 4;
  size_t max_queue = 100;                             // per environment
  std::chrono::milliseconds step_limit{30 * 60'000};  // until there is a plan, which has its own
};

struct RunnerPorts {
  Store& store;
  Clock& clock;
  Entropy& entropy;
  StepLibrary& steps;
  ProcessTable& processes;
  Forge* forge = nullptr;  // nullptr: nobody is told
};

/// What a deployment begins with.
struct NewDeployment {
  std::string app;
  std::string environment;
  std::string actor;
  DeploymentKind kind = DeploymentKind::deploy;
  json::object trigger;  // as asked, for the journal
  Decision decision;
};

class Runner {
 public:
  Runner(RunnerPorts ports, RunnerOptions options, RunObserver& observer);
  ~Runner();

  /// Journals `accepted` and `validated` (and, when the decision is no, `finished`); gives the id.
  Task<Result<std::string>> accept(NewDeployment request);
  /// Waits for its turn and holds the environment (journals `waiting` with whom it waits for, then
  /// `started` or `resumed`), calls `make_plan` once the environment is held (facts are read then,
  /// not earlier) unless a plan is journalled already, runs it, undoes on failure or cancel,
  /// notifies, journals `finished`. Also takes up a deployment that another process left. An Error:
  /// the machinery broke (store, lease lost) or the process was asked to stop
  /// (ErrorKind::interrupted; the deployment stays unfinished, to be resumed).
  Task<Result<Deployment>> run(std::string deployment,
                               std::function<Task<Result<Plan>>()> make_plan);
  /// Asks a deployment to stop: in line, it ends as cancelled at once; running, its runner undoes,
  /// or leaves what there is at the next step boundary: as `choice` says, or else its plan. One
  /// that is to be left may still be asked to be undone, not the reverse (refused).
  Task<Result<void>> cancel(std::string deployment, std::string by,
                            std::optional<OnCancel> choice = std::nullopt);

  /// Those that stand before it in line and that nobody runs any more, in order. run() takes them
  /// to their end first: what they left half done must not lie under the next deployment.
  Task<Result<std::vector<std::string>>> unfinished_before(std::string deployment);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawl
