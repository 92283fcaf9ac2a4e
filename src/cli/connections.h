// Where the outside world is and who we are to it, from the environment's standard variables or
// from the running sandbox.
#pragma once

#include <memory>
#include <string>

#include "aws/credential_chain.h"
#include "aws/options.h"
#include "builder/builder.h"
#include "cli/globals.h"
#include "net/http_client.h"
#include "oci/credentials.h"
#include "oci/hosts.h"

namespace pawl {

/// The process's variables, with the sandbox's put over them when --sandbox was given.
Result<ProcessEnvironment> effective_environment(const Globals& globals,
                                                 const std::string& state_dir);

struct AwsAccess {
  aws::AwsOptions options;
  std::shared_ptr<aws::CredentialSource> credentials;
};
/// From the environment's variables and the AWS tools' files. `region`, when not empty, wins over
/// theirs. Errors are those of settings; that there are no credentials is said when they are asked
/// for. `processes` must outlive them.
Result<AwsAccess> aws_access(const ProcessEnvironment& environment, aws::ClientPorts ports,
                             Processes& processes, std::string region, aws::ChainSettings settings);

/// docker's config.json of the person; an empty one when there is none.
Result<oci::DockerConfig> docker_config(const ProcessEnvironment& environment);
/// The folder of it.
std::string docker_config_dir(const ProcessEnvironment& environment);

/// For every outside system: our name, and whose certificates are trusted (AWS_CA_BUNDLE, else
/// SSL_CERT_FILE, else the system's).
HttpClientOptions http_client_options(const ProcessEnvironment& environment);

Result<oci::RegistryHosts> registry_hosts(const ProcessEnvironment& environment);

}  // namespace pawl
