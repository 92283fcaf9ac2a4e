// Credentials of a container: ECS's and EKS Pod Identity's agents give them over HTTP.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
#pragma once

#include <memory>
#include <string>

#include "aws/renewal.h"

namespace pawl::aws {

struct ContainerEndpoint {
  std::string url;
  std::string token_file;  // AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: read anew each time; wins
  Secret token;            // AWS_CONTAINER_AUTHORIZATION_TOKEN
};

/// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or ..._FULL_URI; no value when there is neither. Kind
/// config when the full one is plain HTTP to any host but this machine's or the agents' own: what
/// is sent there is a secret.
Result<std::optional<ContainerEndpoint>> container_endpoint(const Variables& variables);

std::unique_ptr<CredentialSource> container_credentials(ClientPorts ports,
                                                        ContainerEndpoint endpoint);

}  // namespace pawl::aws
