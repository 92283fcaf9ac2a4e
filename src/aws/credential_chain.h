// The standard order in which the AWS tools look for credentials, and the roles that pawl.yaml puts
// on top. https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/profile_credentials.h"

namespace pawl::aws {

/// Who Pawl becomes with what was found.
struct ChainSettings {
  std::string session_name;        // "pawl-<run>-<environment>", made to fit what STS allows
  std::vector<std::string> roles;  // ARNs, each assumed with the credentials of the one before
  std::string external_id;         // for the last of them
  std::string audience;            // of GitHub's identity token; empty: STS's
};

/// The first of: keys in the environment; the profile that AWS_PROFILE names; a web identity (a
/// token file, or GitHub Actions' token) with AWS_ROLE_ARN; the default profile; the container's
/// agent; the instance's metadata. Never fails: what is wrong, and that there are none, is what
/// get() gives. `variables` and `profiles` are copied; `processes` must outlive the source.
std::shared_ptr<CredentialSource> credential_chain(ClientPorts ports, AwsOptions options,
                                                   Processes& processes, Variables variables,
                                                   Profiles profiles, ChainSettings settings);

}  // namespace pawl::aws
