#include "core/plan_steps.h"

#include <fmt/format.h>

#include "core/hooks.h"

namespace pawl {
namespace {

json::object url_params(const EnvironmentConfig& environment) {
  return {{"fixed", environment.url.fixed}, {"api", environment.url.api}};
}

}  // namespace

json::object to_json(const HealthSettings& health) {
  json::object expected;
  for (const auto& [path, text] : health.expect_json) expected[path] = text;
  return {{"path", health.path},
          {"attempts", health.attempts},
          {"rollback_attempts", health.rollback_attempts},
          {"max_wait_ms", health.max_wait.count()},
          {"timeout_ms", health.timeout.count()},
          {"passes", health.passes},
          {"status", health.expect_status},
          {"version_header", health.version_header},
          {"json", std::move(expected)}};
}

HealthSettings health_from_json(const json::object& object) {
  HealthSettings health;
  const auto number = [&](std::string_view name, int otherwise) {
    return static_cast<int>(int_or(object, name, otherwise));
  };
  health.path = string_or(object, "path", health.path);
  health.attempts = number("attempts", health.attempts);
  health.rollback_attempts = number("rollback_attempts", health.rollback_attempts);
  health.max_wait =
      std::chrono::milliseconds(int_or(object, "max_wait_ms", health.max_wait.count()));
  health.timeout = std::chrono::milliseconds(int_or(object, "timeout_ms", health.timeout.count()));
  health.passes = number("passes", health.passes);
  health.expect_status = number("status", health.expect_status);
  health.version_header = string_or(object, "version_header");
  if (const json::value* expected = object.if_contains("json"); expected && expected->is_object())
    for (const auto& [path, text] : expected->get_object())
      if (text.is_string()) health.expect_json[std::string(path)] = std::string(text.get_string());
  return health;
}

json::object to_json(const StaticSettings& settings) {
  json::array immutable;
  for (const auto& glob : settings.immutable) immutable.push_back(json::string(glob));
  json::object object{{"dir", settings.dir},
                      {"bucket", settings.bucket},
                      {"prefix", settings.prefix},
                      {"immutable", std::move(immutable)}};
  json::array cache;
  for (const auto& rule : settings.cache)
    cache.push_back(json::object{{"match", rule.match}, {"control", rule.control}});
  if (!cache.empty()) object["cache"] = std::move(cache);
  json::array compress;
  for (const auto& encoding : settings.compress) compress.push_back(json::string(encoding));
  if (!compress.empty()) object["compress"] = std::move(compress);
  return object;
}

PlanStep notify_started_step(const Config& config, const EnvironmentConfig& environment,
                             const std::string& live_sha) {
  PlanStep step;
  step.id = step.kind = "notify_started";
  step.title =
      fmt::format("tell {} that a deployment to {} has begun", config.repository, environment.name);
  json::object params{{"repository", config.repository},
                      {"patience_ms", config.github.patience.count()}};
  if (!live_sha.empty()) params["live_sha"] = live_sha;
  step.params = std::move(params);
  step.required = false;
  return step;
}

PlanStep capture_live_step(const EnvironmentConfig& environment, bool may_be_absent) {
  PlanStep step;
  step.id = step.kind = "capture_live";
  step.title =
      fmt::format("record what is live in {} before anything is changed", environment.name);
  json::object params{{"function", environment.function.name},
                      {"alias", environment.function.alias},
                      {"repository", environment.function.repository},
                      {"region", environment.region},
                      {"may_be_absent", may_be_absent},
                      {"url", url_params(environment)}};
  if (environment.health) params["health"] = to_json(*environment.health);
  step.params = std::move(params);
  return step;
}

PlanStep find_url_step(const EnvironmentConfig& environment, std::vector<std::string> needs) {
  PlanStep step;
  step.id = step.kind = "find_url";
  step.title = environment.url.fixed.empty()
                   ? fmt::format("find the address of the API {}", environment.url.api)
                   : fmt::format("use the address {}", environment.url.fixed);
  step.needs = std::move(needs);
  step.params = url_params(environment);
  step.required = environment.health.has_value();
  return step;
}

PlanStep check_health_step(const EnvironmentConfig& environment, const ReleaseName& release,
                           int attempts, std::vector<std::string> needs) {
  PlanStep step;
  step.id = step.kind = "check_health";
  step.title = fmt::format("ask {} until {} answers well (at most {} times)",
                           environment.health->path, release.version, attempts);
  step.needs = std::move(needs);
  step.params = json::object{{"health", to_json(*environment.health)},
                             {"attempts", attempts},
                             {"version", release.version},
                             {"function", environment.function.name},
                             {"alias", environment.function.alias}};
  return step;
}

PlanStep run_hook_step(const EnvironmentConfig& environment, const HookSettings& hook,
                       const ReleaseName& release, std::vector<std::string> needs) {
  const FunctionSettings& function = environment.function;
  PlanStep step;
  step.id = hook_step_id(hook.name);
  step.kind = std::string(kHookKind);
  std::string called = fmt::format("the new version of {}", function.name);
  if (!hook.function.empty())
    called = hook.qualifier.empty() ? hook.function : hook.function + ":" + hook.qualifier;
  step.title = fmt::format("call the hook {} of {}{}", hook.name, called,
                           bars_the_way_back(hook) ? ", with no way back" : "");
  step.needs = std::move(needs);
  step.params = to_json(hook);
  if (hook.function.empty()) step.params.own()["function"] = function.name;
  step.params.own()["of_new_version"] = hook.function.empty();
  step.params.own()["alias"] = function.alias;
  step.params.own()["deployed_function"] = function.name;
  step.params.own()["version"] = release.version;
  if (hook.undo) step.undo = "calls it with the payload that takes it back";
  return step;
}

PlanStep provisioned_step(const EnvironmentConfig& environment, const std::string& id,
                          const PlanFacts& facts, std::vector<std::string> needs) {
  const FunctionSettings& function = environment.function;
  PlanStep step;
  step.id = step.kind = id;
  step.needs = std::move(needs);
  step.params = json::object{{"function", function.name},
                             {"alias", function.alias},
                             {"provisioned", facts.provisioned},
                             {"provisioned_for", facts.provisioned_for},
                             {"update_timeout_ms", function.update_timeout.count()}};
  if (id == "provision_version") {
    step.title = fmt::format("let {} instances of the new version stand ready, as of version {}",
                             facts.provisioned, facts.provisioned_for);
    step.undo = "gives them up again";
  } else if (id == "await_provisioned") {
    step.title = fmt::format("wait until {} instances stand ready behind the alias {}",
                             facts.provisioned, facts.provisioned_for);
  } else {
    step.title = fmt::format("give up those that stand ready of version {}", facts.provisioned_for);
    step.required = false;
  }
  return step;
}

PlanStep prune_versions_step(const EnvironmentConfig& environment, const PlanFacts& facts,
                             std::vector<std::string> needs) {
  const FunctionSettings& function = environment.function;
  PlanStep step;
  step.id = step.kind = "prune_versions";
  step.title = fmt::format("delete old versions of {}, but for the newest {} and what is in use",
                           function.name, function.keep_versions);
  step.needs = std::move(needs);
  json::array in_use;
  for (const auto& version : facts.versions_in_use) in_use.push_back(json::string(version));
  step.params = json::object{
      {"function", function.name}, {"keep", function.keep_versions}, {"in_use", std::move(in_use)}};
  step.required = false;
  return step;
}

PlanStep switch_static_step(const StaticSettings& settings, std::vector<std::string> needs,
                            const std::string& manifest_digest) {
  PlanStep step;
  step.id = step.kind = "switch_static";
  step.title = fmt::format("switch the files with fixed names in s3://{}/{}", settings.bucket,
                           settings.prefix);
  step.needs = std::move(needs);
  json::object params{{"bucket", settings.bucket}, {"prefix", settings.prefix}};
  if (!manifest_digest.empty()) params["manifest_digest"] = manifest_digest;
  step.undo = "puts those files back as they were";
  if (const CloudFrontSettings& cdn = settings.cloudfront; !cdn.distribution.empty()) {
    step.title +=
        fmt::format(", and tell CloudFront's {} to forget the old ones", cdn.distribution);
    step.undo += ", and tells CloudFront again";
    params["cloudfront"] =
        json::object{{"distribution", cdn.distribution}, {"path", cdn.path}, {"wait", cdn.wait}};
  }
  step.params = std::move(params);
  return step;
}

std::vector<std::string> common_warnings(const Config& config,
                                         const EnvironmentConfig& environment) {
  std::vector<std::string> warnings;
  if (!environment.health) {
    warnings.emplace_back("nothing checks the release: without `health` a broken one stays live");
  } else if (environment.health->version_header.empty()) {
    warnings.emplace_back(
        "the check cannot tell this release from the one before: "
        "health.expect.version_header is not set");
  }
  if (environment.function.alias.empty())
    warnings.emplace_back(
        "callers get $LATEST (alias: none): the new code is live before it was "
        "asked anything, and a rollback takes as long as an update");
  if (config.repository.empty())
    warnings.emplace_back("nobody is told on GitHub: `repository` is not set");
  return warnings;
}

}  // namespace pawl
