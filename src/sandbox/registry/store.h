// What a registry keeps, as plain files, so that it survives a crash without a database:
//
//   ROOT/blobs/sha256/ab/<hex>                  the bytes of blobs and of manifests
//   ROOT/uploads/<id>                           uploads that are under way
//   ROOT/repositories/<name>/_blobs/<hex>       empty: this repository holds that blob
//   ROOT/repositories/<name>/_manifests/<hex>   holds the manifest's media type
//   ROOT/repositories/<name>/_tags/<tag>        holds a digest
//   ROOT/repositories/<name>/_referrers/<subject hex>/<hex>   empty
//
// No part of a repository's name can begin with "_", so names and these folders never meet. A file
// appears whole or not at all (written aside, then renamed).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/digest.h"

namespace pawl::sandbox {

struct StoredManifest {
  Digest digest;
  std::string media_type;
  std::string body;
};

class RegistryStore {
 public:
  static Result<RegistryStore> open(std::filesystem::path root);

  std::filesystem::path blob_path(const Digest& digest) const;
  std::filesystem::path upload_path(const std::string& id) const;
  /// Its size when the repository holds it.
  std::optional<uint64_t> find_blob(const std::string& repository, const Digest& digest) const;
  /// Whether the bytes are here, whoever holds them.
  bool has_bytes(const Digest& digest) const;
  Result<void> link_blob(const std::string& repository, const Digest& digest);
  Result<void> unlink_blob(const std::string& repository, const Digest& digest);
  /// Moves a finished upload, whose digest was verified, to its place.
  Result<void> finish_upload(const std::string& id, const std::string& repository,
                             const Digest& digest);

  /// `subject`: the digest that the manifest refers to (OCI 1.1), listed by referrers().
  Result<void> put_manifest(const std::string& repository, const StoredManifest& manifest,
                            const std::optional<Digest>& subject);
  std::optional<StoredManifest> find_manifest(const std::string& repository,
                                              const Digest& digest) const;
  /// Its tags go too.
  Result<void> remove_manifest(const std::string& repository, const Digest& digest);
  std::vector<Digest> manifests(const std::string& repository) const;
  std::vector<StoredManifest> referrers(const std::string& repository, const Digest& subject) const;

  std::optional<Digest> find_tag(const std::string& repository, const std::string& tag) const;
  Result<void> set_tag(const std::string& repository, const std::string& tag, const Digest& digest);
  Result<void> remove_tag(const std::string& repository, const std::string& tag);
  /// Sorted.
  std::vector<std::string> tags(const std::string& repository) const;
  bool has_repository(const std::string& repository) const;
  /// Sorted.
  std::vector<std::string> repositories() const;

 private:
  explicit RegistryStore(std::filesystem::path root) : root_(std::move(root)) {}
  std::filesystem::path folder(const std::string& repository, const char* kind) const;
  std::filesystem::path root_;
};

}  // namespace pawl::sandbox
