#include "aws/lambda_json.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/secret.h"

namespace pawl::aws {
namespace {

// What is shorter, or names something, is no secret: to take it out of all that Pawl writes would
// take out names, too.
constexpr size_t kShortestSecret = 12;

bool ends_with_one_of(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
    return name.size() >= end.size() && name.substr(name.size() - end.size()) == end;
  });
}

// By its name: DATABASE_PASSWORD, STRIPE_SECRET_KEY; not DATABASE_SECRET_ARN.
bool is_named_like_a_secret(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return ends_with_one_of(
      upper, {"SECRET", "PASSWORD", "PASSWD", "TOKEN", "CREDENTIAL", "CREDENTIALS", "API_KEY",
              "SECRET_KEY", "PRIVATE_KEY", "ACCESS_KEY"});
}

// The password in "postgres://user:password@host/name"; empty when there is none.
std::string password_in(const std::string& text) {
  const size_t scheme = text.find("://");
  const size_t at = scheme == std::string::npos ? scheme : text.find('@', scheme);
  const size_t colon = at == std::string::npos ? at : text.find(':', scheme + 3);
  return colon >= at ? "" : text.substr(colon + 1, at - colon - 1);
}

// A function's log may well print one of them.
void keep_out_of_sight(std::string_view name, const std::string& value) {
  if (is_named_like_a_secret(name) && value.size() >= kShortestSecret)
    register_for_redaction(value);
  const std::string password = password_in(value);
  register_for_redaction(password);
  // The function decodes what stands in an address, and may print that.
  if (const auto decoded = url_decode(password); decoded.ok()) register_for_redaction(*decoded);
}

void read_environment(const json::object& configuration, FunctionState& state) {
  const json::value* variables = find(configuration, "Environment.Variables");
  if (variables == nullptr || !variables->is_object()) return;
  for (const auto& [name, value] : variables->get_object()) {
    if (!value.is_string()) continue;
    const std::string text(value.get_string());
    keep_out_of_sight(std::string_view(name), text);
    state.environment[std::string(name)] = sha256_hex(text);
  }
}

}  // namespace

FunctionState function_from_json(const json::object& configuration) {
  FunctionState state;
  state.name = string_or(configuration, "FunctionName");
  state.arn = string_or(configuration, "FunctionArn");
  state.version = string_or(configuration, "Version");
  state.revision_id = string_or(configuration, "RevisionId");
  state.code_sha256 = string_or(configuration, "CodeSha256");
  state.description = string_or(configuration, "Description");
  state.state = string_or(configuration, "State");
  state.state_reason = string_or(configuration, "StateReason");
  state.last_update_status = string_or(configuration, "LastUpdateStatus");
  state.last_update_reason = string_or(configuration, "LastUpdateStatusReason");
  state.state_reason_code = string_or(configuration, "StateReasonCode");
  state.last_update_reason_code = string_or(configuration, "LastUpdateStatusReasonCode");
  state.architecture = "x86_64";
  if (const json::value* found = find(configuration, "Architectures"))
    if (const json::array* names = found->if_array();
        names != nullptr && !names->empty() && names->front().is_string())
      state.architecture = std::string(names->front().get_string());
  state.role = string_or(configuration, "Role");
  state.memory_mb = static_cast<int>(int_or(configuration, "MemorySize"));
  state.timeout_seconds = static_cast<int>(int_or(configuration, "Timeout"));
  read_environment(configuration, state);
  return state;
}

Result<FunctionState> function_with_code_from_json(const json::object& answer) {
  const json::value* configuration = find(answer, "Configuration");
  if (configuration == nullptr || !configuration->is_object())
    return Error(ErrorKind::corrupt, "Lambda's answer has no Configuration");
  FunctionState state = function_from_json(configuration->get_object());
  state.image_uri = string_or(answer, "Code.ImageUri");
  state.resolved_image_uri = string_or(answer, "Code.ResolvedImageUri");
  return state;
}

AliasState alias_from_json(const json::object& object, std::string function) {
  AliasState alias;
  alias.function = std::move(function);
  alias.name = string_or(object, "Name");
  alias.version = string_or(object, "FunctionVersion");
  alias.description = string_or(object, "Description");
  alias.revision_id = string_or(object, "RevisionId");
  const json::value* weights = find(object, "RoutingConfig.AdditionalVersionWeights");
  if (weights != nullptr && weights->is_object())
    for (const auto& [version, weight] : weights->get_object())
      if (weight.is_number()) alias.additional_weights[version] = weight.to_number<double>();
  return alias;
}

json::object alias_to_json(const AliasState& alias) {
  json::object weights;
  for (const auto& [version, weight] : alias.additional_weights) weights[version] = weight;
  json::object routing;
  routing["AdditionalVersionWeights"] = std::move(weights);
  json::object body;
  body["FunctionVersion"] = alias.version;
  body["Description"] = alias.description;
  // Sent empty, too: an alias keeps the weights of before when the field is left out.
  body["RoutingConfig"] = std::move(routing);
  return body;
}

ProvisionedConcurrency provisioned_from_json(const json::object& object) {
  ProvisionedConcurrency result;
  result.requested = static_cast<int>(int_or(object, "RequestedProvisionedConcurrentExecutions"));
  result.available = static_cast<int>(int_or(object, "AvailableProvisionedConcurrentExecutions"));
  result.status = string_or(object, "Status");
  result.status_reason = string_or(object, "StatusReason");
  return result;
}

}  // namespace pawl::aws
