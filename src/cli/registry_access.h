// Who we are to the registries: docker's config.json with its helper programs, and ECR's own token.
#pragma once

#include "aws/ecr.h"
#include "builder/builder.h"
#include "cli/globals.h"
#include "core/config.h"
#include "net/loop.h"
#include "oci/registries.h"
#include "process/child.h"

namespace pawl {

/// `ecr` may be nullptr: then ECR is like any other registry. What is given must outlive the result.
Result<oci::RegistryAccess> registry_access(const ProcessEnvironment& environment,
                                            Processes& processes, Loop& loop, aws::Ecr* ecr);

/// How the builder pushes to the source registry: same hosts, same credentials.
Result<BuilderOptions> builder_options(const ProcessEnvironment& environment,
                                       const EnvironmentConfig& target, const LoadedConfig& config);

}  // namespace pawl
