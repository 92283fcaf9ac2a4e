// The simulator's own memory; see memory.cc.
#pragma once

namespace pawl::sim {

/// To be called now and then between two runs: what is free is taken in order again.
void put_memory_in_order();

}  // namespace pawl::sim
