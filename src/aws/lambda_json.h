// Lambda's JSON shapes, read into Pawl's values.
#pragma once

#include "aws/lambda.h"
#include "base/json.h"

namespace pawl::aws {

/// A FunctionConfiguration.
FunctionState function_from_json(const json::object& configuration);
/// GetFunction's answer: {Configuration, Code}.
Result<FunctionState> function_with_code_from_json(const json::object& answer);
AliasState alias_from_json(const json::object& object, std::string function);
/// The body of CreateAlias and UpdateAlias, without the name.
json::object alias_to_json(const AliasState& alias);
ProvisionedConcurrency provisioned_from_json(const json::object& object);

}  // namespace pawl::aws
