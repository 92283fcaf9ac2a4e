// The section `hooks` of pawl.yaml: what is called before and after the traffic moves.
#pragma once

#include "core/config.h"
#include "core/config_reader.h"

namespace pawl {

/// Reads them from `settings` into out.hooks; the other sections have been read.
void read_hooks(SectionReader& settings, EnvironmentConfig& out);

}  // namespace pawl
