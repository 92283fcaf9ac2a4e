// Unpacks the layers of an image into a folder, trusting nothing in them: names that leave the
// folder, devices, links through links and bombs are refused, and what was unpacked must have the
// digests that the manifest and the image's config say. Whiteouts as in the image specification.
// https://github.com/opencontainers/image-spec/blob/main/layer.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/digest.h"
#include "sandbox/runner/safe_tree.h"

namespace pawl::sandbox {

/// What one image may use, all its layers together. Lambda takes 10 GB of unpacked image.
struct UnpackLimits {
  uint64_t max_bytes = 10ull << 30;
  uint64_t max_entries = 300'000;
};

struct UnpackUsage {
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

struct LayerFile {
  std::filesystem::path path;
  Digest digest;   // of the file as it is (compressed)
  Digest diff_id;  // of the plain tar in it
};

/// gzip, zstd or plain, told apart by the bytes. After an Error the folder holds half of something:
/// throw it away. Blocks; call it off the loop.
Result<void> unpack_layer(SafeTree& tree, const LayerFile& layer, const UnpackLimits& limits,
                          UnpackUsage& usage);

}  // namespace pawl::sandbox
