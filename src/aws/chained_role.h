// A role that is assumed with other credentials, which may themselves be those of a role.
#pragma once

#include <memory>

#include "aws/renewal.h"
#include "aws/sts.h"

namespace pawl::aws {

/// `from` signs. Renewed ahead of their end (renewal.h).
std::unique_ptr<CredentialSource> chained_role_credentials(ClientPorts ports, AwsOptions options,
                                                           ChainedRole role,
                                                           std::shared_ptr<CredentialSource> from);

}  // namespace pawl::aws
