// Credentials for the builders, in files that only we can read and that are gone after the build.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "builder/builder.h"

namespace pawl {

/// A folder of mode 0700 with a name of its own, removed with all that is in it.
class PrivateFolder {
 public:
  static Result<PrivateFolder> make_in(const std::string& parent);
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  ~PrivateFolder();
  const std::string& path() const { return path_; }
  /// Mode 0600.
  Result<void> write(const std::string& name, const std::string& text) const;

 private:
  explicit PrivateFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// auth.json for buildah and podman, containers-auth.json(5): the person's own logins (of docker)
/// with ours added, since a build that is given this file looks nowhere else for base images.
Result<std::string> auth_file(const BuilderOptions& options);

/// config.json for docker: the person's own (contexts, plugins' settings, other logins) with ours
/// added. A credential helper of theirs would win over "auths", so ours are taken out of its hands.
std::string docker_config_file(const json::object& persons, const BuilderOptions& options);

/// Whether the person's config.json has credential helpers: those may live on variables such as
/// AWS's keys.
bool names_helpers(const BuilderOptions& options);

/// Fills `folder` for use as DOCKER_CONFIG: config.json as above, and the rest of the person's own
/// folder (contexts, cli-plugins) as links.
Result<void> write_docker_config(const PrivateFolder& folder, const BuilderOptions& options);

}  // namespace pawl
