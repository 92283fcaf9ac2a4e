// The argument vectors of the builders, apart from running them, so that they can be read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "builder/builder.h"

namespace pawl {

enum class BuildTool { buildah, podman, buildx, docker };
/// As a person calls it: "docker buildx".
std::string_view to_string(BuildTool tool);

/// How buildah has to be started on this machine.
struct BuildahStart {
  std::vector<std::string> prefix;  // see root_mount.h
  std::string storage_driver;       // empty: as the machine is configured
  std::vector<std::string> argv(BuildTool tool = BuildTool::buildah) const;
};

/// What lies in files of ours for one build, since it must not be on a command line.
struct BuildFiles {
  std::string folder;                          // private: auth.json, and takes "digest"
  std::map<std::string, std::string> secrets;  // id -> file
};

struct BuildCommands {
  std::vector<std::vector<std::string>> before;  // may fail: what was left by an earlier build
  std::map<std::string, std::string> environment;
  std::vector<std::string> build;
  struct Push {
    std::string reference;  // host/name:tag, as the tool is given it
    std::vector<std::vector<std::string>> commands;
  };
  std::vector<Push> pushes;  // one for each tag; none where the build itself pushes
};

/// Of buildah, or of podman, which takes the same.
BuildCommands buildah_commands(const BuildRequest& request, const BuilderOptions& options,
                               const BuildahStart& start, const BuildFiles& files,
                               BuildTool tool = BuildTool::buildah);
BuildCommands docker_commands(const BuildRequest& request, const BuilderOptions& options,
                              const BuildFiles& files);
/// Builds and pushes at once, and writes files.folder/metadata.json.
BuildCommands buildx_commands(const BuildRequest& request, const BuilderOptions& options,
                              const BuildFiles& files);

/// What `tool` cannot do of what the settings ask for ("cannot build several platforms"); empty
/// when it can do all of it.
std::string shortcoming_of(BuildTool tool, const BuildSettings& settings);

/// The same for the same request: two builds at once of one commit, for two environments with
/// different labels, must not push each other's image.
std::string local_image_name(const BuildRequest& request);

/// Where the Dockerfile lies: relative to the context, which is relative to `directory`.
std::string dockerfile_path(const BuilderOptions& options, const BuildSettings& settings);

/// The digest in docker's "TAG: digest: sha256:... size: N"; empty when there is none.
std::string digest_in_docker_output(const std::string& output);
/// containerimage.digest in buildx's --metadata-file; empty when there is none.
std::string digest_in_metadata(const std::string& json);

/// What a failed push means: denied, unavailable (another try can help) or failed.
ErrorKind kind_of_push_failure(const std::string& text);
/// What to do about what a builder said, where that is known ("docker buildx create --use" for a
/// driver that cannot); else empty.
std::string advice_for(std::string_view text);

/// "ghcr.io" of "ghcr.io/example/meals".
std::string host_of(const std::string& image);

}  // namespace pawl
