// What the engine needs of container registries.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/task.h"
#include "core/digest.h"
#include "core/image_reference.h"
#include "core/lambda_image.h"

namespace pawl {

struct ImageInfo {
  Digest digest;                   // of what the name names: an index or a manifest
  Digest platform_digest;          // of the manifest for the platform; the same when it is no index
  std::string architecture;        // amd64, arm64, as the image's config says; may be empty
  std::string os;                  // linux; may be empty
  std::vector<ImageLayer> layers;  // of the platform's manifest; empty when they are not known
  ImageFacts facts() const { return {os, architecture, layers}; }
};

struct CopyResult {
  ImageInfo image;
  uint64_t bytes_copied = 0;
  int blobs_copied = 0;
  int blobs_present = 0;  // were there already, or were mounted
};

/// Called now and then with what has been sent of what there is to send; from the loop.
using CopyProgress = std::function<void(uint64_t bytes_done, uint64_t bytes_total)>;

class ImageRegistry {
 public:
  virtual ~ImageRegistry() = default;
  /// not_found when the tag or digest does not exist; config when it is an index that has nothing
  /// for `platform`. Empty: the index's only one, else linux/amd64, else the first.
  virtual Task<Result<ImageInfo>> resolve(ImageReference image, std::string platform) = 0;
  /// Copies by digest, keeping it; idempotent. `target` carries the tag to set, if any.
  virtual Task<Result<CopyResult>> copy(ImageReference source, ImageReference target,
                                        std::string platform, CopyProgress progress) = 0;
};

/// Where the target's repositories are (ECR).
class ImageRepositories {
 public:
  virtual ~ImageRepositories() = default;
  /// "123456789012.dkr.ecr.us-east-1.amazonaws.com/meals-dev-lambda"; not_found when absent.
  virtual Task<Result<std::string>> find_uri(std::string repository_name) = 0;
};

}  // namespace pawl
