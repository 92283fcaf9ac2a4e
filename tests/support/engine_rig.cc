// What the scripted world does when the runner is tried in it.
#include "support/engine_rig.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace pawl::rig {

Task<void> CrashPoints::pass(std::string name) {
  if (paused_ || ++count_ != at_) co_return;
  crashed_ = true;
  where_ = std::move(name);
  OneShot<bool> never;
  co_await never.wait();
}

Task<Result<Observation>> ScriptedStep::observe(StepContext& context) {
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

Task<Result<json::object>> ScriptedStep::perform(StepContext& context) {
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

Task<Result<json::object>> ScriptedStep::undo(StepContext& context) {
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

std::string ScriptedStep::value_of(StepContext& context) {
  return string_or(context.step().params, "value");
}

void ScriptedStep::change(StepContext& context, const std::string& value) {
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

Step* ScriptedLibrary::find(std::string_view kind) {
  return kind == "unknown" ? nullptr : &step_;
}

Task<Result<std::optional<std::string>>> ScriptedLibrary::verify_rollback(StepContext& context) {
  ++verified;
  co_await crash_.pass("verify");
  PAWL_CO_CHECK(co_await context.clock().sleep_for(verify_takes));
  json::object attempt{{"number", 1}, {"of", 5}, {"ok", !verify_fails}};
  PAWL_CO_CHECK(co_await context.record_attempt(attempt));
  if (verify_fails) co_return Error(ErrorKind::failed, "it answers 500");
  co_return std::optional<std::string>("it answers again");
}

Task<Result<ReportResult>> ForgeDouble::report_started(DeploymentReport) {
  co_return ReportResult{};
}

Task<Result<ReportResult>> ForgeDouble::report_finished(DeploymentReport report) {
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

Task<Result<std::string>> ForgeDouble::check_access(std::string) {
  co_return std::string("all");
}

std::string Processes::describe_this_process() const {
  return "unused";
}

bool Processes::is_gone(const std::string& owner) const {
  return gone.count(owner) > 0;
}

void Recorder::on_event(const Deployment& deployment, const Event& event) {
  std::string line = event.step.empty() ? std::string(to_string(event.type))
                                        : fmt::format("{} {}", to_string(event.type), event.step);
  lines.push_back(line);
  EXPECT_EQ(deployment.last_sequence, event.sequence);
  EXPECT_EQ(deployment.contradictions, 0) << line;
}

void Recorder::on_taking_up(const Deployment& deployment, std::string_view why) {
  taken_up.push_back(deployment.id + ": " + std::string(why));
}

void Recorder::on_log(const std::string& step, std::string_view line) {
  log.push_back(fmt::format("{}: {}", step, line));
}

PlanStep set_step(std::string id, std::string resource, std::string value,
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

Plan make_plan_to(const std::string& value) {
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

Rig::Rig() {
  world.resources = {{"code", "old"}, {"alias", "old"}, {"files", "old"}};
  store.set_door([this](std::string_view verb, MemoryStore::Moment moment) {
    return at_the_door(std::string(verb), moment);
  });
}

Task<Result<void>> Rig::at_the_door(std::string verb, MemoryStore::Moment moment) {
  co_await crash.pass(verb + (moment == MemoryStore::Moment::before ? " before" : " after"));
  if (door) co_return door(verb, moment);
  co_return ok();
}

Rig::~Rig() = default;

Deployment Rig::load(const std::string& id) {
  return clock.run(load_deployment(store, id)).value();
}

std::vector<Event> Rig::events(const std::string& id) {
  return clock.run(store.events(id)).value();
}

bool Rig::is_all(const std::string& value) const {
  return std::all_of(world.resources.begin(), world.resources.end(),
                     [&](const auto& each) { return each.second == value; });
}

Process::Process(Rig& rig, std::string name, bool is_told) : rig_(rig), name_(std::move(name)) {
  RunnerOptions options = rig.options;
  options.owner = name_;
  runner_ = std::make_unique<Runner>(RunnerPorts{rig.store, rig.clock, rig.entropy, rig.library,
                                                 rig.processes, is_told ? &rig.forge : nullptr},
                                     options, seen);
}

Process::~Process() {
  kill();
}

std::string Process::accept(const std::string& value, const std::string& environment) {
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

void Process::begin(const std::string& id, std::function<Task<Result<Plan>>()> plan) {
  auto& run = runs_[id];
  run.stop = std::make_unique<std::stop_source>();
  run.context = std::make_unique<TaskContext>(TaskContext{run.stop->get_token()});
  run.task = runner_->run(id, std::move(plan));
  run.task.start(run.context.get());
}

void Process::begin(const std::string& id, const std::string& value) {
  begin(id, [value] { return planned(make_plan_to(value)); });
}

Task<Result<Plan>> Process::planned(Result<Plan> plan) {
  co_return plan;
}

Result<Deployment> Process::result(const std::string& id) {
  return runs_.at(id).task.take();
}

void Process::stop(const std::string& id) {
  runs_.at(id).stop->request_stop();
}

bool Process::finish(const std::string& id) {
  rig_.clock.run_until([&] { return is_done(id) || rig_.crash.has_crashed(); });
  return is_done(id);
}

Result<Deployment> Process::run(const std::string& id, const std::string& value) {
  begin(id, value);
  EXPECT_TRUE(finish(id)) << "it waits forever";
  return result(id);
}

void Process::kill() {
  runs_.clear();
  runner_.reset();
}

}  // namespace pawl::rig
