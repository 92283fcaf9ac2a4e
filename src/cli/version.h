// The version of this binary.
#pragma once

#include <string>

namespace pawl {
/// "0.1.0"
std::string version_text();
}  // namespace pawl
