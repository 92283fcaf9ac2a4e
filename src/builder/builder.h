// Builds an image with buildah, podman, docker buildx or docker, whichever the config names or the
// machine has, and pushes it to the source registry. What counts afterwards is the digest that the
// registry was given.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "engine/ports/image_builder.h"
#include "process/child.h"

namespace pawl {

struct BuilderOptions {
  std::string directory;      // context and dockerfile are relative to it
  std::string scratch_dir;    // for credentials and digest files; private, made when missing
  std::string docker_config;  // the person's DOCKER_CONFIG folder; may be empty
  // Credentials for a registry host, written to a private file and never to a command line.
  struct Login {
    std::string host;  // as in image names; the real host of `host_overrides` is given them, too
    std::string user;
    Secret password;
  };
  std::vector<Login> logins;
  // host in image names -> host[:port] really spoken to ("ghcr.io" -> "127.0.0.1:4512")
  std::map<std::string, std::string> host_overrides;
  std::vector<std::string> insecure_hosts;       // host[:port] spoken to without TLS
  std::map<std::string, std::string> variables;  // of our environment: build secrets are in it
};

std::unique_ptr<ImageBuilder> make_image_builder(Processes& processes, BuilderOptions options);

}  // namespace pawl
