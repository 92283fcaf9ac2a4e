#include "engine/static_site.h"

#include <fmt/format.h>

#include <set>

#include "engine/parallel.h"
#include "engine/static_bucket.h"

namespace pawl {
namespace {

struct Upload {
  StaticFile file;
  std::string key;
};

// What upload_new_files has to send: decided first, so that the progress knows its total.
Task<Result<std::vector<Upload>>> missing_uploads(ObjectStore& store, StaticKeys keys,
                                                  StaticManifest manifest, const Listing& listing) {
  std::vector<Upload> uploads;
  std::set<std::string> taken;
  for (const auto& file : manifest.files) {
    std::string key = file.is_immutable ? keys.file(file.path) : keys.content(file.sha256);
    if (!taken.insert(key).second) continue;
    const auto found = listing.find(key);
    if (found == listing.end()) {
      uploads.push_back({file, std::move(key)});
      continue;
    }
    if (!file.is_immutable) continue;  // named by its hash
    PAWL_CO_TRY(const bool same,
                co_await has_content(store, keys.target.bucket, found->second, file));
    if (!same)
      co_return Error(ErrorKind::conflict,
                      fmt::format("{} is called immutable, but s3://{}/{} holds something else",
                                  file.path, keys.target.bucket, key))
          .with_hint(
              "its name must change with its content: make the build put a hash into it, or "
              "take it out of `immutable`");
  }
  co_return uploads;
}

struct Sending {
  ObjectStore& store;
  StaticFiles& files;
  StaticKeys keys;
  std::string directory;
  std::vector<Upload> uploads;
  BeforeChange before_change;
  SyncProgress progress;
  uint64_t bytes_total = 0;
  SyncResult result;
};

Task<Result<void>> send_one(Sending& sending, size_t index) {
  const Upload& upload = sending.uploads[index];
  PutRequest request;
  request.bucket = sending.keys.target.bucket;
  request.key = upload.key;
  request.body =
      FileOnDisk{sending.files.path_of(sending.directory, upload.file), upload.file.size};
  request.content_type = upload.file.content_type;
  request.cache_control = upload.file.cache_control;
  request.sha256 = upload.file.sha256;
  request.content_encoding = upload.file.content_encoding;
  PAWL_CO_CHECK(co_await guard(sending.before_change));
  auto put = co_await sending.store.put(std::move(request));
  if (!put.ok())
    co_return std::move(put).while_doing(fmt::format("uploading {}", upload.file.path)).error();
  ++sending.result.uploaded;
  sending.result.bytes += upload.file.size;
  if (sending.progress) sending.progress(sending.result.bytes, sending.bytes_total);
  co_return ok();
}

}  // namespace

Task<Result<SyncResult>> upload_new_files(ObjectStore& store, StaticFiles& files,
                                          StaticTarget target, std::string directory,
                                          StaticManifest manifest, BeforeChange before_change,
                                          SyncProgress progress) {
  const StaticKeys keys{target};
  PAWL_CO_TRY(const auto listing, co_await list_target(store, target));
  PAWL_CO_TRY(auto uploads, co_await missing_uploads(store, keys, manifest, listing));
  Sending sending{store,    files, keys, std::move(directory), std::move(uploads), before_change,
                  progress, 0,     {}};
  for (const auto& upload : sending.uploads) sending.bytes_total += upload.file.size;
  sending.result.unchanged = static_cast<int>(manifest.files.size() - sending.uploads.size());
  PAWL_CO_CHECK(co_await for_each_index(sending.uploads.size(), kTransfersAtOnce,
                                        [&sending](size_t i) { return send_one(sending, i); }));
  // Last: where it is, everything that it names is.
  const std::string release = keys.release(manifest.digest());
  if (listing.count(release) == 0) {
    PAWL_CO_CHECK(co_await guard(before_change));
    PAWL_CO_CHECK(co_await write_manifest_object(store, target.bucket, release, manifest));
  }
  co_return sending.result;
}

Task<Result<StaticManifest>> read_release_manifest(ObjectStore& store, StaticTarget target,
                                                   std::string manifest_digest) {
  const StaticKeys keys{target};
  const std::string key = keys.release(manifest_digest);
  PAWL_CO_TRY(auto found, co_await read_manifest_object(store, target.bucket, key));
  if (!found)
    co_return Error(ErrorKind::not_found,
                    fmt::format("there is no manifest s3://{}/{}", target.bucket, key));
  if (found->digest() != manifest_digest)
    co_return Error(ErrorKind::corrupt,
                    fmt::format("s3://{}/{} is not what its name says", target.bucket, key));
  co_return *std::move(found);
}

Task<Result<bool>> is_in_place(ObjectStore& store, StaticTarget target, StaticManifest manifest,
                               bool mutable_files_too) {
  const StaticKeys keys{target};
  PAWL_CO_TRY(const auto listing, co_await list_target(store, target));
  if (listing.count(keys.release(manifest.digest())) == 0) co_return false;
  for (const auto& file : manifest.files) {
    if (!file.is_immutable && listing.count(keys.content(file.sha256)) == 0) co_return false;
    if (!file.is_immutable && !mutable_files_too) continue;
    const auto found = listing.find(keys.file(file.path));
    if (found == listing.end()) co_return false;
    PAWL_CO_TRY(const bool same, co_await has_content(store, target.bucket, found->second, file));
    if (!same) co_return false;
  }
  co_return true;
}

}  // namespace pawl
