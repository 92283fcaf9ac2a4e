// CBOR (RFC 8949) as far as Smithy's RPC v2 protocol uses it: newer AWS clients speak it to
// CloudWatch. Values are JSON's; a timestamp (tag 1) is an object {"$time": milliseconds}.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"

namespace pawl::sandbox {

std::string cbor_encode(const json::value& value);
/// One whole value; bounded in depth. Byte strings become strings.
Result<json::value> cbor_decode(std::string_view bytes);

json::value timestamp(WallTime time);
std::optional<WallTime> timestamp_in(const json::value& value);

}  // namespace pawl::sandbox
