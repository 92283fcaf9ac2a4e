// What `pawl sandbox up` finds already made, because a team's Terraform would have made it: for
// every environment of pawl.yaml a repository, a bucket, a role, a function and an HTTP API.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "core/config.h"

namespace pawl::sandbox {

struct EnvironmentSeed {
  std::string name;
  std::string function;
  std::string alias;  // empty: callers get $LATEST
  std::string ecr_repository;
  std::string bucket;         // empty: no static files
  std::string static_prefix;  // "static/": served by the API's port too, as a CDN would
  std::string api;            // the HTTP API's name
  bool operator==(const EnvironmentSeed&) const = default;
};

struct SandboxSeed {
  std::string app;
  std::string region = "us-east-1";
  std::string repository;  // "owner/name" on GitHub; empty: none
  std::string main_branch = "main";
  std::string source_image;  // "ghcr.io/example/meals"
  std::vector<EnvironmentSeed> environments;
  bool operator==(const SandboxSeed&) const = default;
};

SandboxSeed seed_of(const Config& config);
json::object to_json(const SandboxSeed& seed);
SandboxSeed seed_from_json(const json::object& object);

}  // namespace pawl::sandbox
