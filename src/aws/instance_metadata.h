// Credentials of the role that an EC2 instance has, from its metadata service: version 2 only,
// whose session token a forged request does not get.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
#pragma once

#include <memory>
#include <string>

#include "aws/renewal.h"

namespace pawl::aws {

struct InstanceMetadata {
  std::string endpoint = "http://169.254.169.254";
  std::chrono::milliseconds timeout{1000};  // of one request
  int attempts = 2;
};

/// AWS_EC2_METADATA_SERVICE_ENDPOINT (or _MODE IPv4, IPv6), AWS_METADATA_SERVICE_TIMEOUT,
/// AWS_METADATA_SERVICE_NUM_ATTEMPTS, and the profile's settings of the same; no value when
/// AWS_EC2_METADATA_DISABLED is true.
Result<std::optional<InstanceMetadata>> instance_metadata_from(const Variables& variables,
                                                               const Profiles& profiles);

/// Kind not_found when this is no instance, or one without a role.
std::unique_ptr<CredentialSource> instance_credentials(ClientPorts ports,
                                                       InstanceMetadata metadata);

}  // namespace pawl::aws
