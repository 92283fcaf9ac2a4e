#include "core/plan_steps.h"

#include <fmt/format.h>

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

PlanStep notify_started_step(const Config& config, const EnvironmentConfig& environment) {
  PlanStep step;
  step.id = step.kind = "notify_started";
  step.title =
      fmt::format("tell {} that a deployment to {} has begun", config.repository, environment.name);
  step.params = {{"repository", config.repository}};
  step.required = false;
  return step;
}

PlanStep capture_live_step(const EnvironmentConfig& environment) {
  PlanStep step;
  step.id = step.kind = "capture_live";
  step.title =
      fmt::format("record what is live in {} before anything is changed", environment.name);
  step.params = {{"function", environment.function.name},
                 {"alias", environment.function.alias},
                 {"repository", environment.function.repository},
                 {"region", environment.region},
                 // Terraform may be what makes them, later in this very plan.
                 {"may_be_absent", environment.terraform.has_value()},
                 {"url", url_params(environment)}};
  if (environment.health) step.params["health"] = to_json(*environment.health);
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
  step.params = {{"health", to_json(*environment.health)},
                 {"attempts", attempts},
                 {"version", release.version},
                 {"function", environment.function.name},
                 {"alias", environment.function.alias}};
  return step;
}

PlanStep switch_static_step(const StaticSettings& settings, std::vector<std::string> needs) {
  PlanStep step;
  step.id = step.kind = "switch_static";
  step.title = fmt::format("switch the files with fixed names in s3://{}/{}", settings.bucket,
                           settings.prefix);
  step.needs = std::move(needs);
  step.params = {{"bucket", settings.bucket}, {"prefix", settings.prefix}};
  step.undo = "puts those files back as they were";
  const CloudFrontSettings& cdn = settings.cloudfront;
  if (cdn.distribution.empty()) return step;
  step.title += fmt::format(", and tell CloudFront's {} to forget the old ones", cdn.distribution);
  step.undo += ", and tells CloudFront again";
  step.params["cloudfront"] =
      json::object{{"distribution", cdn.distribution}, {"path", cdn.path}, {"wait", cdn.wait}};
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
