// Where the outside world is and who we are to it, from the environment's standard variables or
// from the running sandbox.
#pragma once

#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/options.h"
#include "aws/web_identity.h"
#include "builder/builder.h"
#include "cli/globals.h"
#include "net/http_client.h"
#include "oci/credentials.h"
#include "oci/hosts.h"

namespace pawl {

/// The process's variables, with the sandbox's put over them when --sandbox was given.
Result<ProcessEnvironment> effective_environment(const Globals& globals,
                                                 const std::string& state_dir);

/// Keys, a web identity (a token file, or GitHub's), or a profile, in this order.
Result<std::shared_ptr<aws::CredentialSource>> aws_credentials(
    const ProcessEnvironment& environment, const aws::AwsOptions& options, aws::ClientPorts ports,
    const std::string& session_name);

/// docker's config.json of the person; an empty one when there is none.
Result<oci::DockerConfig> docker_config(const ProcessEnvironment& environment);
/// The folder of it.
std::string docker_config_dir(const ProcessEnvironment& environment);

/// For every outside system: our name, and whose certificates are trusted (AWS_CA_BUNDLE, else
/// SSL_CERT_FILE, else the system's).
HttpClientOptions http_client_options(const ProcessEnvironment& environment);

Result<oci::RegistryHosts> registry_hosts(const ProcessEnvironment& environment);

}  // namespace pawl
