// What the sweep and the swarm share.
#pragma once

#include <string>

#include "sim/world/simulation.h"

namespace pawl::sim {

/// A second operator moves the alias (or gives the function another image) without telling anyone.
/// False: there was nothing to change it to.
bool change_by_hand(World& world, const std::string& environment);

/// Just before a request changes that resource, somebody else does.
void be_faster(World& world, const std::string& resource);

RunResult result_of(World& world, size_t calls);

}  // namespace pawl::sim
