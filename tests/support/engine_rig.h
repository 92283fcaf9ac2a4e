// A small world to try the runner in: virtual time, a journal in memory, scripted steps that change
// named resources and keep a ledger, processes that can be killed. A crash is a port call that
// never returns; then everything of the engine is destroyed, and the world and the journal stay.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
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
  Task<void> pass(std::string name) {
    if (paused_ || ++count_ != at_) co_return;
    crashed_ = true;
    where_ = std::move(name);
    OneShot<bool> never;
    co_await never.wait();
  }

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

  Task<Result<Observation>> observe(StepContext& context) override {
    world_.calls.push_back("observe " + context.step().id);
    co_await crash_.pass("observe " + context.step().id);
    if (scripts_[context.step().id].observe_fails)
      co_return *scripts_[context.step().id].observe_fails;
    Observation seen;
    const std::string resource = string_or(context.step().params, "resource");
    if (!resource.empty() && world_.resources[resource] == value_of(context))
      seen.done = json::object{{"value", value_of(context)}};
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    const std::string id = context.step().id;
    world_.calls.push_back("perform " + id);
    for (const auto& line : scripts_[id].lines) context.log(line);
    co_await crash_.pass("before " + id);
    auto slept = co_await context.clock().sleep_for(scripts_[id].takes);
    if (!slept.ok() && !scripts_[id].ignores_stop) co_return std::move(slept).error();
    Script& script = scripts_[id];
    const bool fails = script.fails && script.failures > 0;
    if (fails) --script.failures;
    if (fails && script.fails_early) co_return *script.fails;
    if (context.step().kind == "capture") {
      json::object all;
      for (const auto& [name, value] : world_.resources) all[name] = value;
      co_return json::object{{"before", all}};
    }
    if (context.step().kind == "outputs")
      co_return json::object{{"outputs", world_.terraform_outputs}};
    if (context.step().kind == "set") {
      PAWL_CO_CHECK(co_await context.before_change());
      change(context, value_of(context));
      co_await crash_.pass("after " + id);
    }
    if (!script.effect.empty()) {
      json::object call{{"number", 1}, {"effect", script.effect}};
      PAWL_CO_CHECK(co_await context.record_attempt(std::move(call)));
    }
    if (fails) co_return *script.fails;
    co_return json::object{{"value", value_of(context)}};
  }

  Task<Result<json::object>> undo(StepContext& context) override {
    const std::string id = context.step().id;
    world_.calls.push_back("undo " + id);
    co_await crash_.pass("before undo " + id);
    const auto takes = scripts_[id].undo_takes.value_or(scripts_[id].takes);
    auto slept = co_await context.clock().sleep_for(takes);
    if (!slept.ok()) co_return std::move(slept).error();
    Script& script = scripts_[id];
    if (script.undo_fails && script.undo_failures-- > 0) co_return *script.undo_fails;
    const std::string resource = string_or(context.step().params, "resource");
    const StepState* captured = context.deployment().step("capture");
    const std::string before =
        captured ? string_or(captured->outputs, "before." + resource) : std::string();
    if (world_.resources[resource] == before) co_return json::object{};
    PAWL_CO_CHECK(co_await context.before_change());
    change(context, before);
    co_await crash_.pass("after undo " + id);
    co_return json::object{{"restored", before}};
  }

 private:
  static std::string value_of(StepContext& context) {
    return string_or(context.step().params, "value");
  }
  void change(StepContext& context, const std::string& value) {
    const std::string resource = string_or(context.step().params, "resource");
    if (world_.resources[resource] == value) return;
    world_.resources[resource] = value;
    world_.ledger.push_back({context.step().id, context.key(), resource, value});
    const auto& history = store_.history();
    const bool is_intended = std::any_of(history.begin(), history.end(), [&](const Event& event) {
      return string_or(event.data, "key") == context.key();
    });
    if (!is_intended) world_.unintended.push_back(context.step().id);
  }

  World& world_;
  CrashPoints& crash_;
  MemoryStore& store_;
  std::map<std::string, Script>& scripts_;
};

class ScriptedLibrary : public StepLibrary {
 public:
  ScriptedLibrary(ScriptedStep& step, CrashPoints& crash) : step_(step), crash_(crash) {}
  Step* find(std::string_view kind) override { return kind == "unknown" ? nullptr : &step_; }
  Task<Result<std::optional<std::string>>> verify_rollback(StepContext& context) override {
    ++verified;
    co_await crash_.pass("verify");
    PAWL_CO_CHECK(co_await context.clock().sleep_for(verify_takes));
    json::object attempt{{"number", 1}, {"of", 5}, {"ok", !verify_fails}};
    PAWL_CO_CHECK(co_await context.record_attempt(attempt));
    if (verify_fails) co_return Error(ErrorKind::failed, "it answers 500");
    co_return std::optional<std::string>("it answers again");
  }
  int verified = 0;
  bool verify_fails = false;
  std::chrono::milliseconds verify_takes{0};

 private:
  ScriptedStep& step_;
  CrashPoints& crash_;
};

class ForgeDouble : public Forge {
 public:
  Task<Result<ReportResult>> report_started(DeploymentReport) override { co_return ReportResult{}; }
  Task<Result<ReportResult>> report_finished(DeploymentReport report) override {
    ++tries;
    if (clock != nullptr) PAWL_CO_CHECK(co_await clock->sleep_for(takes));
    if (fails && failures-- > 0) co_return *fails;
    reports.push_back(std::move(report));
    ReportResult result;
    result.check_run = "https://github.example/check/1";
    result.problems = problems;
    result.cut_off = cut_off;
    co_return result;
  }
  Task<Result<std::string>> check_access(std::string) override { co_return std::string("all"); }
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
  std::string describe_this_process() const override { return "unused"; }
  bool is_gone(const std::string& owner) const override { return gone.count(owner) > 0; }
  std::set<std::string> gone;
};

class Recorder : public RunObserver {
 public:
  void on_event(const Deployment& deployment, const Event& event) override {
    std::string line = event.step.empty() ? std::string(to_string(event.type))
                                          : fmt::format("{} {}", to_string(event.type), event.step);
    lines.push_back(line);
    EXPECT_EQ(deployment.last_sequence, event.sequence);
    EXPECT_EQ(deployment.contradictions, 0) << line;
  }
  void on_taking_up(const Deployment& deployment, std::string_view why) override {
    taken_up.push_back(deployment.id + ": " + std::string(why));
  }
  void on_log(const std::string& step, std::string_view line) override {
    log.push_back(fmt::format("{}: {}", step, line));
  }
  std::vector<std::string> lines, taken_up, log;
};

inline PlanStep set_step(std::string id, std::string resource, std::string value,
                         std::vector<std::string> needs) {
  PlanStep step;
  step.id = std::move(id);
  step.kind = resource.empty() ? "none" : "set";
  step.title = "do " + step.id;
  step.needs = std::move(needs);
  step.params = json::object{{"resource", resource}, {"value", value}};
  if (!resource.empty()) step.undo = "puts it back";
  return step;
}

/// capture -> copy, prepare (side by side) -> update -> {route, files} -> check
inline Plan make_plan_to(const std::string& value) {
  Plan plan;
  plan.release.version = value;
  plan.release.sha = std::string(40, 'a');
  PlanStep capture;
  capture.id = capture.kind = "capture";
  plan.steps = {capture,
                set_step("copy", "", value, {"capture"}),
                set_step("prepare", "", value, {"capture"}),
                set_step("update", "code", value, {"copy", "prepare"}),
                set_step("route", "alias", value, {"update"}),
                set_step("files", "files", value, {"update"}),
                set_step("check", "", value, {"route", "files"})};
  return plan;
}

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

  Rig() {
    world.resources = {{"code", "old"}, {"alias", "old"}, {"files", "old"}};
    store.set_door([this](std::string_view verb, MemoryStore::Moment moment) {
      return at_the_door(std::string(verb), moment);
    });
  }
  Task<Result<void>> at_the_door(std::string verb, MemoryStore::Moment moment) {
    co_await crash.pass(verb + (moment == MemoryStore::Moment::before ? " before" : " after"));
    if (door) co_return door(verb, moment);
    co_return ok();
  }
  std::function<Result<void>(const std::string& verb, MemoryStore::Moment moment)> door;

  bool is_all(const std::string& value) const {
    return std::all_of(world.resources.begin(), world.resources.end(),
                       [&](const auto& each) { return each.second == value; });
  }
  Deployment load(const std::string& id) { return clock.run(load_deployment(store, id)).value(); }
  std::vector<Event> events(const std::string& id) { return clock.run(store.events(id)).value(); }
};

/// A process: a runner with a name, and the tasks that it runs. Killing it destroys all of them.
class Process {
 public:
  Process(Rig& rig, std::string name, bool is_told = true) : rig_(rig), name_(std::move(name)) {
    RunnerOptions options = rig.options;
    options.owner = name_;
    runner_ = std::make_unique<Runner>(RunnerPorts{rig.store, rig.clock, rig.entropy, rig.library,
                                                   rig.processes, is_told ? &rig.forge : nullptr},
                                       options, seen);
  }
  ~Process() { kill(); }

  std::string accept(const std::string& value, const std::string& environment = "dev") {
    NewDeployment request;
    request.app = "meals";
    request.environment = environment;
    request.actor = "ana";
    request.decision.verdict = Decision::Verdict::deploy;
    request.decision.reason = "asked for";
    request.decision.release.version = value;
    request.decision.release.sha = std::string(40, 'a');
    return rig_.clock.run(runner_->accept(request)).value();
  }
  /// Begins to run it; go_on() moves time.
  void begin(const std::string& id, std::function<Task<Result<Plan>>()> plan) {
    auto& run = runs_[id];
    run.stop = std::make_unique<std::stop_source>();
    run.context = std::make_unique<TaskContext>(TaskContext{run.stop->get_token()});
    run.task = runner_->run(id, std::move(plan));
    run.task.start(run.context.get());
  }
  void begin(const std::string& id, const std::string& value) {
    begin(id, [value] { return planned(make_plan_to(value)); });
  }
  static Task<Result<Plan>> planned(Result<Plan> plan) { co_return plan; }

  bool is_done(const std::string& id) const { return runs_.at(id).task.done(); }
  Result<Deployment> result(const std::string& id) { return runs_.at(id).task.take(); }
  void stop(const std::string& id) { runs_.at(id).stop->request_stop(); }
  /// Runs until it ends or the process crashed. False: it crashed, or waits forever.
  bool finish(const std::string& id) {
    rig_.clock.run_until([&] { return is_done(id) || rig_.crash.has_crashed(); });
    return is_done(id);
  }
  Result<Deployment> run(const std::string& id, const std::string& value) {
    begin(id, value);
    EXPECT_TRUE(finish(id)) << "it waits forever";
    return result(id);
  }
  Runner& runner() { return *runner_; }
  void kill() {
    runs_.clear();
    runner_.reset();
  }

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
