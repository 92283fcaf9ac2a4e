// How Terraform is run: with the endpoints and the AWS identity that Pawl itself has.
#pragma once

#include <memory>

#include "aws/credentials.h"
#include "cli/globals.h"
#include "terraform/terraform.h"

namespace pawl {

/// `credentials` are given to Terraform where it could not find them itself: it knows every source
/// of AWS credentials but GitHub's token for a workflow.
TerraformOptions terraform_options(const ProcessEnvironment& variables,
                                   const EnvironmentConfig& environment, const LoadedConfig& config,
                                   std::shared_ptr<aws::CredentialSource> credentials,
                                   Clock& clock);

}  // namespace pawl
