#include "oci/image_registry.h"

#include <fmt/format.h>

#include "base/json.h"
#include "oci/copy.h"

namespace pawl::oci {
namespace {

constexpr size_t kMaxImageConfigBytes = 4u << 20;

std::string reference_of(const ImageReference& image) {
  return image.digest ? image.digest->str() : image.tag.value_or("latest");
}

/// Adds up the blobs for who wants one figure.
class Total : public CopyObserver {
 public:
  explicit Total(CopyProgress progress) : progress_(std::move(progress)) {}
  void on_blob(const std::vector<BlobProgress>& blobs, size_t) override {
    if (!progress_) return;
    uint64_t done = 0;
    uint64_t total = 0;
    for (const BlobProgress& blob : blobs) {
      const bool is_there = blob.state == BlobState::present || blob.state == BlobState::mounted;
      done += is_there ? blob.size : blob.done;
      total += blob.size;
    }
    progress_(done, total);
  }

 private:
  CopyProgress progress_;
};

class DistributionRegistry : public ImageRegistry {
 public:
  DistributionRegistry(HttpClient& http, Clock& clock, Entropy& entropy, RegistryAccess access)
      : registries_(http, clock, entropy, std::move(access)) {}

  Task<Result<ImageInfo>> resolve(ImageReference image, std::string platform) override {
    PAWL_CO_TRY(const Platform wanted, Platform::parse(platform));
    Repository repository(registries_.at(image.host), image.repository, false);
    auto found = co_await repository.get_manifest(reference_of(image));
    if (!found.ok()) co_return std::move(found).error().while_doing("resolving " + image.str());
    const Manifest manifest = std::move(found).value();
    if (manifest.kind != ManifestKind::index) {
      std::string architecture = co_await architecture_of(repository, manifest);
      co_return ImageInfo{manifest.digest, manifest.digest, std::move(architecture)};
    }
    const Descriptor* entry = find_platform(manifest, wanted);
    if (entry == nullptr) co_return lacks(image, wanted, manifest);
    co_return ImageInfo{manifest.digest, entry->digest, entry->platform->architecture};
  }

  Task<Result<CopyResult>> copy(ImageReference source, ImageReference target, std::string platform,
                                CopyProgress progress) override {
    CopyOptions options;
    PAWL_CO_TRY(options.report_platform, Platform::parse(platform));
    // Asked for first, so that an image that cannot run there is not copied at all.
    PAWL_CO_TRY(ImageInfo image, co_await resolve(source, platform));
    Repository from(registries_.at(source.host), source.repository, false);
    Repository to(registries_.at(target.host), target.repository, true);
    Total total(std::move(progress));
    CopyRequest request{image.digest.str(), target.tag, target.digest};
    PAWL_CO_TRY(const CopyReport report,
                co_await copy_image(from, to, std::move(request), options, &total));
    image.digest = report.digest;
    image.platform_digest = report.platform_digest;
    co_return CopyResult{std::move(image), report.bytes_copied, report.blobs_copied,
                         report.blobs_present + report.blobs_mounted};
  }

 private:
  // Empty when the config does not say: nobody is stopped by that.
  static Task<std::string> architecture_of(Repository& repository, Manifest manifest) {
    if (manifest.kind != ManifestKind::image || manifest.blobs.empty()) co_return std::string();
    const Digest config = manifest.blobs.front().digest;
    const auto bytes = co_await repository.get_blob(config, kMaxImageConfigBytes);
    if (!bytes.ok()) co_return std::string();
    const auto parsed = parse_json_object(*bytes, "the image's config");
    co_return parsed.ok() ? string_or(*parsed, "architecture") : std::string();
  }

  static Error lacks(const ImageReference& image, const Platform& wanted, const Manifest& index) {
    return Error(ErrorKind::not_found, fmt::format("{} has nothing for {}; it has {}", image.str(),
                                                   wanted.str(), list_platforms(index)))
        .with_hint(fmt::format("build it with --platform {}", wanted.str()));
  }

  Registries registries_;
};

}  // namespace

std::unique_ptr<ImageRegistry> make_image_registry(HttpClient& http, Clock& clock, Entropy& entropy,
                                                   RegistryAccess access) {
  return std::make_unique<DistributionRegistry>(http, clock, entropy, std::move(access));
}

}  // namespace pawl::oci
