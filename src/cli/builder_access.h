// How the builder pushes to the source registry: the same hosts and credentials as everybody else.
#pragma once

#include "builder/builder.h"
#include "cli/globals.h"

namespace pawl {

Result<BuilderOptions> builder_options(const ProcessEnvironment& environment,
                                       const EnvironmentConfig& target, const LoadedConfig& config);

}  // namespace pawl
