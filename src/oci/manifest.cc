#include "oci/manifest.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl::oci {
namespace {

constexpr size_t kMaxPlatformBytes = 64;

Error malformed(std::string_view what, std::string_view why) {
  return Error(ErrorKind::corrupt, fmt::format("{} {}", what, why));
}

Result<Descriptor> read_descriptor(const json::value& value, std::string_view what) {
  const json::object* object = value.if_object();
  if (object == nullptr) return malformed(what, "holds a descriptor that is not an object");
  PAWL_TRY(const auto digest_text, require_string(*object, "digest", what));
  PAWL_TRY(auto digest, Digest::parse(digest_text));
  const int64_t size = int_or(*object, "size", -1);
  if (size < 0 || static_cast<uint64_t>(size) > kMaxBlobBytes)
    return malformed(what, fmt::format("gives no sensible size for {}", digest.short_form()));
  Descriptor descriptor{string_or(*object, "mediaType"),    std::move(digest),
                        static_cast<uint64_t>(size),        std::nullopt,
                        string_or(*object, "artifactType"), false};
  if (const json::value* platform = object->if_contains("platform");
      platform != nullptr && platform->is_object()) {
    const json::object& fields = platform->get_object();
    descriptor.platform = Platform{string_or(fields, "os"), string_or(fields, "architecture"),
                                   string_or(fields, "variant")};
  }
  const bool marked_foreign = descriptor.media_type.find(".foreign.") != std::string::npos ||
                              descriptor.media_type.find(".nondistributable.") != std::string::npos;
  const json::value* urls = object->if_contains("urls");
  descriptor.is_foreign =
      marked_foreign && urls != nullptr && urls->is_array() && !urls->get_array().empty();
  return descriptor;
}

Result<std::vector<Descriptor>> read_list(const json::object& object, std::string_view key,
                                          std::string_view what) {
  std::vector<Descriptor> list;
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return list;
  if (!value->is_array()) return malformed(what, fmt::format("has '{}' that is no list", key));
  const json::array& array = value->get_array();
  if (array.size() > kMaxDescriptors)
    return malformed(what, fmt::format("lists more than {} {}", kMaxDescriptors, key));
  list.reserve(array.size());
  for (const json::value& element : array) {
    PAWL_TRY(auto descriptor, read_descriptor(element, what));
    list.push_back(std::move(descriptor));
  }
  return list;
}

ManifestKind kind_of(std::string_view media_type, const json::object& document) {
  if (media_type == kOciManifest || media_type == kDockerManifest) return ManifestKind::image;
  if (media_type == kOciIndex || media_type == kDockerIndex) return ManifestKind::index;
  if (!media_type.empty() && media_type != "application/json") return ManifestKind::other;
  // OCI 1.0 documents may leave mediaType out, and a careless server answers application/json.
  if (document.if_contains("manifests") != nullptr) return ManifestKind::index;
  return document.if_contains("config") != nullptr ? ManifestKind::image : ManifestKind::other;
}

std::string_view without_parameters(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  return content_type;
}

Result<void> read_image(const json::object& document, std::string_view what, Manifest& manifest) {
  const json::value* config = document.if_contains("config");
  if (config == nullptr) return malformed(what, "has no config");
  PAWL_TRY(auto config_descriptor, read_descriptor(*config, what));
  PAWL_TRY(auto layers, read_list(document, "layers", what));
  manifest.blobs.push_back(std::move(config_descriptor));
  std::move(layers.begin(), layers.end(), std::back_inserter(manifest.blobs));
  return ok();
}

}  // namespace

std::string manifest_media_types() {
  return fmt::format("{}, {}, {}, {}", kOciIndex, kDockerIndex, kOciManifest, kDockerManifest);
}

Result<Platform> Platform::parse(std::string_view text) {
  Platform platform;
  std::string* const parts[] = {&platform.os, &platform.architecture, &platform.variant};
  size_t part = 0;
  bool valid = !text.empty() && text.size() <= kMaxPlatformBytes;
  for (const char c : text) {
    if (c == '/' && ++part == std::size(parts)) valid = false;
    if (!valid) break;
    if (c != '/') *parts[part] += c;
  }
  valid = valid && part >= 1 && std::all_of(parts, parts + part + 1, [](const std::string* p) {
            return !p->empty() && std::all_of(p->begin(), p->end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
            });
          });
  if (!valid)
    return Error(ErrorKind::usage, fmt::format("'{}' is not a platform", text.substr(0, 100)))
        .with_hint("write OS/ARCHITECTURE, for example linux/amd64 or linux/arm64");
  return platform;
}

std::string Platform::str() const {
  return variant.empty() ? os + "/" + architecture : os + "/" + architecture + "/" + variant;
}

bool Platform::satisfies(const Platform& wanted) const {
  if (os != wanted.os || architecture != wanted.architecture) return false;
  const auto effective = [this](const std::string& v) {
    return v.empty() && architecture == "arm64" ? std::string("v8") : v;
  };
  return wanted.variant.empty() || effective(variant) == effective(wanted.variant);
}

Descriptor Manifest::descriptor() const {
  return Descriptor{media_type, digest, bytes.size(), std::nullopt, artifact_type, false};
}

Result<Manifest> parse_manifest(std::string bytes, std::string_view content_type,
                                std::string_view what) {
  if (bytes.size() > kMaxManifestBytes)
    return malformed(what, fmt::format("is larger than {} bytes", kMaxManifestBytes));
  PAWL_TRY(const auto document, parse_json_object(bytes, what));
  if (int_or(document, "schemaVersion") == 1)
    return malformed(what, "is in Docker's schema 1, which has been out of use since 2017")
        .with_hint("push the image again with a current builder");
  Manifest manifest{
      ManifestKind::other, string_or(document, "mediaType"),    {}, Digest::of(bytes), {}, {},
      std::nullopt,        string_or(document, "artifactType"), {}};
  if (manifest.media_type.empty()) manifest.media_type = without_parameters(content_type);
  manifest.kind = kind_of(manifest.media_type, document);
  if (manifest.media_type.empty() || manifest.media_type == "application/json") {
    if (manifest.kind == ManifestKind::index) manifest.media_type = kOciIndex;
    if (manifest.kind == ManifestKind::image) manifest.media_type = kOciManifest;
  }
  if (manifest.kind == ManifestKind::image) PAWL_CHECK(read_image(document, what, manifest));
  if (manifest.kind == ManifestKind::index) {
    PAWL_TRY(manifest.manifests, read_list(document, "manifests", what));
  }
  if (const json::value* subject = document.if_contains("subject");
      subject != nullptr && !subject->is_null()) {
    PAWL_TRY(auto descriptor, read_descriptor(*subject, what));
    manifest.subject = std::move(descriptor);
  }
  if (const json::value* annotations = document.if_contains("annotations");
      annotations != nullptr && annotations->is_object())
    manifest.annotations = annotations->get_object();
  manifest.bytes = std::move(bytes);
  return manifest;
}

const Descriptor* find_platform(const Manifest& index, const Platform& wanted) {
  for (const Descriptor& entry : index.manifests)
    if (entry.platform && entry.platform->satisfies(wanted)) return &entry;
  return nullptr;
}

std::string list_platforms(const Manifest& index) {
  std::string list;
  for (const Descriptor& entry : index.manifests) {
    if (!entry.platform || entry.platform->os == "unknown") continue;
    if (!list.empty()) list += ", ";
    list += entry.platform->str();
  }
  return list.empty() ? "none" : list;
}

}  // namespace pawl::oci
