// What `pawl sync DIR s3://BUCKET/PREFIX` does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/globals.h"
#include "engine/static_sync.h"
#include "net/loop.h"

namespace pawl {

struct SyncRequest {
  std::string directory;
  std::string target;                  // s3://BUCKET/PREFIX
  std::vector<std::string> immutable;  // globs
  std::string cache_control;           // of the files that are not immutable; empty: no-cache
  bool dry_run = false;
  bool remove_others = false;
  int jobs = 16;
};

/// "s3://bucket/some/prefix" -> {bucket, "some/prefix/"}.
Result<StaticTarget> parse_s3_url(std::string_view url);

struct SyncReport {
  SyncPlan plan;
  SyncResult result;  // all zero after a dry run, but for `unchanged`
};
Task<Result<SyncReport>> sync(ObjectStore& store, StaticFiles& files, SyncRequest request,
                              SyncProgress progress);

/// Runs it against the S3 that the variables name.
Task<Result<SyncReport>> sync_to_s3(Loop& loop, ProcessEnvironment environment, SyncRequest request,
                                    SyncProgress progress);

}  // namespace pawl
