// How far a function can be shut in on this machine. Asked once: full namespaces where the kernel
// lets us, and less, with a warning for each thing that is missing, inside containers and chroots.
// The least that is accepted is a chroot.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace pawl::sandbox {

struct Isolation {
  bool user = false;   // a user namespace of its own (always, for who is not root)
  bool mount = false;  // pivot_root into a read-only image, own /tmp and /dev; else a plain chroot
  bool pid = false;
  bool network = false;  // nothing but its own loopback, on which we serve
  bool ipc = false;
  bool uts = false;
  bool proc = false;   // its own /proc
  bool pivot = false;  // pivot_root; else the mount is moved over the root (inside chroots)
  /// One sentence for each thing that is missing.
  std::vector<std::string> warnings;

  /// CLONE_NEW...
  unsigned long clone_flags() const;
  /// "user, mount, pid, network, ipc and uts namespaces"
  std::string description() const;
};

Result<Isolation> probe_isolation();

}  // namespace pawl::sandbox
