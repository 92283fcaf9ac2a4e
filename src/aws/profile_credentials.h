// The credentials that a profile stands for: its own keys, a program, an SSO login, a role that
// another profile takes.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
#pragma once

#include <memory>
#include <string>

#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/profiles.h"
#include "process/child.h"

namespace pawl::aws {

/// What the sources of credentials are made with; `processes` must outlive them.
struct ChainParts {
  ClientPorts ports;
  AwsOptions options;
  Processes& processes;
  const Variables& variables;
  const Profiles& profiles;
  std::string session_name;  // of a role's session where the profile names none
};

/// nullptr: the profile is not there, or says nothing of credentials. Kind config or denied when it
/// says it wrongly, goes round in a circle, or wants a person (an MFA code).
Result<std::shared_ptr<CredentialSource>> profile_credentials(const ChainParts& parts,
                                                              const std::string& profile);

/// AWS_ACCESS_KEY_ID with its secret and token; nullptr when it is not set.
Result<std::shared_ptr<CredentialSource>> environment_credentials(const Variables& variables);

}  // namespace pawl::aws
