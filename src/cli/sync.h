// What `pawl sync DIR s3://BUCKET/PREFIX` does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/globals.h"
#include "engine/static_cdn.h"
#include "engine/static_sync.h"
#include "net/loop.h"

namespace pawl {

struct SyncRequest {
  std::string directory;
  std::string target;                  // s3://BUCKET/PREFIX
  std::vector<std::string> immutable;  // globs
  std::string cache_control;           // of the files that are not immutable; empty: no-cache
  std::vector<std::string> cache;     // "GLOB=CONTROL"; the first that matches wins over the others
  std::vector<std::string> compress;  // "br", "gzip"
  std::string distribution;           // CloudFront's that is told what was replaced; empty: none
  std::string served_at;              // where it serves the prefix; empty: "/" and the prefix
  bool wait = false;                  // until CloudFront has forgotten everywhere
  bool verify = false;
  bool dry_run = false;
  bool remove_others = false;
  int jobs = 16;
};

/// "s3://bucket/some/prefix" -> {bucket, "some/prefix/"}.
Result<StaticTarget> parse_s3_url(std::string_view url);

struct SyncReport {
  SyncPlan plan;
  SyncResult result;         // all zero after a dry run, but for `unchanged`
  std::string invalidation;  // CloudFront's id of it, when it was told
};
struct SyncPorts {
  ObjectStore& store;
  StaticFiles& files;
  Cdn& cdn;
  Clock& clock;
};
Task<Result<SyncReport>> sync(SyncPorts ports, SyncRequest request, SyncProgress progress);

/// Runs it against the S3 that the variables name. Compressed variants are kept in `cache_folder`.
Task<Result<SyncReport>> sync_to_s3(Loop& loop, ProcessEnvironment environment, SyncRequest request,
                                    std::string cache_folder, SyncProgress progress);

}  // namespace pawl
