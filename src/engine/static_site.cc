#include "engine/static_site.h"

#include <fmt/format.h>

#include <set>

#include "engine/parallel.h"
#include "engine/static_bucket.h"
#include "engine/static_record.h"

namespace pawl {
namespace {

struct Upload {
  StaticFile file;
  std::string key;
};

Error name_kept_content_changed(const StaticFile& file, const std::string& where) {
  return Error(ErrorKind::conflict,
               fmt::format("{} is called immutable, but {} holds something else", file.path, where))
      .with_hint(
          "its name must change with its content: make the build put a hash into it, or "
          "take it out of `immutable`");
}

// What upload_new_files has to send: decided first, so that the progress knows its total.
Task<Result<std::vector<Upload>>> missing_uploads(ObjectStore& store, StaticKeys keys,
                                                  const StaticManifest& manifest,
                                                  const Listing& listing) {
  std::vector<Upload> uploads;
  std::set<std::string> taken;
  for (const auto& file : manifest.files) {
    std::string key = keys.body(file);
    if (!taken.insert(key).second) continue;
    const auto found = listing.find(key);
    if (found == listing.end()) {
      uploads.push_back({file, std::move(key)});
      continue;
    }
    if (!file.is_immutable) continue;  // named by its hash
    PAWL_CO_TRY(const bool same,
                co_await has_content(store, keys.target.bucket, found->second, file));
    if (same) continue;
    if (file.content_encoding.empty())
      co_return name_kept_content_changed(file, fmt::format("s3://{}/{}", keys.target.bucket, key));
    // The same content, pressed by another version of the library.
    uploads.push_back({file, std::move(key)});
  }
  co_return uploads;
}

struct LookedAt {
  BucketLook bucket;
  std::string release;  // the key of the release's manifest
};

// The record of the last upload and what there is of this one.
Task<Result<LookedAt>> look_for_upload(ObjectStore& store, StaticKeys keys,
                                       const StaticManifest& manifest) {
  LookedAt looked;
  looked.release = keys.release(manifest.digest());
  std::vector<std::string> wanted{looked.release};
  for (const auto& file : manifest.files) wanted.push_back(keys.body(file));
  std::string damage;
  PAWL_CO_TRY(auto last, co_await read_record(store, keys.target.bucket, keys.uploaded(), damage));
  std::optional<Recorded> recorded;
  if (last) {
    recorded.emplace();
    for (const auto& file : last->files) recorded->keys.push_back(keys.body(file));
    recorded->manifest = *std::move(last);
  }
  PAWL_CO_TRY(looked.bucket,
              co_await look_at_bucket(store, keys.target, std::move(wanted), std::move(recorded),
                                      std::move(damage), Look::quick));
  co_return looked;
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
  std::map<std::string, std::string> etags;  // by key, of what was sent
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
  sending.etags[upload.key] = put->etag;
  sending.result.bytes += upload.file.size;
  if (sending.progress) sending.progress(sending.result.bytes, sending.bytes_total);
  co_return ok();
}

// The manifest with the ETags that the bucket gave: what the next upload reads.
StaticManifest record_of(const StaticManifest& manifest, const Sending& sending,
                         const Listing& listing) {
  StaticManifest record = manifest;
  for (auto& file : record.files) {
    const std::string key = sending.keys.body(file);
    const auto sent = sending.etags.find(key);
    const auto listed = listing.find(key);
    file.etag = sent != sending.etags.end() ? sent->second
                : listed != listing.end()   ? listed->second.etag
                                            : "";
  }
  return record;
}

}  // namespace

Task<Result<SyncResult>> upload_new_files(ObjectStore& store, StaticFiles& files,
                                          StaticTarget target, std::string directory,
                                          StaticManifest manifest, BeforeChange before_change,
                                          SyncProgress progress) {
  const StaticKeys keys{target};
  PAWL_CO_TRY(const auto looked, co_await look_for_upload(store, keys, manifest));
  const Listing& listing = looked.bucket.there;
  PAWL_CO_TRY(auto uploads, co_await missing_uploads(store, keys, manifest, listing));
  Sending sending{
      store, files, keys, std::move(directory), std::move(uploads), before_change, progress,
      0,     {},    {}};
  for (const auto& upload : sending.uploads) sending.bytes_total += upload.file.size;
  sending.result.unchanged = static_cast<int>(manifest.files.size() - sending.uploads.size());
  sending.result.notes = looked.bucket.notes;
  PAWL_CO_CHECK(co_await for_each_index(sending.uploads.size(), kTransfersAtOnce,
                                        [&sending](size_t i) { return send_one(sending, i); }));
  // Last: where it is, everything that it names is.
  if (listing.count(looked.release) == 0) {
    PAWL_CO_CHECK(co_await guard(before_change));
    PAWL_CO_CHECK(co_await write_manifest_object(store, target.bucket, looked.release, manifest));
  }
  const bool is_recorded = sending.uploads.empty() && looked.bucket.recorded == manifest.digest() &&
                           looked.bucket.notes.empty();
  if (!is_recorded) {
    PAWL_CO_CHECK(co_await guard(before_change));
    PAWL_CO_CHECK(co_await write_manifest_object(store, target.bucket, keys.uploaded(),
                                                 record_of(manifest, sending, listing)));
  }
  co_return sending.result;
}

Task<Result<StaticPreview>> preview_static(ObjectStore& store, StaticTarget target,
                                           StaticManifest manifest) {
  const StaticKeys keys{target};
  PAWL_CO_TRY(const auto looked, co_await look_for_upload(store, keys, manifest));
  PAWL_CO_TRY(const auto uploads,
              co_await missing_uploads(store, keys, manifest, looked.bucket.there));
  StaticPreview preview;
  preview.notes = looked.bucket.notes;
  std::set<std::string> sent;
  for (const auto& upload : uploads) {
    sent.insert(upload.file.sha256);
    preview.bytes += upload.file.size;
    if (upload.file.is_immutable) preview.uploads.push_back(upload.file);
  }
  const auto differs = [&](const StaticFile& file) -> Task<Result<bool>> {
    if (sent.count(file.sha256) > 0) co_return true;
    PAWL_CO_TRY(const auto there, co_await store.head(target.bucket, keys.file(file.path)));
    co_return !there || !is_as_wanted(*there, file);
  };
  std::vector<char> switched(manifest.files.size(), 0);
  const auto look_at = [&](size_t i) -> Task<Result<void>> {
    const StaticFile& file = manifest.files[i];
    if (file.is_immutable) co_return ok();
    PAWL_CO_TRY(const bool is_other, co_await differs(file));
    switched[i] = is_other ? 1 : 0;
    co_return ok();
  };
  PAWL_CO_CHECK(co_await for_each_index(manifest.files.size(), kTransfersAtOnce, look_at));
  for (size_t i = 0; i < manifest.files.size(); ++i)
    if (switched[i] != 0) preview.switches.push_back(manifest.files[i]);
  preview.unchanged =
      static_cast<int>(manifest.files.size() - preview.uploads.size() - preview.switches.size());
  co_return preview;
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
    if (!file.is_immutable && listing.count(keys.body(file)) == 0) co_return false;
    if (!file.is_immutable && !mutable_files_too) continue;
    const auto found = listing.find(keys.file(file.path));
    if (found == listing.end()) co_return false;
    PAWL_CO_TRY(const bool same, co_await has_content(store, target.bucket, found->second, file));
    if (!same) co_return false;
  }
  co_return true;
}

}  // namespace pawl
