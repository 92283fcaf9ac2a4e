#include "builder/root_mount.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace pawl {
namespace {

// /proc is bound over because it surely is a folder that exists; the new root holds the old one's
// /proc by --rbind. `unshare` must not set the propagation itself: it would do so on "/", which is
// just what fails here. It is set in the new root, so that no mount of buildah's leaks out.
constexpr const char* kScript =
    "mount --make-private /proc && mount --rbind / /proc && "
    "exec chroot /proc sh -c 'mount --make-rprivate / && cd \"$0\" && exec \"$@\"' "
    "\"$(pwd -P)\" \"$@\"";

}  // namespace

bool root_is_mount_point(std::string_view mountinfo) {
  bool any = false;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, mount_point;
    if (!(fields >> id >> parent >> device >> root >> mount_point)) continue;
    any = true;
    if (mount_point == "/") return true;
  }
  return !any;
}

std::vector<std::string> root_mount_prefix(std::string_view mountinfo, bool is_root) {
  if (!is_root || root_is_mount_point(mountinfo)) return {};
  return {"unshare", "--mount", "--propagation", "unchanged", "sh", "-c", kScript, "sh"};
}

std::vector<std::string> root_mount_prefix_here() {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return root_mount_prefix(text.str(), ::geteuid() == 0);
}

}  // namespace pawl
