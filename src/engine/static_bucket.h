// How the static files of releases lie in a bucket: names of keys, whether content is there,
// changes made one by one behind their guard. Shared by static_site.cc and static_sync.cc.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/static_site.h"

namespace pawl {

constexpr size_t kTransfersAtOnce = 16;
/// Larger mutable files are copied within the bucket instead of through our memory, of which as
/// many as there are transfers at once may lie there.
constexpr uint64_t kMaxInMemory = 8u << 20;

struct StaticKeys {
  StaticTarget target;

  std::string file(std::string_view path) const;
  std::string own(std::string_view rest) const;  // under .pawl/
  std::string uploaded() const;                  // the record of the last upload
  /// Where the content of a release's file lies: itself when immutable, else under .pawl/content/.
  std::string body(const StaticFile& of) const;
  std::string release(std::string_view digest) const;
  std::string content(std::string_view sha256) const;
  std::string backup_index(std::string_view deployment) const;
  std::string backup(std::string_view deployment, std::string_view path) const;
};

/// What is under the target's prefix, by key.
using Listing = std::map<std::string, ObjectInfo>;
Task<Result<Listing>> list_target(ObjectStore& store, StaticTarget target);

/// From what a listing or a HEAD says; no value: it cannot be told from that (the bucket encrypts
/// with a key of its own, or another tool uploaded in other parts).
std::optional<bool> holds_content(const ObjectInfo& there, const StaticFile& file);
/// The same, asking with HEAD where the listing does not tell.
Task<Result<bool>> has_content(ObjectStore& store, std::string bucket, ObjectInfo listed,
                               StaticFile file);

/// Content and headers, by what HEAD said.
bool is_as_wanted(const ObjectInfo& there, const StaticFile& file);

/// HTML refers to everything else, hence goes last.
bool is_page(const StaticFile& file);

Task<Result<void>> guard(const BeforeChange& before_change);

/// Reads .json under .pawl/ as a manifest; no value when there is none.
Task<Result<std::optional<StaticManifest>>> read_manifest_object(ObjectStore& store,
                                                                 std::string bucket,
                                                                 std::string key);
Task<Result<void>> write_manifest_object(ObjectStore& store, std::string bucket, std::string key,
                                         StaticManifest manifest);

}  // namespace pawl
