// A small world to try the runner in: virtual time, a journal in memory, scripted steps that change
// named resources and keep a ledger, processes that can be killed. A crash is a port call that
// never returns; then everything of the engine is destroyed, and the world and the journal stay.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/ports/process_table.h"
#include "engine/queries.h"
#include "engine/runner.h"
#include "sim/memory_store.h"
#include "sim/virtual_clock.h"

namespace pawl::rig {

/// Counts the calls that go out of the engine; one of them is the last.
class CrashPoints {
 public:
  void crash_at(size_t number) { at_ = number; }
  void begin_again() { count_ = at_ = 0, crashed_ = false; }
  bool has_crashed() const { return crashed_; }
  size_t count() const { return count_; }
  const std::string& where() const { return where_; }
  /// Calls of somebody who does not crash.
  void pause(bool paused) { paused_ = paused; }
  Task<void> pass(std::string name);

 private:
  size_t count_ = 0;
  size_t at_ = 0;
  bool crashed_ = false;
  bool paused_ = false;
  std::string where_;
};

/// What is changed. `intended` is asked at each change: was the intent durable before?
struct World {
  struct Change {
    std::string step, key, resource, value;
  };
  std::map<std::string, std::string> resources;
  json::object terraform_outputs;  // of a step of kind "outputs"
  std::vector<Change> ledger;
  std::vector<std::string> calls;  // "perform update", "undo update", "observe update"
  std::vector<std::string> unintended;
};

/// How a step behaves beside its effect.
struct Script {
  std::chrono::milliseconds takes{100};
  std::optional<Error> fails;  // perform, after the effect unless fails_early
  bool fails_early = true;
  int failures = 1'000'000;                             // how many performs fail
  std::optional<std::chrono::milliseconds> undo_takes;  // absent: as long as the perform
  std::optional<Error> undo_fails;
  int undo_failures = 1'000'000;
  std::optional<Error> observe_fails;
  bool ignores_stop = false;
  std::vector<std::string> lines;
  std::string effect;  // of a hook's call, journalled before the step ends
};

/// Kind "set": params {resource, value}. "capture": remembers all resources. "none": changes
/// nothing.
class ScriptedStep : public Step {
 public:
  ScriptedStep(World& world, CrashPoints& crash, MemoryStore& store,
               std::map<std::string, Script>& scripts)
      : world_(world), crash_(crash), store_(store), scripts_(scripts) {}

  Task<Result<Observation>> observe(StepContext& context) override;

  Task<Result<json::object>> perform(StepContext& context) override;

  Task<Result<json::object>> undo(StepContext& context) override;

 private:
  static std::string value_of(StepContext& context);
  void change(StepContext& context, const std::string& value);

  World& world_;
  CrashPoints& crash_;
  MemoryStore& store_;
  std::map<std::string, Script>& scripts_;
};

class ScriptedLibrary : public StepLibrary {
 public:
  ScriptedLibrary(ScriptedStep& step, CrashPoints& crash) : step_(step), crash_(crash) {}
  Step* find(std::string_view kind) override;
  Task<Result<std::optional<std::string>>> verify_rollback(StepContext& context) override;
  int verified = 0;
  bool verify_fails = false;
  std::chrono::milliseconds verify_takes{0};

 private:
  ScriptedStep& step_;
  CrashPoints& crash_;
};

class ForgeDouble : public Forge {
 public:
  Task<Result<ReportResult>> report_started(DeploymentReport) override;
  Task<Result<ReportResult>> report_finished(DeploymentReport report) override;
  Task<Result<std::string>> check_access(std::string) override;
  Clock* clock = nullptr;  // where it takes its time
  std::chrono::milliseconds takes{0};
  std::vector<DeploymentReport> reports;
  std::vector<std::string> problems;
  std::vector<std::string> cut_off;
  std::optional<Error> fails;
  int failures = 1'000'000;
  int tries = 0;
};

class Processes : public ProcessTable {
 public:
  std::string describe_this_process() const override;
  bool is_gone(const std::string& owner) const override;
  std::set<std::string> gone;
};

class Recorder : public RunObserver {
 public:
  void on_event(const Deployment& deployment, const Event& event) override;
  void on_taking_up(const Deployment& deployment, std::string_view why) override;
  void on_log(const std::string& step, std::string_view line) override;
  std::vector<std::string> lines, taken_up, log;
};

PlanStep set_step(std::string id, std::string resource, std::string value,
                  std::vector<std::string> needs);

/// capture -> copy, prepare (side by side) -> update -> {route, files} -> check
Plan make_plan_to(const std::string& value);

struct Rig {
  VirtualClock clock;
  SeededEntropy entropy{1};
  MemoryStore store;
  World world;
  CrashPoints crash;
  std::map<std::string, Script> scripts;
  ScriptedStep step{world, crash, store, scripts};
  ScriptedLibrary library{step, crash};
  Processes processes;
  ForgeDouble forge;
  RunnerOptions options;

  Rig();
  ~Rig();
  Task<Result<void>> at_the_door(std::string verb, MemoryStore::Moment moment);
  std::function<Result<void>(const std::string& verb, MemoryStore::Moment moment)> door;

  bool is_all(const std::string& value) const;
  Deployment load(const std::string& id);
  std::vector<Event> events(const std::string& id);
};

/// A process: a runner with a name, and the tasks that it runs. Killing it destroys all of them.
class Process {
 public:
  Process(Rig& rig, std::string name, bool is_told = true);
  ~Process();

  std::string accept(const std::string& value, const std::string& environment = "dev");
  /// Begins to run it; go_on() moves time.
  void begin(const std::string& id, std::function<Task<Result<Plan>>()> plan);
  void begin(const std::string& id, const std::string& value);
  static Task<Result<Plan>> planned(Result<Plan> plan);

  bool is_done(const std::string& id) const { return runs_.at(id).task.done(); }
  Result<Deployment> result(const std::string& id);
  void stop(const std::string& id);
  /// Runs until it ends or the process crashed. False: it crashed, or waits forever.
  bool finish(const std::string& id);
  Result<Deployment> run(const std::string& id, const std::string& value);
  Runner& runner() { return *runner_; }
  void kill();

  Recorder seen;

 private:
  struct Run {
    std::unique_ptr<std::stop_source> stop;
    std::unique_ptr<TaskContext> context;
    Task<Result<Deployment>> task;
  };
  Rig& rig_;
  std::string name_;
  std::unique_ptr<Runner> runner_;
  std::map<std::string, Run> runs_;
};

}  // namespace pawl::rig
