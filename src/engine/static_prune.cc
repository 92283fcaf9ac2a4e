// Taking away what no release that counts names any more.
#include <set>

#include "engine/parallel.h"
#include "engine/static_bucket.h"
#include "engine/static_site.h"

namespace pawl {
namespace {

std::vector<std::string> keys_of(const StaticKeys& keys, const StaticManifest& manifest) {
  std::vector<std::string> named;
  for (const auto& file : manifest.files) {
    named.push_back(keys.file(file.path));
    if (!file.is_immutable) named.push_back(keys.content(file.sha256));
  }
  return named;
}

// "<deployment>" of a key under .pawl/backup/.
std::string deployment_of(std::string_view rest) {
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) return std::string(rest.substr(0, slash));
  return std::string(rest.substr(0, rest.rfind(".json")));
}

}  // namespace

Task<Result<SyncResult>> prune_releases(ObjectStore& store, StaticTarget target,
                                        std::vector<std::string> keep,
                                        std::vector<std::string> keep_backups_of,
                                        BeforeChange before_change) {
  const StaticKeys keys{target};
  const std::string releases = keys.own("releases/");
  const std::string backups = keys.own("backup/");
  const std::set<std::string> kept_digests(keep.begin(), keep.end());
  const std::set<std::string> kept_backups(keep_backups_of.begin(), keep_backups_of.end());
  PAWL_CO_TRY(const auto listing, co_await list_target(store, target));
  std::set<std::string> named;  // by releases that stay
  std::set<std::string> candidates;
  std::vector<std::string> dropped_manifests;
  for (const auto& [key, info] : listing) {
    if (key.rfind(backups, 0) == 0 &&
        kept_backups.count(deployment_of(std::string_view(key).substr(backups.size()))) == 0)
      candidates.insert(key);
    if (key.rfind(releases, 0) != 0) continue;
    const std::string digest = deployment_of(std::string_view(key).substr(releases.size()));
    PAWL_CO_TRY(auto manifest, co_await read_manifest_object(store, target.bucket, key));
    if (!manifest) continue;
    const bool stays = kept_digests.count(digest) > 0;
    for (auto& each : keys_of(keys, *manifest))
      (stays ? named : candidates).insert(std::move(each));
    if (!stays) dropped_manifests.push_back(key);
  }
  // A record that names what goes away would be believed.
  if (listing.count(keys.uploaded()) > 0) {
    auto record = co_await read_manifest_object(store, target.bucket, keys.uploaded());
    if (!record.ok() && record.error().kind() != ErrorKind::corrupt)
      co_return std::move(record).error();
    const bool stays = record.ok() && *record && kept_digests.count((*record)->digest()) > 0;
    if (!stays) {
      PAWL_CO_CHECK(co_await guard(before_change));
      PAWL_CO_CHECK(
          co_await store.remove(target.bucket, keys.uploaded(), listing.at(keys.uploaded()).etag));
    }
  }
  std::vector<std::string> doomed;
  for (const auto& key : candidates)
    if (named.count(key) == 0 && listing.count(key) > 0) doomed.push_back(key);
  SyncResult result;
  const auto remove_one = [&](std::string key) -> Task<Result<void>> {
    PAWL_CO_CHECK(co_await guard(before_change));
    auto removed = co_await store.remove(target.bucket, key, listing.at(key).etag);
    // Something else by now: whoever put it there wants it.
    if (!removed.ok() && removed.error().kind() == ErrorKind::conflict) co_return ok();
    if (!removed.ok()) co_return std::move(removed).error();
    ++result.removed;
    co_return ok();
  };
  PAWL_CO_CHECK(co_await for_each_index(doomed.size(), kTransfersAtOnce,
                                        [&](size_t i) { return remove_one(doomed[i]); }));
  // Last: a manifest that is still there tells what is left to delete.
  PAWL_CO_CHECK(co_await for_each_index(dropped_manifests.size(), kTransfersAtOnce, [&](size_t i) {
    return remove_one(dropped_manifests[i]);
  }));
  co_return result;
}

}  // namespace pawl
