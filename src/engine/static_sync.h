// `pawl sync`: a bucket made to hold what a directory holds, without a deployment around it.
// Decided first, as data that can be shown; carried out in an order in which a page never refers to
// what is not there yet.
//
// .pawl/sync.json remembers what was synced with which headers, so that an unchanged directory
// costs one listing and one read.
#pragma once

#include <string>
#include <vector>

#include "engine/static_site.h"

namespace pawl {

struct SyncOptions {
  bool remove_others = false;  // --delete
  size_t at_once = 16;
};

struct SyncPlan {
  StaticManifest manifest;
  /// Uploaded one group after the other: what nothing refers to yet (new or immutable), what is
  /// overwritten, pages.
  std::vector<std::vector<StaticFile>> uploads;
  std::vector<ObjectInfo> removals;  // as they were seen: only those are deleted
  /// Keys that --delete would have removed, but that a release or (immutable ones) the sync before
  /// names: a page that is still open loads them.
  std::vector<std::string> kept;
  int unchanged = 0;
  uint64_t bytes = 0;
  bool is_recorded = false;  // .pawl/sync.json says the same already

  size_t upload_count() const;
};

Task<Result<SyncPlan>> plan_sync(ObjectStore& store, StaticTarget target, StaticManifest manifest,
                                 SyncOptions options);

Task<Result<SyncResult>> carry_out_sync(ObjectStore& store, StaticFiles& files, StaticTarget target,
                                        std::string directory, SyncPlan plan, SyncOptions options,
                                        SyncProgress progress);

}  // namespace pawl
