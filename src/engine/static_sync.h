// `pawl sync`: a bucket made to hold what a directory holds, without a deployment around it.
// Decided first, as data that can be shown; carried out in an order in which a page never refers to
// what is not there yet.
//
// .pawl/sync.json remembers what was synced, with which headers and ETags, so that an unchanged
// directory costs a read and the beginning of a listing (engine/static_record.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/static_site.h"

namespace pawl {

struct SyncOptions {
  bool remove_others = false;        // --delete
  bool looks_at_everything = false;  // --verify: lists the bucket whatever the record says
  /// Called after the last upload and deletion with the paths that visitors may have older copies
  /// of, before the sync is recorded: one that is broken off here calls it again.
  std::function<Task<Result<void>>(std::vector<std::string>)> after_changes = {};
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
  std::vector<std::string> replaced;  // paths of which something older was served
  int unchanged = 0;
  uint64_t bytes = 0;
  bool is_recorded = false;  // .pawl/sync.json says the same already
  std::vector<std::string> notes = {};

  size_t upload_count() const;
};

Task<Result<SyncPlan>> plan_sync(ObjectStore& store, StaticTarget target, StaticManifest manifest,
                                 SyncOptions options);

Task<Result<SyncResult>> carry_out_sync(ObjectStore& store, StaticFiles& files, StaticTarget target,
                                        std::string directory, SyncPlan plan, SyncOptions options,
                                        SyncProgress progress);

}  // namespace pawl
