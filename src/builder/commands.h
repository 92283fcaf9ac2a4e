// The argument vectors of buildah and docker, apart from running them, so that they can be read.
#pragma once

#include <string>
#include <vector>

#include "builder/builder.h"

namespace pawl {

/// How buildah has to be started on this machine.
struct BuildahStart {
  std::vector<std::string> prefix;  // see root_mount.h
  std::string storage_driver;       // empty: as the machine is configured
  std::vector<std::string> argv() const;
};

struct BuildCommands {
  std::vector<std::string> build;
  struct Push {
    std::string reference;  // host/name:tag, as the tool is given it
    std::vector<std::vector<std::string>> commands;
  };
  std::vector<Push> pushes;  // one for each tag
};

/// `private_dir` holds auth.json when there are logins, and takes the file "digest".
BuildCommands buildah_commands(const BuildRequest& request, const BuilderOptions& options,
                               const BuildahStart& start, const std::string& private_dir);
BuildCommands docker_commands(const BuildRequest& request, const BuilderOptions& options);

/// The same for the same request: two builds at once of one commit, for two environments with
/// different labels, must not push each other's image.
std::string local_image_name(const BuildRequest& request);

/// Where the Dockerfile lies: relative to the context, which is relative to `directory`.
std::string dockerfile_path(const BuilderOptions& options, const BuildSettings& settings);

/// The digest in docker's "TAG: digest: sha256:... size: N"; empty when there is none.
std::string digest_in_docker_output(const std::string& output);

/// What a failed push means: denied, unavailable (another try can help) or failed.
ErrorKind kind_of_push_failure(const std::string& text);

/// "ghcr.io" of "ghcr.io/example/meals".
std::string host_of(const std::string& image);

}  // namespace pawl
