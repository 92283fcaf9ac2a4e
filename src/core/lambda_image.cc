#include "core/lambda_image.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl {
namespace {

Error unfit(std::string_view image, std::string_view why, std::string hint) {
  return Error(ErrorKind::config, fmt::format("Lambda cannot run {}: {}", image, why))
      .with_hint(std::move(hint));
}

Result<void> check_platform(const ImageFacts& facts, std::string_view wanted,
                            std::string_view image) {
  if (!facts.os.empty() && facts.os != "linux")
    return unfit(image, fmt::format("it is built for {}", facts.os),
                 "build it with --platform linux/amd64 or linux/arm64");
  const bool is_known = facts.architecture == "amd64" || facts.architecture == "arm64";
  if (!facts.architecture.empty() && !is_known)
    return unfit(image,
                 fmt::format("it is built for {}, and Lambda has amd64 (x86_64) and arm64 alone",
                             facts.architecture),
                 "build it with --platform linux/amd64 or linux/arm64");
  if (wanted.empty() || facts.architecture.empty() || facts.architecture == wanted) return ok();
  return unfit(
      image,
      fmt::format("it is built for {}, and the function runs on {}", facts.architecture, wanted),
      fmt::format("set image.build.platform to linux/{} in pawl.yaml (--platform of the builder), "
                  "or the function's architecture",
                  wanted));
}

// As media types end: "...tar+zstd", "...tar+gzip+encrypted".
Result<void> check_layer(const ImageLayer& layer, std::string_view image) {
  const auto says = [&layer](std::string_view word) {
    return layer.media_type.find(word) != std::string::npos;
  };
  if (says("zstd"))
    return unfit(image, "its layers are compressed with zstd, and Lambda unpacks gzip alone",
                 "build it with docker buildx build --output "
                 "type=image,compression=gzip,force-compression=true,push=true, or buildah push "
                 "--compression-format gzip");
  if (says("encrypted"))
    return unfit(image, "its layers are encrypted", "push it without --encryption-key");
  if (says(".foreign.") || says(".nondistributable."))
    return unfit(image, "it has layers that no registry keeps (those of Windows base images)",
                 "build it on a Linux base image");
  return ok();
}

}  // namespace

Result<void> check_lambda_image(const ImageFacts& facts, std::string_view wanted_architecture,
                                std::string_view image) {
  PAWL_CHECK(check_platform(facts, wanted_architecture, image));
  uint64_t least_bytes = 0;
  for (const ImageLayer& layer : facts.layers) {
    PAWL_CHECK(check_layer(layer, image));
    least_bytes += std::max(layer.stored_bytes, layer.unpacked_bytes);
  }
  if (least_bytes <= kMaxLambdaImageBytes) return ok();
  return unfit(
      image,
      fmt::format("unpacked it takes {:.1f} GiB or more, and Lambda's limit is {} GiB",
                  static_cast<double>(least_bytes) / (1u << 30), kMaxLambdaImageBytes >> 30),
      "leave out what the function does not need: a smaller base image, several build "
      "stages, a .dockerignore");
}

}  // namespace pawl
