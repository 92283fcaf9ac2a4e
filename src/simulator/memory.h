// The simulator's own memory; see memory.cc.
#pragma once

namespace pawl::sim {

/// While it lives, memory comes from the place of a run, which is begun anew by the next one. What
/// the run made may live on until then.
class RunMemory {
 public:
  RunMemory();
  ~RunMemory();
  RunMemory(const RunMemory&) = delete;
  RunMemory& operator=(const RunMemory&) = delete;
};

}  // namespace pawl::sim
