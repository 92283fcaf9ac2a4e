#include "sim/world/node.h"

#include "core/hooks.h"
#include "core/validate.h"
#include "engine/queries.h"

namespace pawl::sim {
namespace {

StepPorts step_ports(Clock& clock, SimFunctions& functions, SimCalls& calls, SimImages& images,
                     SimObjects& objects, SimFiles& files, SimApplication& application,
                     SimForge& forge) {
  StepPorts ports;
  ports.clock = &clock;
  ports.functions = &functions;
  ports.function_calls = &calls;
  ports.images = &images;
  ports.repositories = &images;
  ports.objects = &objects;
  ports.static_files = &files;
  ports.health = &application;
  ports.endpoints = &application;
  ports.forge = &forge;
  return ports;
}

RunnerOptions options_of(const std::string& owner, std::chrono::milliseconds poll) {
  RunnerOptions options;
  options.owner = owner;
  options.queue_poll = poll;
  options.repository = "example/meals";
  return options;
}

Error blocked(World& world, const RollbackTarget& target) {
  world.seen.count("a rollback by command was refused because of a hook");
  return Error(ErrorKind::refused, target.blocked_by);
}

}  // namespace

Node::Node(World& world, std::string name, int life, std::chrono::milliseconds skew)
    : world_(world),
      owner_(fmt::format("{}/{}", name, life)),
      gate_(world, owner_),
      clock_(gate_, skew),
      store_(gate_),
      entropy_(world.chance.next()),
      processes_(world, owner_),
      functions_(gate_),
      calls_(gate_),
      images_(gate_),
      objects_(gate_),
      files_(world),
      source_(world),
      application_(gate_),
      forge_(gate_),
      library_(gate_, make_step_library(step_ports(clock_, functions_, calls_, images_, objects_,
                                                   files_, application_, forge_))),
      runner_(RunnerPorts{store_, clock_, entropy_, library_, processes_, &forge_},
              options_of(owner_, world.poll), *this) {
  world_.tell(owner_, "starts");
}

Node::~Node() {
  runs_.clear();
  jobs_.clear();
}

void Node::on_event(const Deployment& deployment, const Event&) {
  world_.invariants.node_says(deployment);
}

void Node::start_job(Task<void> job) {
  jobs_.push_back(std::move(job));
  jobs_.back().start(&no_stop_);
}

void Node::accept(DeploymentKind kind, std::string environment, std::string version,
                  Decision::Verdict verdict) {
  NewDeployment request;
  request.app = World::kApp;
  request.environment = environment;
  request.actor = "ana";
  request.kind = kind;
  request.decision.verdict = verdict;
  request.decision.reason = "asked for";
  request.decision.release = {environment, version, version, "v" + version, std::string(40, 'a')};
  world_.tell(owner_, "is asked for {} {} in {}", to_string(kind), version, environment);
  start_job(accept_and_note(std::move(request)));
}

// What to go back to is found out when somebody asks, as `pawl rollback` does.
Task<Result<std::string>> Node::accept_it(NewDeployment request) {
  if (request.kind == DeploymentKind::rollback) {
    PAWL_CO_TRY(const auto target,
                co_await rollback_target(store_, World::kApp, request.environment, ""));
    if (!target) co_return Error(ErrorKind::refused, "there is nothing to go back to");
    if (!target->blocked_by.empty()) co_return blocked(world_, *target);
    request.decision.release = target->release;
  }
  co_return co_await runner_.accept(std::move(request));
}

Task<void> Node::accept_and_note(NewDeployment request) {
  auto id = co_await accept_it(std::move(request));
  if (!id.ok()) {
    if (world_.tells()) world_.tell(owner_, "does not take it: {}", id.error().message());
    co_return;
  }
  world_.invariants.acknowledged(*id);
  to_run_.push_back(*id);
}

void Node::deliver(std::string commit) {
  world_.tell(owner_, "hears that CI passed for {}", short_sha(commit));
  start_job(deliver_and_note(std::move(commit)));
}

Task<Result<Decision>> Node::decide(std::string commit) {
  Trigger trigger;
  trigger.kind = TriggerKind::ci;
  trigger.sha = commit;
  trigger.branch = world_.config.main_branch;
  trigger.ci_conclusion = "success";
  Facts facts;
  facts.now = clock_.now();
  PAWL_CO_TRY(auto beside, co_await compare_with_live(store_, source_, World::kApp, World::kTrunk,
                                                      std::move(commit)));
  facts.live_sha = std::move(beside.live_sha);
  facts.is_older_than_live = beside.is_older;
  facts.image_exists = world_.source.count(short_sha(trigger.sha)) > 0;
  co_return validate(world_.config, world_.environment(World::kTrunk), trigger, facts);
}

Task<void> Node::deliver_and_note(std::string commit) {
  auto decision = co_await decide(std::move(commit));
  if (!decision.ok()) {
    if (world_.tells()) world_.tell(owner_, "cannot decide: {}", decision.error().message());
    co_return;
  }
  NewDeployment request;
  request.app = World::kApp;
  request.environment = World::kTrunk;
  request.actor = "github";
  request.decision = *std::move(decision);
  co_await accept_and_note(std::move(request));
}

void Node::cancel(std::string deployment, OnCancel choice) {
  world_.tell(owner_, "is asked to cancel {} ({})", deployment, to_string(choice));
  start_job(cancel_and_note(std::move(deployment), choice));
}

Task<void> Node::cancel_and_note(std::string deployment, OnCancel choice) {
  auto asked = co_await runner_.cancel(deployment, "bob", choice);
  if (!asked.ok() && world_.tells())
    world_.tell(owner_, "does not cancel {}: {}", deployment, asked.error().message());
}

void Node::resume_all() {
  start_job(find_unfinished());
}

Task<void> Node::find_unfinished() {
  for (;;) {
    auto left = co_await store_.unfinished(World::kApp, "");
    if (left.ok()) {
      to_run_.insert(to_run_.end(), left->begin(), left->end());
      co_return;
    }
    auto slept = co_await clock_.sleep_for(std::chrono::milliseconds(1'000));
    (void)slept;
  }
}

void Node::run(const std::string& deployment) {
  if (runs_.count(deployment) > 0 || stopping_) return;
  auto& work = runs_[deployment];
  work = std::make_unique<Work>();
  work->task = runner_.run(deployment, [this, deployment] { return make_plan(deployment); });
  work->task.start(&work->context);
}

// As `pawl deploy` does. Of one that is not known somebody finds out, once nothing can be on its
// way any more: `--hook count=ran`, or `=again`.
Task<Result<void>> Node::look_at_hooks(const EnvironmentConfig& environment, ReleaseName release,
                                       PlanFacts& facts) {
  if (environment.hooks.empty()) co_return ok();
  PAWL_CO_TRY(facts.hook_runs, co_await find_hook_runs(store_, World::kApp, environment.name,
                                                       release, facts.source_digest));
  auto allowed = check_hook_runs(environment, facts);
  if (allowed.ok()) co_return allowed;
  world_.seen.count("a hook that is not known was left to a person");
  const HookData& data = world_.hooks[environment.name];
  if (world_.clock.steady_now() - data.last_sent < kPatience * 2) co_return allowed;
  Deployment asked;
  asked.app = World::kApp;
  asked.environment = environment.name;
  asked.release = release;
  for (const HookSettings& hook : environment.hooks) {
    const auto run = facts.hook_runs.find(hook.name);
    if (run == facts.hook_runs.end() || run->second.is_known) continue;
    const auto counted = data.runs.find(hook_key(asked, hook, facts.source_digest));
    if (counted == data.runs.end())
      facts.hook_runs.erase(run);
    else
      run->second.is_known = true;
  }
  co_return ok();
}

Task<Result<Plan>> Node::make_plan(std::string id) {
  // Who runs it has read its beginning.
  world_.invariants.after_step();
  const Deployment& deployment = world_.invariants.deployments().at(id);
  const EnvironmentConfig& environment = world_.environment(deployment.environment);
  if (deployment.kind == DeploymentKind::rollback) {
    PAWL_CO_TRY(const auto target,
                co_await rollback_target(store_, World::kApp, deployment.environment,
                                         deployment.release.version));
    if (!target) co_return Error(ErrorKind::refused, "there is nothing to go back to");
    if (!target->blocked_by.empty()) co_return blocked(world_, *target);
    co_return make_rollback_plan(world_.config, environment, *target);
  }
  Decision decision;
  decision.verdict = Decision::Verdict::deploy;
  if (deployment.environment == World::kTrunk) {
    // Asked again now that the environment is held, as `pawl deploy` does.
    PAWL_CO_TRY(decision, co_await decide(deployment.release.sha));
    if (!decision.should_deploy())
      co_return Error(ErrorKind::refused, decision.reason)
          .with_code(decision.verdict == Decision::Verdict::superseded ? "superseded" : "");
  }
  decision.release = deployment.release;
  PlanFacts facts;
  facts.source_digest = world_.source.at(deployment.release.version);
  PAWL_CO_CHECK(co_await look_at_hooks(environment, deployment.release, facts));
  Plan plan = make_deploy_plan(world_.config, environment, decision, facts);
  // Each release's assets lie in a folder of their own.
  for (PlanStep& step : plan.steps)
    if (step.kind == "upload_static") {
      json::object params = *step.params;
      params["dir"] = "dist/" + deployment.release.version;
      step.params = std::move(params);
    }
  co_return plan;
}

void Node::stop() {
  stopping_ = true;
  world_.tell(owner_, "is asked to stop");
  for (auto& [id, work] : runs_) work->stop.request_stop();
}

std::vector<std::string> Node::collect() {
  std::vector<std::string> again;
  if (!jobs_.empty()) std::erase_if(jobs_, [](const Task<void>& job) { return job.done(); });
  for (auto at = runs_.begin(); at != runs_.end();) {
    if (!at->second->task.done()) {
      ++at;
      continue;
    }
    auto ended = at->second->task.take();
    if (!ended.ok()) {
      world_.tell(owner_, "leaves {}: {}", at->first, ended.error().message());
      again.push_back(at->first);
    }
    at = runs_.erase(at);
  }
  if (!to_run_.empty())
    for (const auto& id : std::exchange(to_run_, {})) run(id);
  return again;
}

}  // namespace pawl::sim
