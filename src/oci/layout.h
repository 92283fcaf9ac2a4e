// An OCI image layout on disk, as `buildah push oci:DIR`, `docker buildx build --output type=oci`,
// `skopeo copy ... oci:DIR` and newer `docker save` write it: a folder, or a tar of one.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "net/http_client.h"
#include "oci/manifest.h"

namespace pawl::oci {

class ImageLayout {
 public:
  /// Reads what is where, and `oci-layout`; a tar is read by its headers alone. Errors: not_found,
  /// corrupt (it is no layout, or a compressed tar).
  static Result<ImageLayout> open(const std::string& path);

  const std::string& path() const { return path_; }
  /// The one image of its index.json, or, of several, the one whose annotation
  /// org.opencontainers.image.ref.name is `name`.
  Result<Descriptor> image(const std::string& name) const;
  /// A manifest or index, verified.
  Result<Manifest> manifest(const Descriptor& descriptor) const;
  /// A small blob (a config), verified.
  Result<std::string> small_blob(const Descriptor& descriptor, size_t max_bytes) const;
  bool has(const Digest& digest) const;
  /// The bytes of a blob, to be sent. not_found, or corrupt when its size is not the one that the
  /// manifest says.
  Result<std::shared_ptr<BodySource>> blob(const Descriptor& descriptor) const;

 private:
  /// Where in which file the bytes are.
  struct Part {
    std::string file;
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };

  static Result<std::map<std::string, Part>> parts_of_tar(const std::string& path);
  Result<Part> part(const std::string& name) const;
  Result<std::string> read(const std::string& name, size_t max_bytes) const;

  std::string path_;
  bool is_tar_ = false;
  std::map<std::string, Part> parts_;  // of a tar, by name
};

}  // namespace pawl::oci
