// What FakeImages does when it is called.
#include "support/fakes/images.h"

#include <fmt/format.h>

#include "support/fakes/fake_call.h"

namespace pawl::fakes {

void FakeImages::add(const std::string& name, const std::string& digest_text,
                     const std::string& architecture) {
  images.insert_or_assign(name, info(digest_text, digest_text, architecture));
  const auto reference = *ImageReference::parse(name);
  images.insert_or_assign(reference.name() + "@" + digest_text,
                          info(digest_text, digest_text, architecture));
}

ImageInfo FakeImages::info(const std::string& index, const std::string& platform,
                           const std::string& architecture) {
  return {*Digest::parse(index), *Digest::parse(platform), architecture, "linux", {}};
}

Task<Result<ImageInfo>> FakeImages::resolve(ImageReference image, std::string) {
  PAWL_FAKE_CALL("resolve", [&]() -> Result<ImageInfo> {
    const auto found = images.find(image.str());
    if (found == images.end()) return not_found("no image " + image.str());
    return found->second;
  });
}

Task<Result<CopyResult>> FakeImages::copy(ImageReference source, ImageReference target, std::string,
                                          CopyProgress progress) {
  PAWL_FAKE_CALL("copy", [&]() -> Result<CopyResult> {
    const auto found = images.find(source.str());
    if (found == images.end()) return not_found("no image " + source.str());
    if (progress) progress(10, 10);
    const ImageInfo image = found->second;
    images.insert_or_assign(target.str(), image);
    for (const auto& each : {image.digest, image.platform_digest})
      images.insert_or_assign(target.with_digest(each).str(), image);
    ledger.push_back(fmt::format("copy {} -> {}", source.str(), target.str()));
    return CopyResult{image, 10, 1, 0};
  });
}

Task<Result<std::string>> FakeImages::find_uri(std::string repository_name) {
  PAWL_FAKE_CALL("find_uri", [&]() -> Result<std::string> {
    const auto found = repositories.find(repository_name);
    if (found == repositories.end()) return not_found("no repository " + repository_name);
    return found->second;
  });
}

}  // namespace pawl::fakes
