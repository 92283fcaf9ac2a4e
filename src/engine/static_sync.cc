#include "engine/static_sync.h"

#include <fmt/format.h>

#include <set>
#include <unordered_map>

#include "engine/parallel.h"
#include "engine/static_bucket.h"
#include "engine/static_record.h"

namespace pawl {
namespace {

using ByPath = std::unordered_map<std::string, StaticFile>;

std::string record_key(const StaticKeys& keys) {
  return keys.own("sync.json");
}

ByPath by_path(const StaticManifest& manifest) {
  ByPath files;
  for (const auto& file : manifest.files) files.emplace(file.path, file);
  return files;
}

bool same_headers(const StaticFile& a, const StaticFile& b) {
  return a.content_type == b.content_type && a.cache_control == b.cache_control &&
         a.content_encoding == b.content_encoding;
}

// Content by the listing, headers by the record of the last sync; what these do not tell is asked.
Task<Result<bool>> is_unchanged(ObjectStore& store, std::string bucket, ObjectInfo listed,
                                const StaticFile& file, const ByPath& recorded) {
  const auto content = holds_content(listed, file);
  if (content == false) co_return false;
  const auto known = recorded.find(file.path);
  if (content == true && known != recorded.end() && known->second.sha256 == file.sha256)
    co_return same_headers(known->second, file);
  PAWL_CO_TRY(auto there, co_await store.head(bucket, listed.key));
  co_return there&& holds_content(*there, file).value_or(false) &&
      there->content_type == file.content_type && there->cache_control == file.cache_control &&
      there->content_encoding == file.content_encoding;
}

struct Comparison {
  ObjectStore& store;
  StaticKeys keys;
  const StaticManifest& manifest;
  const Listing& listing;
  const ByPath& recorded;
  std::vector<bool> unchanged;
};

Task<Result<void>> compare_one(Comparison& comparison, size_t index) {
  const StaticFile& file = comparison.manifest.files[index];
  const auto found = comparison.listing.find(comparison.keys.file(file.path));
  if (found == comparison.listing.end()) co_return ok();
  PAWL_CO_TRY(const bool same,
              co_await is_unchanged(comparison.store, comparison.keys.target.bucket, found->second,
                                    file, comparison.recorded));
  comparison.unchanged[index] = same;
  co_return ok();
}

// Keys that manifests of releases in the bucket name.
Task<Result<std::set<std::string>>> named_by_releases(ObjectStore& store, StaticKeys keys,
                                                      const Listing& listing) {
  std::set<std::string> named;
  const std::string releases = keys.own("releases/");
  for (auto at = listing.lower_bound(releases);
       at != listing.end() && at->first.rfind(releases, 0) == 0; ++at) {
    PAWL_CO_TRY(auto manifest, co_await read_manifest_object(store, keys.target.bucket, at->first));
    if (!manifest) continue;
    for (const auto& file : manifest->files) named.insert(keys.file(file.path));
  }
  co_return named;
}

Task<Result<void>> plan_removals(ObjectStore& store, StaticKeys keys, const Listing& listing,
                                 const ByPath& recorded, SyncPlan& plan) {
  PAWL_CO_TRY(const auto named, co_await named_by_releases(store, keys, listing));
  const auto wanted = by_path(plan.manifest);
  const std::string own = keys.own("");
  for (const auto& [key, info] : listing) {
    if (key.rfind(own, 0) == 0) continue;
    const std::string path = key.substr(keys.target.prefix.size());
    if (wanted.count(path) > 0) continue;
    const auto before = recorded.find(path);
    const bool of_last_sync = before != recorded.end() && before->second.is_immutable;
    if (of_last_sync || named.count(key) > 0) {
      plan.kept.push_back(key);
    } else {
      plan.removals.push_back(info);
    }
  }
  co_return ok();
}

}  // namespace

size_t SyncPlan::upload_count() const {
  size_t count = 0;
  for (const auto& group : uploads) count += group.size();
  return count;
}

Task<Result<SyncPlan>> plan_sync(ObjectStore& store, StaticTarget target, StaticManifest manifest,
                                 SyncOptions options) {
  const StaticKeys keys{target};
  std::string damage;
  PAWL_CO_TRY(auto found, co_await read_record(store, target.bucket, record_key(keys), damage));
  const StaticManifest last = found ? *std::move(found) : StaticManifest{};
  std::optional<Recorded> record;
  if (!last.files.empty()) {
    record.emplace();
    record->manifest = last;
    for (const auto& file : last.files) record->keys.push_back(keys.file(file.path));
  }
  std::vector<std::string> wanted;
  for (const auto& file : manifest.files) wanted.push_back(keys.file(file.path));
  const Look look =
      options.remove_others || options.looks_at_everything ? Look::everything : Look::quick;
  PAWL_CO_TRY(auto bucket, co_await look_at_bucket(store, target, std::move(wanted),
                                                   std::move(record), std::move(damage), look));
  const Listing& listing = bucket.there;
  const ByPath recorded = by_path(last);
  SyncPlan plan;
  plan.manifest = std::move(manifest);
  plan.uploads.resize(3);
  plan.notes = bucket.notes;
  Comparison comparison{store,   keys,     plan.manifest,
                        listing, recorded, std::vector<bool>(plan.manifest.files.size())};
  PAWL_CO_CHECK(co_await for_each_index(
      plan.manifest.files.size(), options.at_once,
      [&comparison](size_t index) { return compare_one(comparison, index); }));
  // An earlier sync that was broken off may have replaced it, and told nobody.
  const auto is_recorded_otherwise = [&recorded](const StaticFile& file) {
    const auto known = recorded.find(file.path);
    return known != recorded.end() &&
           (known->second.sha256 != file.sha256 || !same_headers(known->second, file));
  };
  for (size_t i = 0; i < plan.manifest.files.size(); ++i) {
    const StaticFile& file = plan.manifest.files[i];
    if (is_recorded_otherwise(file)) plan.replaced.push_back(file.path);
    if (comparison.unchanged[i]) {
      plan.manifest.files[i].etag = listing.at(keys.file(file.path)).etag;
      ++plan.unchanged;
      continue;
    }
    const bool is_there = listing.count(keys.file(file.path)) > 0;
    if (is_there && !is_recorded_otherwise(file)) plan.replaced.push_back(file.path);
    const bool is_new = file.is_immutable || !is_there;
    plan.uploads[is_page(file) ? 2 : is_new ? 0 : 1].push_back(file);
    plan.bytes += file.size;
  }
  if (options.remove_others)
    PAWL_CO_CHECK(co_await plan_removals(store, keys, listing, recorded, plan));
  for (const auto& each : plan.removals)
    plan.replaced.push_back(each.key.substr(target.prefix.size()));
  // Deleted by a sync that was broken off.
  const ByPath files = by_path(plan.manifest);
  for (const auto& file : last.files)
    if (options.remove_others && files.count(file.path) == 0 &&
        listing.count(keys.file(file.path)) == 0)
      plan.replaced.push_back(file.path);
  plan.is_recorded = last.files == plan.manifest.files && !last.files.empty();
  co_return plan;
}

namespace {

struct Uploading {
  ObjectStore& store;
  StaticFiles& files;
  StaticKeys keys;
  std::string directory;
  SyncProgress progress;
  uint64_t bytes_total;
  SyncResult result;
  std::map<std::string, std::string> etags;  // by path, of what was uploaded
};

Task<Result<void>> upload_one(Uploading& uploading, const StaticFile& file) {
  PutRequest request;
  request.bucket = uploading.keys.target.bucket;
  request.key = uploading.keys.file(file.path);
  request.body = FileOnDisk{uploading.files.path_of(uploading.directory, file), file.size};
  request.content_type = file.content_type;
  request.cache_control = file.cache_control;
  request.sha256 = file.sha256;
  request.content_encoding = file.content_encoding;
  auto put = co_await uploading.store.put(std::move(request));
  if (!put.ok())
    co_return std::move(put).while_doing(fmt::format("uploading {}", file.path)).error();
  ++uploading.result.uploaded;
  uploading.etags[file.path] = put->etag;
  uploading.result.bytes += file.size;
  if (uploading.progress) uploading.progress(uploading.result.bytes, uploading.bytes_total);
  co_return ok();
}

Task<Result<void>> remove_one(Uploading& uploading, const ObjectInfo& seen) {
  auto removed = co_await uploading.store.remove(uploading.keys.target.bucket, seen.key, seen.etag);
  if (!removed.ok() && removed.error().kind() == ErrorKind::conflict)
    co_return std::move(removed)
        .while_doing(fmt::format("deleting {}, which someone changed meanwhile", seen.key))
        .error();
  if (!removed.ok()) co_return std::move(removed).error();
  ++uploading.result.removed;
  co_return ok();
}

}  // namespace

Task<Result<SyncResult>> carry_out_sync(ObjectStore& store, StaticFiles& files, StaticTarget target,
                                        std::string directory, SyncPlan plan, SyncOptions options,
                                        SyncProgress progress) {
  Uploading uploading{store, files, StaticKeys{target}, std::move(directory), progress, plan.bytes,
                      {},    {}};
  uploading.result.unchanged = plan.unchanged;
  uploading.result.notes = plan.notes;
  for (const auto& group : plan.uploads)
    PAWL_CO_CHECK(co_await for_each_index(
        group.size(), options.at_once, [&](size_t i) { return upload_one(uploading, group[i]); }));
  PAWL_CO_CHECK(co_await for_each_index(plan.removals.size(), options.at_once, [&](size_t i) {
    return remove_one(uploading, plan.removals[i]);
  }));
  if (options.after_changes && !plan.replaced.empty())
    PAWL_CO_CHECK(co_await options.after_changes(plan.replaced));
  if (plan.is_recorded) co_return uploading.result;
  for (auto& file : plan.manifest.files)
    if (const auto sent = uploading.etags.find(file.path); sent != uploading.etags.end())
      file.etag = sent->second;
  PAWL_CO_CHECK(co_await write_manifest_object(store, target.bucket, record_key(uploading.keys),
                                               plan.manifest));
  co_return uploading.result;
}

}  // namespace pawl
