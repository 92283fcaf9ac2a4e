#include "engine/steps/captured.h"

namespace pawl::steps {
namespace {

json::object alias_to_json(const std::optional<AliasState>& alias) {
  if (!alias) return {{"exists", false}};
  json::object weights;
  for (const auto& [version, share] : alias->additional_weights) weights[version] = share;
  return {{"exists", true},
          {"function", alias->function},
          {"name", alias->name},
          {"version", alias->version},
          {"description", alias->description},
          {"revision_id", alias->revision_id},
          {"weights", std::move(weights)}};
}

std::optional<AliasState> alias_from_json(const json::object& object) {
  if (!bool_or(object, "exists")) return std::nullopt;
  AliasState alias;
  alias.function = string_or(object, "function");
  alias.name = string_or(object, "name");
  alias.version = string_or(object, "version");
  alias.description = string_or(object, "description");
  alias.revision_id = string_or(object, "revision_id");
  if (const json::value* weights = find(object, "weights"); weights && weights->is_object())
    for (const auto& [version, share] : weights->get_object())
      if (share.is_number()) alias.additional_weights[version] = share.to_number<double>();
  return alias;
}

}  // namespace

json::object to_json(const Captured& captured) {
  json::object latest{{"image_uri", captured.latest.image_uri},
                      {"digest", captured.latest.digest},
                      {"code_sha256", captured.latest.code_sha256},
                      {"revision_id", captured.latest.revision_id},
                      {"architecture", captured.latest.architecture}};
  json::object live{{"image_uri", captured.live.image_uri},
                    {"digest", captured.live.digest},
                    {"function_version", captured.live.function_version}};
  json::object health{{"asked", captured.health_before.asked},
                      {"ok", captured.health_before.ok},
                      {"version", captured.health_before.version},
                      {"result", captured.health_before.result}};
  json::object concurrency{{"provisioned", captured.provisioned},
                           {"provisioned_for", captured.provisioned_for}};
  if (captured.reserved) concurrency["reserved"] = *captured.reserved;
  return {{"function_exists", captured.function_exists},
          {"nothing_live", captured.nothing_live},
          {"url", captured.url},
          {"live_version", captured.health_before.version},
          {"latest", std::move(latest)},
          {"alias", alias_to_json(captured.alias)},
          {"live", std::move(live)},
          {"pins", to_json(captured.pins)},
          {"concurrency", std::move(concurrency)},
          {"health_before", std::move(health)}};
}

Result<Captured> captured_of(const Deployment& deployment) {
  const StepState* step = deployment.step("capture_live");
  if (step == nullptr || step->status != StepStatus::succeeded)
    return Error(ErrorKind::internal, "what was live before was not captured");
  const json::object& outputs = step->outputs;
  Captured captured;
  captured.function_exists = bool_or(outputs, "function_exists");
  captured.nothing_live = bool_or(outputs, "nothing_live", true);
  captured.url = string_or(outputs, "url");
  captured.latest = {string_or(outputs, "latest.image_uri"), string_or(outputs, "latest.digest"),
                     string_or(outputs, "latest.code_sha256"),
                     string_or(outputs, "latest.revision_id"),
                     string_or(outputs, "latest.architecture")};
  if (const json::value* alias = find(outputs, "alias"); alias && alias->is_object())
    captured.alias = alias_from_json(alias->get_object());
  captured.live = {string_or(outputs, "live.image_uri"), string_or(outputs, "live.digest"),
                   string_or(outputs, "live.function_version")};
  if (const json::value* pins = find(outputs, "pins"); pins && pins->is_object())
    captured.pins = pins_from_json(pins->get_object());
  captured.provisioned = static_cast<int>(int_or(outputs, "concurrency.provisioned"));
  captured.provisioned_for = string_or(outputs, "concurrency.provisioned_for");
  if (find(outputs, "concurrency.reserved") != nullptr)
    captured.reserved = static_cast<int>(int_or(outputs, "concurrency.reserved"));
  captured.health_before = {
      bool_or(outputs, "health_before.asked"), bool_or(outputs, "health_before.ok"),
      string_or(outputs, "health_before.version"), string_or(outputs, "health_before.result")};
  return captured;
}

}  // namespace pawl::steps
