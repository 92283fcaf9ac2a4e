// The images that functions run from: found in the registry's files, unpacked once for each
// manifest, kept for the next start.
//
//   FOLDER/<hex of the manifest's digest>/root         the unpacked layers
//   FOLDER/<hex of the manifest's digest>/config.json  the image's config; written last
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/task.h"
#include "core/digest.h"
#include "sandbox/registry/store.h"
#include "sandbox/runner/layers.h"

namespace pawl {
class Loop;
}

namespace pawl::sandbox {

/// The part of the image config that says what to run.
/// https://github.com/opencontainers/image-spec/blob/main/config.md
struct ImageRunConfig {
  std::vector<std::string> entry_point;
  std::vector<std::string> command;
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_directory;
  bool placeholder = false;  // the sandbox's own image, which stands where nothing is deployed yet
};

/// The label that marks the placeholder.
constexpr const char* kPlaceholderLabel = "pawl.sandbox.placeholder";

struct UnpackedImage {
  std::filesystem::path root;
  ImageRunConfig config;
};

Result<ImageRunConfig> parse_image_config(std::string_view text);

class ImageCache {
 public:
  ImageCache(Loop& loop, const RegistryStore& store, std::filesystem::path folder,
             UnpackLimits limits = {});
  /// Unpacks it when it is not there yet; two who ask at once wait for the same unpacking.
  Task<Result<UnpackedImage>> get(std::string repository, Digest manifest);

 private:
  Task<void> unpack(std::string repository, Digest manifest);
  Result<UnpackedImage> load(const Digest& manifest) const;
  void prune() const;

  Loop& loop_;
  const RegistryStore& store_;
  std::filesystem::path folder_;
  UnpackLimits limits_;
  std::map<Digest, std::vector<OneShot<Result<void>>>> waiting_;
  Scope scope_;
};

/// All of it at once, blocking: layers, mount points, config. `destination` must not be there yet.
Result<void> unpack_image(const RegistryStore& store, const std::string& repository,
                          const Digest& manifest, const std::filesystem::path& destination,
                          const UnpackLimits& limits);

}  // namespace pawl::sandbox
