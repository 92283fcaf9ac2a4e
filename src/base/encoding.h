// Hex, base64 and percent-encoding of bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pawl {

std::string hex_encode(std::span<const uint8_t> bytes);
/// RFC 4648 section 4, with padding.
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);
/// RFC 3986: everything but unreserved characters as %XX; keeps the characters in `keep`.
std::string url_encode(std::string_view text, std::string_view keep = "");
Result<std::string> url_decode(std::string_view text);

}  // namespace pawl
