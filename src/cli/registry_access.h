// Who we are to container registries: docker's and podman's logins (with their helper programs),
// GITHUB_TOKEN for ghcr.io, and ECR's token from our AWS credentials.
#pragma once

#include "aws/ecr.h"
#include "cli/globals.h"
#include "net/loop.h"
#include "oci/registries.h"
#include "process/child.h"

namespace pawl {

/// `ecr` may be nullptr: then ECR is a registry like any other. What is passed must outlive the
/// access.
Result<oci::RegistryAccess> registry_access(const ProcessEnvironment& environment,
                                            Processes& processes, Loop& loop, aws::Ecr* ecr);

}  // namespace pawl
