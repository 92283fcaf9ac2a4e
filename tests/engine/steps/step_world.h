// One application in one environment, over fakes: enough to run the steps of a real plan one by
// one, with the deployment's events as the journal would have them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config_parser.h"
#include "core/deployment.h"
#include "engine/steps.h"
#include "support/fakes/builder.h"
#include "support/fakes/calls.h"
#include "support/fakes/cdn.h"
#include "support/fakes/clock.h"
#include "support/fakes/concurrency.h"
#include "support/fakes/forge.h"
#include "support/fakes/functions.h"
#include "support/fakes/health.h"
#include "support/fakes/identity.h"
#include "support/fakes/images.h"
#include "support/fakes/infrastructure.h"
#include "support/fakes/objects.h"
#include "support/fakes/run.h"
#include "support/fakes/static_files.h"

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
  StepWorld();
  ~StepWorld();

  static constexpr const char* kRepository =
      "000000000000.dkr.ecr.us-east-1.amazonaws.com/meals-dev-lambda";
  static std::string old_image() { return std::string(kRepository) + "@" + digest("old"); }
  static std::string new_image() { return std::string(kRepository) + "@" + digest("new"); }

  /// The function as an earlier release left it, with the alias on its version 1.
  void old_release_is_live();
  /// What Terraform leaves: a function, and no alias yet.
  void nothing_is_live();
  void answers(const std::string& version, int status = 200, const std::string& database = "ok");

  PlanFacts facts;  // that the next plan is made of

  /// The alias of the function that is deployed to.
  AliasState& alias() { return functions.functions["meals-dev"].aliases["live"]; }

  void plan_deployment(const std::string& environment = "dev", bool needs_build = false);
  void plan_rollback(RollbackTarget target, const std::string& environment = "dev");
  void begin(Plan plan);

  /// As the runner does it: intent, look, effect, outcome.
  Result<json::object> run_step(const std::string& id);
  /// Everything up to and with that step; the last result.
  Result<json::object> run_until(const std::string& last);
  /// The effect happens and the process dies before its outcome is written.
  void crash_in(const std::string& id);
  Result<json::object> undo_step(const std::string& id);
  Result<std::optional<std::string>> verify_rollback();

  void journal(EventType type, const std::string& step, json::object data);

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
  class Context;

  Task<Result<json::object>> look_and_perform(std::string id, bool& observed);
};

/// The old release is live, and the new one's deployment is planned.
class PlannedWorld : public StepWorld {
 public:
  PlannedWorld() {
    old_release_is_live();
    plan_deployment();
  }
};

}  // namespace pawl::fakes
