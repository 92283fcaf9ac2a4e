#include "sandbox/registry/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "sandbox/files.h"

namespace pawl::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxStoredManifestBytes = 8u << 20;

Error file_error(const char* what, const fs::path& path) {
  return Error(ErrorKind::storage, fmt::format("{} {}: {}", what, path.string(), strerror(errno)));
}

Result<void> remove_file(const fs::path& path) {
  std::error_code failure;
  fs::remove(path, failure);
  if (failure)
    return Error(ErrorKind::storage,
                 fmt::format("remove {}: {}", path.string(), failure.message()));
  return ok();
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool is_file(const fs::path& path) {
  std::error_code failure;
  return fs::is_regular_file(path, failure);
}

std::string hex_of(const Digest& digest) {
  return std::string(digest.hex());
}

}  // namespace

Result<RegistryStore> RegistryStore::open(fs::path root) {
  for (const char* part : {"blobs/sha256", "uploads", "repositories"})
    PAWL_CHECK(make_folder(root / part));
  return RegistryStore(std::move(root));
}

fs::path RegistryStore::blob_path(const Digest& digest) const {
  const std::string hex = hex_of(digest);
  return root_ / "blobs" / "sha256" / hex.substr(0, 2) / hex;
}

fs::path RegistryStore::upload_path(const std::string& id) const {
  return root_ / "uploads" / id;
}

fs::path RegistryStore::folder(const std::string& repository, const char* kind) const {
  return root_ / "repositories" / repository / kind;
}

bool RegistryStore::has_bytes(const Digest& digest) const {
  return is_file(blob_path(digest));
}

std::optional<uint64_t> RegistryStore::find_blob(const std::string& repository,
                                                 const Digest& digest) const {
  const bool linked = is_file(folder(repository, "_blobs") / hex_of(digest)) ||
                      is_file(folder(repository, "_manifests") / hex_of(digest));
  if (!linked) return std::nullopt;
  std::error_code failure;
  const auto size = fs::file_size(blob_path(digest), failure);
  if (failure) return std::nullopt;
  return size;
}

Result<void> RegistryStore::link_blob(const std::string& repository, const Digest& digest) {
  return write_file_atomically(folder(repository, "_blobs") / hex_of(digest), "");
}

Result<void> RegistryStore::unlink_blob(const std::string& repository, const Digest& digest) {
  return remove_file(folder(repository, "_blobs") / hex_of(digest));
}

Result<void> RegistryStore::finish_upload(const std::string& id, const std::string& repository,
                                          const Digest& digest) {
  const fs::path place = blob_path(digest);
  PAWL_CHECK(make_folder(place.parent_path()));
  if (::rename(upload_path(id).c_str(), place.c_str()) != 0) return file_error("rename to", place);
  return link_blob(repository, digest);
}

Result<void> RegistryStore::put_manifest(const std::string& repository,
                                         const StoredManifest& manifest,
                                         const std::optional<Digest>& subject) {
  if (!has_bytes(manifest.digest))
    PAWL_CHECK(write_file_atomically(blob_path(manifest.digest), manifest.body));
  if (subject) {
    const fs::path link =
        folder(repository, "_referrers") / hex_of(*subject) / hex_of(manifest.digest);
    PAWL_CHECK(write_file_atomically(link, ""));
  }
  return write_file_atomically(folder(repository, "_manifests") / hex_of(manifest.digest),
                               manifest.media_type);
}

std::optional<StoredManifest> RegistryStore::find_manifest(const std::string& repository,
                                                           const Digest& digest) const {
  auto media_type = read_whole_file(folder(repository, "_manifests") / hex_of(digest), 4096);
  if (!media_type.ok()) return std::nullopt;
  auto body = read_whole_file(blob_path(digest), kMaxStoredManifestBytes);
  if (!body.ok()) return std::nullopt;
  return StoredManifest{digest, *std::move(media_type), *std::move(body)};
}

Result<void> RegistryStore::remove_manifest(const std::string& repository, const Digest& digest) {
  for (const auto& tag : tags(repository)) {
    if (find_tag(repository, tag) == digest) PAWL_CHECK(remove_tag(repository, tag));
  }
  for (const auto& subject : names_in(folder(repository, "_referrers")))
    PAWL_CHECK(remove_file(folder(repository, "_referrers") / subject / hex_of(digest)));
  return remove_file(folder(repository, "_manifests") / hex_of(digest));
}

std::vector<Digest> RegistryStore::manifests(const std::string& repository) const {
  std::vector<Digest> digests;
  for (const auto& hex : names_in(folder(repository, "_manifests"))) {
    if (auto digest = Digest::parse("sha256:" + hex); digest.ok()) digests.push_back(*digest);
  }
  return digests;
}

std::vector<StoredManifest> RegistryStore::referrers(const std::string& repository,
                                                     const Digest& subject) const {
  std::vector<StoredManifest> found;
  for (const auto& hex : names_in(folder(repository, "_referrers") / hex_of(subject))) {
    auto digest = Digest::parse("sha256:" + hex);
    if (!digest.ok()) continue;
    if (auto manifest = find_manifest(repository, *digest)) found.push_back(*std::move(manifest));
  }
  return found;
}

std::optional<Digest> RegistryStore::find_tag(const std::string& repository,
                                              const std::string& tag) const {
  auto text = read_whole_file(folder(repository, "_tags") / tag, 128);
  if (!text.ok()) return std::nullopt;
  auto digest = Digest::parse(*text);
  if (!digest.ok()) return std::nullopt;
  return *digest;
}

Result<void> RegistryStore::set_tag(const std::string& repository, const std::string& tag,
                                    const Digest& digest) {
  return write_file_atomically(folder(repository, "_tags") / tag, digest.str());
}

Result<void> RegistryStore::remove_tag(const std::string& repository, const std::string& tag) {
  return remove_file(folder(repository, "_tags") / tag);
}

std::vector<std::string> RegistryStore::tags(const std::string& repository) const {
  auto names = names_in(folder(repository, "_tags"));
  std::erase_if(names, [](const std::string& name) { return name.starts_with("."); });
  return names;
}

bool RegistryStore::has_repository(const std::string& repository) const {
  std::error_code failure;
  return fs::is_directory(root_ / "repositories" / repository, failure);
}

std::vector<std::string> RegistryStore::repositories() const {
  std::vector<std::string> names;
  const fs::path base = root_ / "repositories";
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(base, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (entry->path().filename() != "_manifests") continue;
    entry.disable_recursion_pending();
    names.push_back(entry->path().parent_path().lexically_relative(base).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pawl::sandbox
