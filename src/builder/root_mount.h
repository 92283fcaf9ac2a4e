// Makes buildah work where "/" is no mount point: in a plain chroot (debootstrap, some CI runners).
// There its helper cannot remount "/" privately, and a build ends at its commit with "remount /,
// flags: 0x44000: invalid argument".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pawl {

/// Whether /proc/self/mountinfo (proc(5)) lists "/" as a mount point. A text that lists nothing at
/// all (no /proc here) says nothing: true, so that nothing is done about it.
bool root_is_mount_point(std::string_view mountinfo);

/// What to put before a command so that "/" is a mount point for it; empty when that is not needed,
/// or cannot be done (not root). Programs of util-linux and coreutils do it, which every Debian
/// has, rather than code of ours between fork and exec.
std::vector<std::string> root_mount_prefix(std::string_view mountinfo, bool is_root);

/// The same for this process.
std::vector<std::string> root_mount_prefix_here();

}  // namespace pawl
