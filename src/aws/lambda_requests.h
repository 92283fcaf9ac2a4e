// How a request to Lambda is put together: paths by the API's version, qualifiers, changes.
#pragma once

#include <string>
#include <string_view>

#include "aws/client.h"

namespace pawl::aws {

/// "/2015-03-31/functions/NAME" and the rest.
std::string function_path(std::string_view name, std::string_view rest);
/// "Qualifier=..."; empty for an empty one.
std::string qualifier_query(const std::string& qualifier);
Call lambda_read(std::string action, std::string path, std::string query);
/// Repeated only when Lambda surely did not carry it out.
Call lambda_change(std::string action, std::string method, std::string path,
                   const json::object& body);

}  // namespace pawl::aws
