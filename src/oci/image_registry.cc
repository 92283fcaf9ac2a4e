#include "oci/image_registry.h"

#include <fmt/format.h>

#include "base/json.h"
#include "oci/copy.h"

namespace pawl::oci {
namespace {

constexpr size_t kMaxImageConfigBytes = 4u << 20;
constexpr int kPartialContent = 206;
/// Smaller images do not come near Lambda's limit when they are unpacked.
constexpr uint64_t kWorthMeasuringBytes = uint64_t{1} << 30;

/// Keeps four bytes.
class LastBytes : public BodySink {
 public:
  Flow write(std::span<const std::byte> bytes) override {
    for (const std::byte byte : bytes) {
      value_ |= std::to_integer<uint64_t>(byte) << (8 * count_);
      if (++count_ == 4) break;
    }
    return Flow::ready;
  }
  uint64_t little_endian() const { return count_ == 4 ? value_ : 0; }

 private:
  uint64_t value_ = 0;
  unsigned count_ = 0;
};

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
    std::optional<Platform> wanted;
    if (!platform.empty()) {
      PAWL_CO_TRY(wanted, Platform::parse(platform));
    }
    Repository repository(registries_.at(image.host), image.repository, false);
    auto found = co_await repository.get_manifest(reference_of(image));
    if (!found.ok()) co_return std::move(found).error().while_doing("resolving " + image.str());
    const Manifest root = std::move(found).value();
    const Descriptor* entry = root.kind == ManifestKind::index ? choose(root, wanted) : nullptr;
    if (root.kind == ManifestKind::index && entry == nullptr)
      co_return lacks(image, wanted.value_or(default_platform()), root);
    auto described = describe(repository, root, entry);
    auto info = co_await std::move(described);
    co_return std::move(info).while_doing("resolving " + image.str());
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
  /// `entry` is nullptr for what is no index.
  static Task<Result<ImageInfo>> describe(Repository& repository, Manifest root,
                                          const Descriptor* entry) {
    ImageInfo info{root.digest, root.digest, "", "", {}};
    if (entry == nullptr) {
      co_await read_config(repository, root, &info);
    } else {
      info.platform_digest = entry->digest;
      info.architecture = entry->platform->architecture;
      info.os = entry->platform->os;
      PAWL_CO_TRY(root, co_await repository.get_manifest(info.platform_digest.str()));
    }
    if (root.kind == ManifestKind::image)
      info.layers = co_await describe_layers(repository, std::move(root));
    co_return info;
  }

  // What the config does not say stays empty: nobody is stopped by that.
  static Task<void> read_config(Repository& repository, Manifest manifest, ImageInfo* info) {
    if (manifest.kind != ManifestKind::image || manifest.blobs.empty()) co_return;
    const Digest config = manifest.blobs.front().digest;
    const auto bytes = co_await repository.get_blob(config, kMaxImageConfigBytes);
    if (!bytes.ok()) co_return;
    const auto parsed = parse_json_object(*bytes, "the image's config");
    if (!parsed.ok()) co_return;
    info->architecture = string_or(*parsed, "architecture");
    info->os = string_or(*parsed, "os");
  }

  static Task<std::vector<ImageLayer>> describe_layers(Repository& repository, Manifest manifest) {
    std::vector<ImageLayer> layers;
    uint64_t total = 0;
    for (size_t i = 1; i < manifest.blobs.size(); ++i) {
      const Descriptor& blob = manifest.blobs[i];
      layers.push_back({blob.media_type, blob.size, 0});
      total += blob.size;
    }
    if (total < kWorthMeasuringBytes || total > kMaxLambdaImageBytes) co_return layers;
    std::vector<Task<uint64_t>> questions;
    for (size_t i = 1; i < manifest.blobs.size(); ++i)
      questions.push_back(unpacked_size(repository, manifest.blobs[i]));
    const auto sizes = co_await when_all(std::move(questions));
    for (size_t i = 0; i < sizes.size(); ++i) layers[i].unpacked_bytes = sizes[i];
    co_return layers;
  }

  // The last four bytes of a gzip stream are its size unpacked, modulo 4 GiB (RFC 1952, ISIZE), and
  // of several streams one after another that of the last: never more than all of it.
  static Task<uint64_t> unpacked_size(Repository& repository, Descriptor layer) {
    constexpr uint64_t kTrailerBytes = 4;
    const bool is_gzip = layer.media_type.ends_with("gzip");
    if (!is_gzip || layer.is_foreign || layer.size < kTrailerBytes) co_return 0;
    const auto last = std::make_shared<LastBytes>();
    const auto read = co_await repository.read_blob(layer.digest, layer.size - kTrailerBytes, last);
    if (!read.ok() || read->status != kPartialContent) co_return 0;
    co_return last->little_endian();
  }

  static const Descriptor* choose(const Manifest& index, const std::optional<Platform>& wanted) {
    if (wanted) return find_platform(index, *wanted);
    if (const Descriptor* usual = find_platform(index, default_platform())) return usual;
    for (const Descriptor& entry : index.manifests)
      if (entry.platform && entry.platform->os != "unknown") return &entry;
    return nullptr;
  }

  static Error lacks(const ImageReference& image, const Platform& wanted, const Manifest& index) {
    return Error(ErrorKind::config, fmt::format("{} has nothing for {}; it has {}", image.str(),
                                                wanted.str(), list_platforms(index)))
        .with_hint(fmt::format("build it with --platform {} (image.build.platform in pawl.yaml)",
                               wanted.str()));
  }

  Registries registries_;
};

}  // namespace

std::unique_ptr<ImageRegistry> make_image_registry(HttpClient& http, Clock& clock, Entropy& entropy,
                                                   RegistryAccess access) {
  return std::make_unique<DistributionRegistry>(http, clock, entropy, std::move(access));
}

}  // namespace pawl::oci
