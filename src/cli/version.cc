#include "cli/version.h"

namespace pawl {
std::string version_line() {
  return "pawl " PAWL_VERSION;
}
std::string user_agent() {
  return "pawl/" PAWL_VERSION;
}
}  // namespace pawl
