// How the steps of a plan are run one by one in a StepWorld.
#include "engine/steps/step_world.h"

#include <utility>

#include "base/hash.h"

namespace pawl::fakes {

class StepWorld::Context : public StepContext {
 public:
  Context(StepWorld& world, const std::string& id)
      : world_(world), step_(*world.deployment.plan->step(id)) {}
  const Deployment& deployment() const override { return world_.deployment; }
  const PlanStep& step() const override { return step_; }
  std::string key() const override { return sha256_hex("d-1" + step_.id); }
  Clock& clock() override { return world_.clock; }
  void log(std::string_view line) override { world_.log.emplace_back(line); }
  void progress(uint64_t, uint64_t, std::string_view) override {}
  Task<Result<void>> record_attempt(json::object data) override {
    world_.attempts.push_back(data);
    world_.journal(EventType::step_attempt, step_.id, std::move(data));
    co_return ok();
  }
  Task<Result<void>> before_change() override {
    ++world_.changes_announced;
    if (world_.refuse_changes) co_return *world_.refuse_changes;
    co_return ok();
  }

 private:
  StepWorld& world_;
  PlanStep step_;
};

StepWorld::StepWorld() : static_files(objects), builder(images) {
  auto parsed = parse_config(kConfigText, "pawl.yaml");
  PAWL_ASSERT(parsed.ok());
  config = *parsed;
  StepPorts ports;
  ports.clock = &clock;
  ports.functions = &functions;
  ports.function_calls = &calls;
  ports.concurrency = &concurrency;
  ports.function_versions = &functions;
  ports.images = &images;
  ports.repositories = &images;
  ports.objects = &objects;
  ports.static_files = &static_files;
  ports.cdn = &cdn;
  ports.health = &health;
  ports.endpoints = &health;
  ports.builder = &builder;
  ports.infrastructure = &infrastructure;
  ports.identity = &identity;
  ports.forge = &forge;
  library = make_step_library(ports);
  images.repositories["meals-dev-lambda"] = kRepository;
  images.add("ghcr.io/example/meals:1.4.2", digest("new"));
  images.add(std::string(kRepository) + ":1.4.1", digest("old"));
  health.urls["meals-dev"] = "https://meals.example";
  health.urls["meals-terraformed"] = "https://meals.example";
  health.urls["meals-unqualified"] = "https://meals.example";
  static_files.content = {{"app.0a1b2c.js", "new script"}, {"index.html", "new page"}};
}

StepWorld::~StepWorld() = default;

void StepWorld::old_release_is_live() {
  functions.add("meals-dev", old_image());
  functions.publish_and_point("meals-dev", "live");
  answers("1.4.1");
}

void StepWorld::nothing_is_live() {
  functions.add("meals-dev", std::string(kRepository) + "@" + digest("placeholder"));
  health.answers.clear();
}

void StepWorld::answers(const std::string& version, int status, const std::string& database) {
  health.answers = {ProbeAnswer{status, "{\"database\": \"" + database + "\"}", version}};
}

void StepWorld::plan_deployment(const std::string& environment, bool needs_build) {
  Decision decision;
  decision.verdict = Decision::Verdict::deploy;
  decision.release = {environment, "1.4.2", "1.4.2", "v1.4.2", std::string(40, 'a')};
  decision.needs_build = needs_build;
  begin(make_deploy_plan(config, **config.environment(environment), decision, facts));
}

void StepWorld::plan_rollback(RollbackTarget target, const std::string& environment) {
  begin(make_rollback_plan(config, **config.environment(environment), target));
}

void StepWorld::begin(Plan plan) {
  deployment = Deployment{};
  const Plan& p = plan;
  json::object accepted{
      {"kind", to_string(p.kind)}, {"app", "meals"}, {"environment", "dev"}, {"actor", "ana"}};
  journal(EventType::accepted, "", std::move(accepted));
  json::object validated = to_json(p.release);
  validated["verdict"] = "deploy";
  journal(EventType::validated, "", std::move(validated));
  journal(EventType::started, "", {});
  journal(EventType::planned, "", to_json(p));
  PAWL_ASSERT(deployment.contradictions == 0);
}

Result<json::object> StepWorld::run_step(const std::string& id) {
  journal(EventType::step_started, id, {});
  bool observed = false;
  auto done = fakes::run(look_and_perform(id, observed));
  json::object data;
  if (done.ok()) {
    data["outputs"] = *done;
    data["observed"] = observed;
  } else {
    data = {{"error", done.error().message()}, {"kind", to_string(done.error().kind())}};
  }
  journal(done.ok() ? EventType::step_succeeded : EventType::step_failed, id, std::move(data));
  return done;
}

Result<json::object> StepWorld::run_until(const std::string& last) {
  for (const auto& planned : deployment.plan->steps) {
    if (deployment.step(planned.id)->status == StepStatus::succeeded) continue;
    auto done = run_step(planned.id);
    if (!done.ok() || planned.id == last) return done;
  }
  return Error(ErrorKind::internal, "no step " + last);
}

void StepWorld::crash_in(const std::string& id) {
  journal(EventType::step_started, id, {});
  bool observed = false;
  auto ignored = fakes::run(look_and_perform(id, observed));
  (void)ignored;
}

Result<json::object> StepWorld::undo_step(const std::string& id) {
  if (deployment.phase != Phase::rolling_back) journal(EventType::rollback_started, "", {});
  journal(EventType::undo_started, id, {});
  Context context(*this, id);
  auto undone = fakes::run(library->find(deployment.plan->step(id)->kind)->undo(context));
  json::object data;
  if (undone.ok()) data["outputs"] = *undone;
  journal(undone.ok() ? EventType::undo_succeeded : EventType::undo_failed, id, std::move(data));
  return undone;
}

Result<std::optional<std::string>> StepWorld::verify_rollback() {
  if (deployment.phase != Phase::rolling_back) journal(EventType::rollback_started, "", {});
  Context context(*this, "check_health");
  return fakes::run(library->verify_rollback(context));
}

void StepWorld::journal(EventType type, const std::string& step, json::object data) {
  Event event;
  event.deployment = "d-1";
  event.sequence = deployment.last_sequence + 1;
  event.at = clock.now();
  event.type = type;
  event.step = step;
  event.data = std::move(data);
  apply(deployment, event);
}

Task<Result<json::object>> StepWorld::look_and_perform(std::string id, bool& observed) {
  Context context(*this, id);
  Step* step = library->find(deployment.plan->step(id)->kind);
  PAWL_ASSERT(step != nullptr);
  PAWL_CO_TRY(auto seen, co_await step->observe(context));
  observed = seen.done.has_value();
  if (observed) co_return *std::move(seen.done);
  co_return co_await step->perform(context);
}

}  // namespace pawl::fakes
