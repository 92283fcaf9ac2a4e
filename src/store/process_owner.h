// The process table of this machine, for telling whether who holds a lease is still there.
//
// An owner is "ana@laptop pid 4711 [<boot> <pid namespace> <start>]": the first half of the
// kernel's boot id, the inode of the process's pid namespace, and the process's start time in clock
// ticks since boot. Only a process of the same boot and the same namespace can be looked up; an
// owner that was written before this machine was restarted is gone too, when the machine's id (a
// hash of /etc/machine-id, the fourth word) is the same.
#pragma once

#include <memory>

#include "engine/ports/process_table.h"

namespace pawl {

/// `user` is shown to people ("ana").
std::unique_ptr<ProcessTable> make_process_table(std::string user);

}  // namespace pawl
