// Builds an image and pushes it to the source registry.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "core/config.h"
#include "core/digest.h"

namespace pawl {

struct BuildRequest {
  BuildSettings settings;         // args already resolved
  std::string layout;             // an OCI layout to be pushed as it is, instead of a build
  std::string image;              // host/repository
  std::vector<std::string> tags;  // "1.4.2", "sha-abc1234", "latest"
  std::map<std::string, std::string> labels;
  std::string revision;  // the commit that must be built: full SHA
};

using LogLine = std::function<void(std::string_view line)>;

class ImageBuilder {
 public:
  virtual ~ImageBuilder() = default;
  /// The digest that was pushed.
  virtual Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) = 0;
  /// "buildah 1.28", or an Error with what to install.
  virtual Task<Result<std::string>> available(BuildSettings settings) = 0;
};

}  // namespace pawl
