// Credentials that a program of the person's own gives (credential_process of a profile).
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/renewal.h"
#include "process/child.h"

namespace pawl::aws {

constexpr std::chrono::seconds kCredentialProcessLimit{60};
constexpr size_t kMaxCredentialProcessBytes = 64u << 10;

/// The words of the command line, with quotes and backslashes as a POSIX shell reads them; nothing
/// else of a shell's is known, and no shell is started. Kind config when a quote is not closed.
Result<std::vector<std::string>> split_command(std::string_view command);

struct CredentialProcess {
  std::string command;
  std::string profile;  // that names it, for people
};
std::unique_ptr<CredentialSource> process_credentials(ClientPorts ports, Processes& processes,
                                                      CredentialProcess process);

}  // namespace pawl::aws
