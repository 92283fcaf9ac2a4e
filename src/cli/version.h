// The version of this binary.
#pragma once

#include <string>

namespace pawl {
/// "pawl 0.1.0", as --version says it.
std::string version_line();
/// "pawl/0.1.0", as servers are told.
std::string user_agent();
}  // namespace pawl
