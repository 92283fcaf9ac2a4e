// One application in one environment, over fakes: enough to run the steps of a real plan one by
// one, with the deployment's events as the journal would have them.
#pragma once

#include <string>
#include <vector>

#include "core/config_parser.h"
#include "core/deployment.h"
#include "engine/steps.h"
#include "support/fake_ports.h"

namespace pawl::fakes {

inline constexpr const char* kConfigText = R"(
app: meals
repository: example/meals
image: {source: ghcr.io/example/meals, build: {context: ., platform: linux/amd64}}
function: {name: meals-dev, alias: live, repository: meals-dev-lambda, update_timeout: 60s}
static: {dir: static, bucket: meals-dev-static, prefix: static/, immutable: ["**/*.[0-9a-f]*.*"]}
health: {path: /health, attempts: 4, rollback_attempts: 3, max_wait: 2s, expect: {version_header: X-App-Version, json: {database: ok}}}
environments:
  dev:
  unqualified: {function: {alias: none}}
  bare: {health: none, static: none}
  behind-cdn: {url: {api: meals-dev}, static: {cloudfront: {distribution: E1A2B3C4D5E6F7, path: /}}}
  terraformed: {infrastructure: {terraform: {dir: terraform, backend: backend.tpl}}}
  hooked:
    hooks:
      - {name: migrate, when: before_traffic, invoke: {payload: {op: migrate}, expect: {done: true}}}
      - name: warm
        when: after_traffic
        invoke: {payload: {op: warm}, timeout: 20s}
        undo: {payload: {op: cool}}
        idempotent: true
        retries: 1
)";

class StepWorld {
 public:
  StepWorld() : static_files(objects), builder(images) {
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

  static constexpr const char* kRepository =
      "000000000000.dkr.ecr.us-east-1.amazonaws.com/meals-dev-lambda";
  static std::string old_image() { return std::string(kRepository) + "@" + digest("old"); }
  static std::string new_image() { return std::string(kRepository) + "@" + digest("new"); }

  /// The function as an earlier release left it, with the alias on its version 1.
  void old_release_is_live() {
    functions.add("meals-dev", old_image());
    functions.publish_and_point("meals-dev", "live");
    answers("1.4.1");
  }
  /// What Terraform leaves: a function, and no alias yet.
  void nothing_is_live() {
    functions.add("meals-dev", std::string(kRepository) + "@" + digest("placeholder"));
    health.answers.clear();
  }
  void answers(const std::string& version, int status = 200, const std::string& database = "ok") {
    health.answers = {ProbeAnswer{status, "{\"database\": \"" + database + "\"}", version}};
  }

  PlanFacts facts;  // that the next plan is made of

  void plan_deployment(const std::string& environment = "dev", bool needs_build = false) {
    Decision decision;
    decision.verdict = Decision::Verdict::deploy;
    decision.release = {environment, "1.4.2", "1.4.2", "v1.4.2", std::string(40, 'a')};
    decision.needs_build = needs_build;
    begin(make_deploy_plan(config, **config.environment(environment), decision, facts));
  }
  void plan_rollback(RollbackTarget target, const std::string& environment = "dev") {
    begin(make_rollback_plan(config, **config.environment(environment), target));
  }
  void begin(Plan plan) {
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

  /// As the runner does it: intent, look, effect, outcome.
  Result<json::object> run_step(const std::string& id) {
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
  /// Everything up to and with that step; the last result.
  Result<json::object> run_until(const std::string& last) {
    for (const auto& planned : deployment.plan->steps) {
      if (deployment.step(planned.id)->status == StepStatus::succeeded) continue;
      auto done = run_step(planned.id);
      if (!done.ok() || planned.id == last) return done;
    }
    return Error(ErrorKind::internal, "no step " + last);
  }
  /// The effect happens and the process dies before its outcome is written.
  void crash_in(const std::string& id) {
    journal(EventType::step_started, id, {});
    bool observed = false;
    auto ignored = fakes::run(look_and_perform(id, observed));
    (void)ignored;
  }
  Result<json::object> undo_step(const std::string& id) {
    if (deployment.phase != Phase::rolling_back) journal(EventType::rollback_started, "", {});
    journal(EventType::undo_started, id, {});
    Context context(*this, id);
    auto undone = fakes::run(library->find(deployment.plan->step(id)->kind)->undo(context));
    json::object data;
    if (undone.ok()) data["outputs"] = *undone;
    journal(undone.ok() ? EventType::undo_succeeded : EventType::undo_failed, id, std::move(data));
    return undone;
  }
  Result<std::optional<std::string>> verify_rollback() {
    if (deployment.phase != Phase::rolling_back) journal(EventType::rollback_started, "", {});
    Context context(*this, "check_health");
    return fakes::run(library->verify_rollback(context));
  }

  void journal(EventType type, const std::string& step, json::object data) {
    Event event;
    event.deployment = "d-1";
    event.sequence = deployment.last_sequence + 1;
    event.at = clock.now();
    event.type = type;
    event.step = step;
    event.data = std::move(data);
    apply(deployment, event);
  }

  FakeClock clock;
  FakeFunctions functions;
  FakeCalls calls;
  FakeConcurrency concurrency;
  FakeImages images;
  FakeObjects objects;
  FakeStaticFiles static_files;
  FakeCdn cdn;
  FakeHealth health;
  FakeBuilder builder;
  FakeInfrastructure infrastructure;
  FakeIdentity identity;
  FakeForge forge;
  Config config;
  std::unique_ptr<StepLibrary> library;
  Deployment deployment;
  std::vector<std::string> log;
  std::vector<json::object> attempts;
  int changes_announced = 0;
  std::optional<Error> refuse_changes;  // what before_change answers

 private:
  class Context : public StepContext {
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

  Task<Result<json::object>> look_and_perform(std::string id, bool& observed) {
    Context context(*this, id);
    Step* step = library->find(deployment.plan->step(id)->kind);
    PAWL_ASSERT(step != nullptr);
    PAWL_CO_TRY(auto seen, co_await step->observe(context));
    observed = seen.done.has_value();
    if (observed) co_return *std::move(seen.done);
    co_return co_await step->perform(context);
  }
};

}  // namespace pawl::fakes
