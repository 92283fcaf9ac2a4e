#include "aws/lambda_json.h"

namespace pawl::aws {

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
  state.architecture = "x86_64";
  if (const json::value* found = find(configuration, "Architectures"))
    if (const json::array* names = found->if_array();
        names != nullptr && !names->empty() && names->front().is_string())
      state.architecture = std::string(names->front().get_string());
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
