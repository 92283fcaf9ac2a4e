#include "core/architecture.h"

#include <fmt/format.h>

namespace pawl {

std::string lambda_architecture(std::string_view image_platform) {
  const size_t slash = image_platform.find('/');
  if (slash != std::string_view::npos) image_platform.remove_prefix(slash + 1);
  image_platform = image_platform.substr(0, image_platform.find('/'));
  if (image_platform == "amd64") return "x86_64";
  if (image_platform == "aarch64") return "arm64";
  return std::string(image_platform);
}

std::string image_platform_of(std::string_view function_architecture) {
  return function_architecture == "arm64" ? "linux/arm64" : "linux/amd64";
}

Result<void> check_architecture(std::string_view image_platform,
                                std::string_view function_architecture, std::string_view function) {
  const std::string built = lambda_architecture(image_platform);
  if (built.empty() || function_architecture.empty() || built == function_architecture) return ok();
  return Error(ErrorKind::refused,
               fmt::format("the image is built for {}, and {} runs on {}: it could not start",
                           image_platform, function, function_architecture))
      .with_hint(fmt::format("build it with `image: {{build: {{platform: {}}}}}` in pawl.yaml, or "
                             "change the function's architecture to {}",
                             image_platform_of(function_architecture), built));
}

}  // namespace pawl
