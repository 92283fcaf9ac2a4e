#include "engine/static_record.h"

#include <fmt/format.h>

#include "engine/parallel.h"

namespace pawl {
namespace {

struct Disagreement {
  size_t gone = 0;
  size_t changed = 0;
  std::string example;
  bool is_none() const { return gone + changed == 0; }
};

// What the record says of keys up to `last`, which the listing covers.
Disagreement compare(const Recorded& recorded, const Listing& listed, const std::string& last) {
  Disagreement found;
  for (size_t i = 0; i < recorded.keys.size(); ++i) {
    if (recorded.keys[i] > last) continue;
    const StaticFile& file = recorded.manifest.files[i];
    const auto there = listed.find(recorded.keys[i]);
    const bool is_gone = there == listed.end();
    const bool is_changed = !is_gone && (there->second.size != file.size ||
                                         (!file.etag.empty() && there->second.etag != file.etag));
    if (is_gone) ++found.gone;
    if (is_changed) ++found.changed;
    if ((is_gone || is_changed) && found.example.empty()) found.example = recorded.keys[i];
  }
  return found;
}

// An ETag that Pawl was given for a content still stands for that content, whatever kind it is:
// with a key of KMS it is no MD5, and the listing alone would tell nothing.
void add_what_is_known(const Recorded& recorded, Listing& listed) {
  for (size_t i = 0; i < recorded.keys.size(); ++i) {
    const StaticFile& file = recorded.manifest.files[i];
    const auto there = listed.find(recorded.keys[i]);
    if (there == listed.end() || file.etag.empty() || there->second.etag != file.etag) continue;
    there->second.sha256 = file.sha256;
  }
}

void add_beyond(const Recorded& recorded, const std::string& last, Listing& listed) {
  for (size_t i = 0; i < recorded.keys.size(); ++i) {
    if (recorded.keys[i] <= last) continue;
    const StaticFile& file = recorded.manifest.files[i];
    ObjectInfo info;
    info.key = recorded.keys[i];
    info.size = file.size;
    info.etag = file.etag;
    info.sha256 = file.sha256;
    listed.emplace(recorded.keys[i], std::move(info));
  }
}

Listing by_key(std::vector<ObjectInfo> objects) {
  Listing listing;
  for (auto& object : objects) {
    std::string key = object.key;
    listing.emplace(std::move(key), std::move(object));
  }
  return listing;
}

Task<Result<void>> ask_one(ObjectStore& store, const std::string& bucket, std::string key,
                           Listing& there) {
  PAWL_CO_TRY(auto found, co_await store.head(bucket, key));
  if (found) there.insert_or_assign(std::move(key), *std::move(found));
  co_return ok();
}

std::string in_words(const Disagreement& found, const StaticTarget& target) {
  return fmt::format(
      "s3://{}/{} is not as the last upload left it (somebody changed it, or an upload was broken "
      "off): {} objects are gone and {} are others, {} among them; everything was looked at again",
      target.bucket, target.prefix, found.gone, found.changed, found.example);
}

}  // namespace

Task<Result<std::optional<StaticManifest>>> read_record(ObjectStore& store, std::string bucket,
                                                        std::string key, std::string& damage) {
  auto found = co_await read_manifest_object(store, std::move(bucket), std::move(key));
  if (!found.ok() && found.error().kind() == ErrorKind::corrupt) {
    damage = found.error().message();
    co_return std::optional<StaticManifest>();
  }
  co_return found;
}

Task<Result<BucketLook>> look_at_bucket(ObjectStore& store, StaticTarget target,
                                        std::vector<std::string> wanted,
                                        std::optional<Recorded> recorded, std::string damage,
                                        Look look) {
  BucketLook result;
  if (!damage.empty()) result.notes.push_back(damage + "; everything was looked at instead");
  const bool is_quick = look == Look::quick && recorded.has_value();
  const size_t limit = is_quick ? kListedKeys : kEveryObject;
  PAWL_CO_TRY(auto objects, co_await store.list(target.bucket, target.prefix, limit));
  result.is_complete = objects.size() < limit;
  const std::string last = result.is_complete ? std::string(1, '\xFF') : objects.back().key;
  result.there = by_key(std::move(objects));
  if (!recorded) co_return result;
  result.recorded = recorded->manifest.digest();

  const Disagreement found = compare(*recorded, result.there, last);
  if (!found.is_none()) result.notes.push_back(in_words(found, target));
  std::vector<std::string> unknown;
  if (!result.is_complete) {
    if (found.is_none()) add_beyond(*recorded, last, result.there);
    for (const auto& key : wanted)
      if (key > last && result.there.count(key) == 0) unknown.push_back(key);
  }
  const bool lists_all = !result.is_complete && (!found.is_none() || unknown.size() > kAskedKeys);
  if (lists_all) {
    PAWL_CO_TRY(auto all, co_await store.list(target.bucket, target.prefix, kEveryObject));
    result.there = by_key(std::move(all));
    result.is_complete = true;
  } else {
    const auto ask = [&](size_t i) {
      return ask_one(store, target.bucket, unknown[i], result.there);
    };
    PAWL_CO_CHECK(co_await for_each_index(unknown.size(), kTransfersAtOnce, ask));
  }
  add_what_is_known(*recorded, result.there);
  co_return result;
}

}  // namespace pawl
