// How the builder pushes to the source registry: the same hosts and credentials as everybody else.
#pragma once

#include <memory>

#include "builder/builder.h"
#include "cli/globals.h"

namespace pawl {

/// What makes an image that is not in the registry yet: a program that builds it, or, where
/// image.layout is set, the push of what was built before.
std::unique_ptr<ImageBuilder> build_or_push_layout(std::unique_ptr<ImageBuilder> programs,
                                                   std::unique_ptr<ImageBuilder> layouts);

Result<BuilderOptions> builder_options(const ProcessEnvironment& environment,
                                       const EnvironmentConfig& target, const LoadedConfig& config);

}  // namespace pawl
