// Builds an image with buildah or docker, whichever the config or the machine has, and pushes it to
// the source registry. What counts afterwards is the digest that the registry was given.
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "engine/ports/image_builder.h"
#include "process/child.h"

namespace pawl {

struct BuilderOptions {
  std::string directory;      // context and dockerfile are relative to it
  std::string scratch_dir;    // for credentials and digest files; private, made when missing
  std::string docker_config;  // DOCKER_CONFIG of the person, used when no credentials are given
  // Credentials for a registry host, written to a private file and never to a command line.
  struct Login {
    std::string host;
    std::string user;
    Secret password;
  };
  std::vector<Login> logins;
  // host in image names -> host[:port] really spoken to ("ghcr.io" -> "127.0.0.1:4512")
  std::map<std::string, std::string> host_overrides;
  std::vector<std::string> insecure_hosts;  // host[:port] spoken to without TLS
};

std::unique_ptr<ImageBuilder> make_image_builder(Processes& processes, BuilderOptions options);

/// The argument vectors of each tool; apart from running them, so that they can be read in tests.
struct BuildCommands {
  std::vector<std::string> build;
  std::vector<std::vector<std::string>> push;  // one for each tag, the digest-bearing one first
  std::string digest_file;                     // buildah writes it; empty for docker
};
BuildCommands buildah_commands(const BuildRequest& request, const BuilderOptions& options,
                               const std::string& local_name, bool unprivileged);
BuildCommands docker_commands(const BuildRequest& request, const BuilderOptions& options,
                              const std::string& local_name);

/// The digest in docker's "TAG: digest: sha256:... size: N"; empty when there is none.
std::string digest_in_docker_output(const std::string& output);

/// {"auths": {...}} for buildah's --authfile and docker's config.json.
std::string auth_file(const std::vector<BuilderOptions::Login>& logins);

}  // namespace pawl
