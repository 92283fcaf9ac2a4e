// Lambda's JSON shapes, both ways. https://docs.aws.amazon.com/lambda/latest/api/API_Types.html
#pragma once

#include <string>

#include "base/json.h"
#include "sim/cloud/lambda.h"

namespace pawl::sandbox {

/// FunctionConfiguration; `arn` with or without qualifier as the operation has it.
json::object configuration_json(const cloud::FunctionVersion& version, const std::string& arn);
json::object alias_json(const cloud::Alias& alias, const std::string& arn);
json::object provisioned_json(const cloud::ProvisionedConcurrency& config);

Result<cloud::CreateFunction> read_create_function(const json::object& body);
Result<cloud::UpdateCode> read_update_code(const json::object& body);
Result<cloud::UpdateSettings> read_update_settings(const json::object& body);
cloud::PublishVersion read_publish_version(const json::object& body);
cloud::UpdateAlias read_update_alias(const json::object& body);
cloud::Alias read_alias(const json::object& body);

}  // namespace pawl::sandbox
