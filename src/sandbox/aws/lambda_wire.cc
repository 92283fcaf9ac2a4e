#include "sandbox/aws/lambda_wire.h"

#include <fmt/format.h>

#include "sandbox/aws/call.h"
#include "sim/cloud/state_json.h"

namespace pawl::sandbox {

namespace {

using cloud::object_or_empty;
using cloud::read_list;
using cloud::read_map;
using cloud::write_list;
using cloud::write_map;

/// "2026-11-24T11:34:20.123+0000": the one place where Lambda has milliseconds and no "Z".
std::string last_modified(WallTime time) {
  std::string text = to_iso8601(time);
  text.pop_back();
  return text + "+0000";
}

bool has_image_config(const cloud::FunctionSettings& s) {
  return !s.entry_point.empty() || !s.command.empty() || !s.working_directory.empty();
}

Error invalid(std::string message) {
  return cloud::aws_error(400, "InvalidParameterValueException", std::move(message));
}

Result<int> in_range(const json::object& body, std::string_view key, int64_t least, int64_t most) {
  const int64_t value = int_or(body, key, least - 1);
  if (value < least || value > most)
    return cloud::aws_error(
        400, "ValidationException",
        fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: "
                    "Member must have value between {} and {}",
                    value, key, least, most));
  return static_cast<int>(value);
}

constexpr int kMaxTimeoutSeconds = 900;
constexpr int kMaxMemoryMb = 10'240;
constexpr size_t kMaxEnvironmentBytes = 4096;

Result<void> check_environment(const std::map<std::string, std::string>& variables) {
  size_t bytes = 0;
  for (const auto& [name, value] : variables) {
    bytes += name.size() + value.size();
    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    if (name.rfind("AWS_LAMBDA_", 0) == 0 || name == "AWS_REGION" || name == "AWS_ACCESS_KEY_ID" ||
        name == "AWS_SECRET_ACCESS_KEY" || name == "AWS_SESSION_TOKEN")
      return invalid(fmt::format(
          "Lambda was unable to configure your environment variables because the environment "
          "variables you have provided contains reserved keys that are currently not supported for "
          "modification. Reserved keys used in this request: {}",
          name));
  }
  if (bytes > kMaxEnvironmentBytes)
    return invalid(
        "Lambda was unable to configure your environment variables because the "
        "environment variables you have provided exceeded the 4KB limit.");
  return ok();
}

}  // namespace

json::object configuration_json(const cloud::FunctionVersion& v, const std::string& arn) {
  const cloud::FunctionSettings& s = v.settings;
  json::object o{{"FunctionName", v.function},
                 {"FunctionArn", arn},
                 {"Role", s.role},
                 {"CodeSize", 0},
                 {"Description", s.description},
                 {"Timeout", s.timeout_seconds},
                 {"MemorySize", s.memory_mb},
                 {"LastModified", last_modified(v.last_modified)},
                 {"CodeSha256", s.code_sha256},
                 {"Version", v.version},
                 {"TracingConfig", json::object{{"Mode", "PassThrough"}}},
                 {"RevisionId", v.revision_id},
                 {"State", v.state},
                 {"PackageType", "Image"},
                 {"Architectures", json::array{json::string(s.architecture)}},
                 {"EphemeralStorage", json::object{{"Size", s.ephemeral_storage_mb}}},
                 {"SnapStart", json::object{{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}}},
                 {"LoggingConfig",
                  json::object{{"LogFormat", "Text"}, {"LogGroup", "/aws/lambda/" + v.function}}}};
  if (!s.environment.empty())
    o["Environment"] = json::object{{"Variables", write_map(s.environment)}};
  if (has_image_config(s)) {
    json::object config;
    if (!s.entry_point.empty()) config["EntryPoint"] = write_list(s.entry_point);
    if (!s.command.empty()) config["Command"] = write_list(s.command);
    if (!s.working_directory.empty()) config["WorkingDirectory"] = s.working_directory;
    o["ImageConfigResponse"] = json::object{{"ImageConfig", std::move(config)}};
  }
  if (!v.state_reason.empty()) o["StateReason"] = v.state_reason;
  if (!v.state_reason_code.empty()) o["StateReasonCode"] = v.state_reason_code;
  o["LastUpdateStatus"] = v.last_update_status;
  if (!v.last_update_reason.empty()) o["LastUpdateStatusReason"] = v.last_update_reason;
  if (!v.last_update_reason_code.empty())
    o["LastUpdateStatusReasonCode"] = v.last_update_reason_code;
  return o;
}

json::object alias_json(const cloud::Alias& alias, const std::string& arn) {
  json::object o{{"AliasArn", arn},
                 {"Name", alias.name},
                 {"FunctionVersion", alias.version},
                 {"Description", alias.description},
                 {"RevisionId", alias.revision_id}};
  if (!alias.weights.empty()) {
    json::object weights;
    for (const auto& [version, weight] : alias.weights) weights[version] = weight;
    o["RoutingConfig"] = json::object{{"AdditionalVersionWeights", std::move(weights)}};
  }
  return o;
}

json::object provisioned_json(const cloud::ProvisionedConcurrency& p) {
  std::string modified = iso_seconds(p.last_modified);
  modified.pop_back();
  json::object o{{"RequestedProvisionedConcurrentExecutions", p.requested},
                 {"AvailableProvisionedConcurrentExecutions", p.allocated},
                 {"AllocatedProvisionedConcurrentExecutions", p.allocated},
                 {"Status", p.status},
                 {"LastModified", modified + "+0000"}};
  if (!p.status_reason.empty()) o["StatusReason"] = p.status_reason;
  return o;
}

Result<cloud::CreateFunction> read_create_function(const json::object& body) {
  cloud::CreateFunction request;
  request.name = cloud::Lambda::parse_name(string_or(body, "FunctionName")).name;
  if (string_or(body, "PackageType", "Zip") != "Image")
    return invalid("the sandbox runs container images only: PackageType must be Image");
  cloud::FunctionSettings& s = request.settings;
  s.image_uri = string_or(body, "Code.ImageUri");
  if (s.image_uri.empty()) return invalid("ImageUri must be specified for PackageType Image");
  s.role = string_or(body, "Role");
  if (s.role.rfind("arn:aws", 0) != 0)
    return invalid("The role defined for the function cannot be assumed by Lambda.");
  PAWL_TRY(const cloud::UpdateSettings given, read_update_settings(body));
  s.description = given.description.value_or("");
  s.timeout_seconds = given.timeout_seconds.value_or(s.timeout_seconds);
  s.memory_mb = given.memory_mb.value_or(s.memory_mb);
  s.ephemeral_storage_mb = given.ephemeral_storage_mb.value_or(s.ephemeral_storage_mb);
  if (given.environment) s.environment = *given.environment;
  if (given.entry_point) s.entry_point = *given.entry_point;
  if (given.command) s.command = *given.command;
  if (given.working_directory) s.working_directory = *given.working_directory;
  const auto architectures = read_list(body, "Architectures");
  if (!architectures.empty()) s.architecture = architectures.front();
  request.tags = read_map(body, "Tags");
  request.publish = bool_or(body, "Publish");
  return request;
}

Result<cloud::UpdateCode> read_update_code(const json::object& body) {
  cloud::UpdateCode request;
  request.image_uri = string_or(body, "ImageUri");
  if (request.image_uri.empty())
    return invalid("Please provide ImageUri when updating a function with packageType Image.");
  const auto architectures = read_list(body, "Architectures");
  if (!architectures.empty()) request.architecture = architectures.front();
  request.revision_id = string_or(body, "RevisionId");
  request.publish = bool_or(body, "Publish");
  request.dry_run = bool_or(body, "DryRun");
  return request;
}

Result<cloud::UpdateSettings> read_update_settings(const json::object& body) {
  cloud::UpdateSettings request;
  auto text = [&](const char* key, std::optional<std::string>& target) {
    if (body.if_contains(key)) target = string_or(body, key);
  };
  text("Description", request.description);
  text("Role", request.role);
  if (body.if_contains("Timeout")) {
    PAWL_TRY(request.timeout_seconds, in_range(body, "Timeout", 1, kMaxTimeoutSeconds));
  }
  if (body.if_contains("MemorySize")) {
    PAWL_TRY(request.memory_mb, in_range(body, "MemorySize", 128, kMaxMemoryMb));
  }
  const json::object& storage = object_or_empty(body, "EphemeralStorage");
  if (storage.if_contains("Size")) {
    PAWL_TRY(request.ephemeral_storage_mb, in_range(storage, "Size", 512, kMaxMemoryMb));
  }
  if (body.if_contains("Environment")) {
    request.environment = read_map(object_or_empty(body, "Environment"), "Variables");
    PAWL_CHECK(check_environment(*request.environment));
  }
  if (const json::value* config = body.if_contains("ImageConfig"); config && config->is_object()) {
    request.entry_point = read_list(config->get_object(), "EntryPoint");
    request.command = read_list(config->get_object(), "Command");
    request.working_directory = string_or(config->get_object(), "WorkingDirectory");
  }
  request.revision_id = string_or(body, "RevisionId");
  return request;
}

cloud::PublishVersion read_publish_version(const json::object& body) {
  cloud::PublishVersion request;
  request.code_sha256 = string_or(body, "CodeSha256");
  request.revision_id = string_or(body, "RevisionId");
  if (body.if_contains("Description")) request.description = string_or(body, "Description");
  return request;
}

namespace {

std::optional<std::map<std::string, double>> read_weights(const json::object& body) {
  const json::value* routing = body.if_contains("RoutingConfig");
  if (routing == nullptr || !routing->is_object()) return std::nullopt;
  std::map<std::string, double> weights;
  for (const auto& entry : object_or_empty(routing->get_object(), "AdditionalVersionWeights"))
    if (entry.value().is_number())
      weights[std::string(entry.key())] = entry.value().to_number<double>();
  return weights;
}

}  // namespace

cloud::UpdateAlias read_update_alias(const json::object& body) {
  cloud::UpdateAlias request;
  if (body.if_contains("FunctionVersion")) request.version = string_or(body, "FunctionVersion");
  if (body.if_contains("Description")) request.description = string_or(body, "Description");
  request.weights = read_weights(body);
  request.revision_id = string_or(body, "RevisionId");
  return request;
}

cloud::Alias read_alias(const json::object& body) {
  cloud::Alias alias;
  alias.name = string_or(body, "Name");
  alias.version = string_or(body, "FunctionVersion");
  alias.description = string_or(body, "Description");
  alias.weights = read_weights(body).value_or(std::map<std::string, double>{});
  return alias;
}

}  // namespace pawl::sandbox
