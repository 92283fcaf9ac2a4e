// Manifests and indexes as registries give them: OCI image-spec 1.1 and Docker schema 2, read for
// what a copy needs (what they point at), kept byte for byte for everything else.
// https://github.com/opencontainers/image-spec/blob/main/manifest.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "core/digest.h"

namespace pawl::oci {

constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kDockerIndex =
    "application/vnd.docker.distribution.manifest.list.v2+json";

/// What registries must at least accept (distribution-spec, "Pushing Manifests"), and so our limit.
constexpr size_t kMaxManifestBytes = 4u << 20;
/// Of layers in a manifest, and of manifests in an index.
constexpr size_t kMaxDescriptors = 4096;
/// Of one blob: beyond it a size in a manifest is taken for nonsense (Lambda's own limit is 10
/// GiB).
constexpr uint64_t kMaxBlobBytes = uint64_t{1} << 40;

/// The value of an Accept header that takes every kind of manifest that Pawl can read.
std::string manifest_media_types();

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;  // "v8"; often empty

  /// "linux/amd64" or "linux/arm64/v8".
  static Result<Platform> parse(std::string_view text);
  std::string str() const;
  /// A variant that was not asked for does not matter, nor does arm64's implied "v8".
  bool satisfies(const Platform& wanted) const;
  bool operator==(const Platform&) const = default;
};

/// What Lambda runs unless the function says arm64.
inline Platform default_platform() {
  return {"linux", "amd64", ""};
}

struct Descriptor {
  std::string media_type;
  Digest digest;
  uint64_t size = 0;
  std::optional<Platform> platform;
  std::string artifact_type;
  /// The bytes live elsewhere by agreement (Windows base layers) and are not copied.
  bool is_foreign = false;
  bool operator==(const Descriptor&) const = default;
};

enum class ManifestKind {
  image,  // a config and layers
  index,  // other manifests
  other,  // something newer than us: copied as it is, pointing at nothing that we know
};

struct Manifest {
  ManifestKind kind = ManifestKind::other;
  std::string media_type;
  std::string bytes;
  Digest digest;
  std::vector<Descriptor> blobs;      // of an image: config first, then layers
  std::vector<Descriptor> manifests;  // of an index
  std::optional<Descriptor> subject;  // what this one is attached to
  std::string artifact_type;
  json::object annotations;

  Descriptor descriptor() const;
};

/// `content_type` is what the registry said; the document's own mediaType wins over it. `what`
/// names the document in errors.
Result<Manifest> parse_manifest(std::string bytes, std::string_view content_type,
                                std::string_view what);

/// The entry of an index that runs on `wanted`; attestations ("unknown/unknown") never match.
const Descriptor* find_platform(const Manifest& index, const Platform& wanted);
/// "linux/amd64, linux/arm64": for the error of who looked for another.
std::string list_platforms(const Manifest& index);

}  // namespace pawl::oci
