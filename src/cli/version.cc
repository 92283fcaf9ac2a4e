#include "cli/version.h"

namespace pawl {
std::string version_text() {
  return PAWL_VERSION;
}
}  // namespace pawl
