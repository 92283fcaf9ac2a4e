// The mutable files of a release: switched last, kept before they are overwritten, put back.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "engine/parallel.h"
#include "engine/static_bucket.h"
#include "engine/static_site.h"

namespace pawl {
namespace {

struct Work {
  ObjectStore& store;
  StaticKeys keys;
  std::string deployment;
  BeforeChange before_change;
  SyncResult result;
  std::vector<std::string> changed_by_others;
};

bool has_headers(const ObjectInfo& there, const std::string& content_type,
                 const std::string& cache_control, const std::string& content_encoding) {
  return there.content_type == content_type && there.cache_control == cache_control &&
         there.content_encoding == content_encoding;
}

// A put that gives an object the headers of this one.
PutRequest headers_of(const ObjectInfo& object) {
  PutRequest request;
  request.content_type = object.content_type;
  request.cache_control = object.cache_control;
  request.sha256 = object.sha256;
  request.content_encoding = object.content_encoding;
  return request;
}

// By hash where both have one: a copy of what went up in parts has another etag.
bool same_object(const ObjectInfo& a, const ObjectInfo& b) {
  const bool same = a.sha256.empty() || b.sha256.empty() ? a.etag == b.etag : a.sha256 == b.sha256;
  return same && has_headers(a, b.content_type, b.cache_control, b.content_encoding);
}

bool was_absent(const ObjectInfo& kept) {
  return kept.content_type == kAbsentType;
}

// An earlier try kept it, and did not come to switch it: meanwhile somebody may have changed it.
Result<void> is_as_kept(const std::string& path, const ObjectInfo& kept,
                        const std::optional<ObjectInfo>& current) {
  const bool is_same = was_absent(kept) ? !current : current && same_object(*current, kept);
  if (is_same) return ok();
  return Error(ErrorKind::conflict,
               fmt::format("{} was changed by someone else since this deployment first looked at "
                           "it, and that is not overwritten",
                           path))
      .with_hint("agree with whoever did it, then deploy again");
}

// Keeps `current` (or its absence) once: a second try after a crash must not take our own new file
// for what was there before. Only where nothing is kept yet, since a request of a process that was
// paused may arrive when that file has long been switched.
Task<Result<void>> keep_backup(Work& work, std::string path, std::optional<ObjectInfo> current) {
  const std::string& bucket = work.keys.target.bucket;
  const std::string key = work.keys.backup(work.deployment, path);
  PAWL_CO_TRY(const auto kept, co_await work.store.head(bucket, key));
  if (kept) co_return is_as_kept(path, *kept, current);
  if (current && current->size > kMaxInMemory) {
    CopyRequest copy{current->key, current->etag, headers_of(*current)};
    copy.to.bucket = bucket;
    copy.to.key = key;
    copy.to.if_none_match = true;
    PAWL_CO_CHECK(co_await guard(work.before_change));
    auto copied = co_await work.store.copy(std::move(copy));
    if (copied.ok()) co_return ok();
    if (copied.error().kind() != ErrorKind::conflict) co_return std::move(copied).error();
    // An earlier request of ours came through, or the file is another by now.
    PAWL_CO_TRY(const auto there, co_await work.store.head(bucket, key));
    if (!there) co_return std::move(copied).error();
    co_return is_as_kept(path, *there, current);
  }
  PutRequest backup;
  backup.content_type = std::string(kAbsentType);
  if (current) {
    PAWL_CO_TRY(auto content, co_await work.store.get(bucket, current->key));
    if (!content || content->info.etag != current->etag)
      co_return Error(ErrorKind::conflict,
                      fmt::format("{} was changed by someone else meanwhile", current->key));
    backup = headers_of(*current);
    backup.body = std::move(content->body);
  }
  backup.bucket = bucket;
  backup.key = key;
  backup.if_none_match = true;
  PAWL_CO_CHECK(co_await guard(work.before_change));
  auto put = co_await work.store.put(std::move(backup));
  if (!put.ok() && put.error().kind() != ErrorKind::conflict) co_return std::move(put).error();
  co_return ok();
}

// Puts the object `from` in the place of `current`, unless someone changed that meanwhile. `wanted`
// says key, headers and hash.
Task<Result<void>> replace(Work& work, std::string from, ObjectInfo wanted,
                           std::optional<ObjectInfo> current) {
  const std::string& bucket = work.keys.target.bucket;
  PutRequest request = headers_of(wanted);
  request.bucket = bucket;
  request.key = wanted.key;
  request.if_none_match = !current;
  if (current) request.if_match = current->etag;
  const bool is_large = wanted.size > kMaxInMemory;
  if (!is_large) {
    PAWL_CO_TRY(auto content, co_await work.store.get(bucket, from));
    if (!content)
      co_return Error(ErrorKind::not_found, fmt::format("s3://{}/{} is gone", bucket, from));
    if (!wanted.sha256.empty() && sha256_hex(content->body) != wanted.sha256)
      co_return Error(ErrorKind::corrupt,
                      fmt::format("s3://{}/{} is not what it was", bucket, from));
    request.body = std::move(content->body);
  }
  // Only now: fetching the content may have taken longer than the lease lasts.
  PAWL_CO_CHECK(co_await guard(work.before_change));
  Result<ObjectInfo> put = Error(ErrorKind::internal, "nothing was put");
  if (is_large) {
    CopyRequest copy{std::move(from), "", std::move(request)};
    put = co_await work.store.copy(std::move(copy));
  } else {
    put = co_await work.store.put(std::move(request));
  }
  const bool may_be_done =
      !put.ok() && (put.error().outcome_unknown() || put.error().kind() == ErrorKind::conflict);
  if (may_be_done) {
    // No answer came, or something on the way sent it twice: what is there now tells.
    PAWL_CO_TRY(const auto there, co_await work.store.head(bucket, wanted.key));
    if (there && same_object(*there, wanted)) co_return ok();
  }
  if (!put.ok() && put.error().kind() == ErrorKind::conflict)
    co_return std::move(put)
        .while_doing(fmt::format("switching {}, which someone else changed", wanted.key))
        .error();
  if (!put.ok()) co_return std::move(put).error();
  co_return ok();
}

Task<Result<void>> switch_one(Work& work, StaticFile file) {
  const std::string key = work.keys.file(file.path);
  PAWL_CO_TRY(auto current, co_await work.store.head(work.keys.target.bucket, key));
  if (current && is_as_wanted(*current, file)) {
    ++work.result.unchanged;
    co_return ok();
  }
  PAWL_CO_CHECK(co_await keep_backup(work, file.path, current));
  ObjectInfo wanted;
  wanted.key = key;
  wanted.size = file.size;
  wanted.content_type = file.content_type;
  wanted.cache_control = file.cache_control;
  wanted.sha256 = file.sha256;
  wanted.content_encoding = file.content_encoding;
  PAWL_CO_CHECK(co_await replace(work, work.keys.content(file.sha256), wanted, current));
  ++work.result.uploaded;
  work.result.bytes += file.size;
  co_return ok();
}

StaticManifest mutable_part(const StaticManifest& manifest) {
  StaticManifest part;
  for (const auto& file : manifest.files)
    if (!file.is_immutable) part.files.push_back(file);
  // Pages last: what they refer to is there before them.
  std::stable_partition(part.files.begin(), part.files.end(),
                        [](const StaticFile& file) { return !is_page(file); });
  return part;
}

const StaticFile* find_file(const StaticManifest& manifest, std::string_view path) {
  for (const auto& file : manifest.files)
    if (file.path == path) return &file;
  return nullptr;
}

}  // namespace

Task<Result<SyncResult>> switch_mutable_files(ObjectStore& store, StaticTarget target,
                                              StaticManifest manifest, std::string deployment,
                                              BeforeChange before_change) {
  const StaticManifest files = mutable_part(manifest);
  Work work{store, StaticKeys{target}, deployment, std::move(before_change), {}, {}};
  if (files.files.empty()) co_return work.result;
  PAWL_CO_CHECK(co_await guard(work.before_change));
  PAWL_CO_CHECK(co_await write_manifest_object(store, target.bucket,
                                               work.keys.backup_index(deployment), files));
  const auto page = std::find_if(files.files.begin(), files.files.end(), is_page);
  const auto others = static_cast<size_t>(page - files.files.begin());
  PAWL_CO_CHECK(co_await for_each_index(
      others, kTransfersAtOnce, [&](size_t i) { return switch_one(work, files.files[i]); }));
  PAWL_CO_CHECK(
      co_await for_each_index(files.files.size() - others, kTransfersAtOnce,
                              [&](size_t i) { return switch_one(work, files.files[others + i]); }));
  co_return work.result;
}

namespace {

bool is_ours(const ObjectInfo& there, const StaticManifest& switched, const std::string& path) {
  const StaticFile* ours = find_file(switched, path);
  return ours != nullptr && holds_content(there, *ours).value_or(false);
}

Task<Result<void>> restore_one(Work& work, const StaticManifest& switched, std::string path) {
  const std::string& bucket = work.keys.target.bucket;
  const std::string key = work.keys.file(path);
  const std::string from = work.keys.backup(work.deployment, path);
  PAWL_CO_TRY(auto kept, co_await work.store.head(bucket, from));
  PAWL_CO_TRY(auto current, co_await work.store.head(bucket, key));
  if (!kept) co_return Error(ErrorKind::not_found, fmt::format("s3://{}/{} is gone", bucket, from));
  const bool is_restored = was_absent(*kept) ? !current : current && same_object(*current, *kept);
  if (is_restored) {
    ++work.result.unchanged;
    co_return ok();
  }
  if (current && !is_ours(*current, switched, path)) {
    work.changed_by_others.push_back(path);
    co_return ok();
  }
  if (was_absent(*kept)) {
    PAWL_CO_CHECK(co_await guard(work.before_change));
    // Only what was looked at: between the look and the deletion somebody may put another.
    auto removed = co_await work.store.remove(bucket, key, current->etag);
    if (!removed.ok() && removed.error().kind() == ErrorKind::conflict) {
      work.changed_by_others.push_back(path);
      co_return ok();
    }
    if (!removed.ok()) co_return std::move(removed).error();
    ++work.result.removed;
    co_return ok();
  }
  ObjectInfo wanted = *kept;
  wanted.key = key;
  PAWL_CO_CHECK(co_await replace(work, from, wanted, current));
  ++work.result.uploaded;
  work.result.bytes += wanted.size;
  co_return ok();
}

}  // namespace

Task<Result<std::vector<std::string>>> switched_paths(ObjectStore& store, StaticTarget target,
                                                      std::string deployment) {
  const std::string folder = StaticKeys{target}.backup(deployment, "");
  PAWL_CO_TRY(const auto backups, co_await store.list(target.bucket, folder, kEveryObject));
  std::vector<std::string> paths;
  for (const auto& each : backups) paths.push_back(each.key.substr(folder.size()));
  std::sort(paths.begin(), paths.end());
  co_return paths;
}

Task<Result<SyncResult>> restore_mutable_files(ObjectStore& store, StaticTarget target,
                                               std::string deployment, BeforeChange before_change) {
  Work work{store, StaticKeys{target}, deployment, std::move(before_change), {}, {}};
  PAWL_CO_TRY(const auto switched, co_await read_manifest_object(
                                       store, target.bucket, work.keys.backup_index(deployment)));
  if (!switched) co_return work.result;  // nothing was switched
  const std::string folder = work.keys.backup(deployment, "");
  PAWL_CO_TRY(const auto paths, co_await switched_paths(store, target, deployment));
  PAWL_CO_CHECK(co_await for_each_index(paths.size(), kTransfersAtOnce, [&](size_t i) {
    return restore_one(work, *switched, paths[i]);
  }));
  if (!work.changed_by_others.empty()) {
    std::sort(work.changed_by_others.begin(), work.changed_by_others.end());
    co_return Error(ErrorKind::conflict,
                    fmt::format("{} static files were changed by someone else meanwhile and left "
                                "as they are, {} among them",
                                work.changed_by_others.size(), work.changed_by_others.front()))
        .with_hint(fmt::format("what they were lies under s3://{}/{}", target.bucket, folder));
  }
  co_return work.result;
}

}  // namespace pawl
