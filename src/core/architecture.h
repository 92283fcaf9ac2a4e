// Whether a function could run an image: what it is built for, and what the function runs on. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace pawl {

/// Lambda's word for an image's: "linux/amd64", "amd64" -> "x86_64", "linux/arm64/v8" -> "arm64".
/// What it does not know comes back without its operating system and variant.
std::string lambda_architecture(std::string_view image_platform);

/// The platform that a function's image is built for: "arm64" -> "linux/arm64"; else linux/amd64.
std::string image_platform_of(std::string_view function_architecture);

/// refused when both are known and differ: Lambda would take the image, and fail to start it
/// (Runtime.InvalidEntrypoint, "exec format error"), with the option that mends it. Empty: not
/// known, which is no reason to refuse.
Result<void> check_architecture(std::string_view image_platform,
                                std::string_view function_architecture, std::string_view function);

}  // namespace pawl
