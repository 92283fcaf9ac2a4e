// The JSON in which programs and metadata services give credentials.
#pragma once

#include <string_view>

#include "aws/credentials.h"
#include "base/json.h"

namespace pawl::aws {

/// ISO 8601 with "Z" or an offset, or "UTC" in the place of "Z".
Result<WallTime> parse_expiration(std::string_view text);

/// {"AccessKeyId", "SecretAccessKey", "Token" or "SessionToken", "Expiration"}. `what` names the
/// answer in errors, which quote nothing of it.
Result<Credentials> read_answered_credentials(const json::object& answer, std::string_view what);

}  // namespace pawl::aws
