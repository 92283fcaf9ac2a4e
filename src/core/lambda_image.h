// What AWS Lambda runs of container images, told from an image's manifest alone: a build that it
// could not run is refused before anything is changed, with what mends it.
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-reqs
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pawl {

struct ImageLayer {
  std::string media_type;
  uint64_t stored_bytes = 0;
  /// What is known of its size unpacked, 0 when nothing is; never more than it really is.
  uint64_t unpacked_bytes = 0;
  bool operator==(const ImageLayer&) const = default;
};

/// Of one platform's manifest.
struct ImageFacts {
  std::string os;            // "linux"; may be empty
  std::string architecture;  // "amd64", "arm64"; may be empty
  std::vector<ImageLayer> layers;
};

/// "Maximum uncompressed image size, including all layers": 10 GB.
constexpr uint64_t kMaxLambdaImageBytes = uint64_t{10} << 30;

/// Kind config, with a hint, for what Lambda refuses or could not start. `image` names it.
/// `wanted_architecture` is what the function runs on in the image's words, or empty. What is not
/// known stops nobody.
Result<void> check_lambda_image(const ImageFacts& facts, std::string_view wanted_architecture,
                                std::string_view image);

}  // namespace pawl
