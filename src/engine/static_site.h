// Static files of a release in a bucket: new ones first, mutable ones switched last, nothing
// deleted that a live or the previous release names, and what was overwritten restored on rollback.
//
// In the bucket, beside the files and under their prefix, Pawl keeps
//   .pawl/releases/<manifest digest>.json   what a release consists of (StaticManifest)
//   .pawl/content/<sha256>                  the bodies of a release's mutable files, so that going
//                                           forward or back needs no directory at hand
//   .pawl/uploaded.json                     what the last upload left, with ETags: read instead of
//   a
//                                           listing of everything (engine/static_record.h)
//   .pawl/backup/<deployment>.json          what a deployment puts in the place of which files
//   .pawl/backup/<deployment>/<path>        mutable files as they were before a deployment; one of
//                                           type kAbsentType stands for a file that was not there
// so that whoever takes up a deployment after a crash finds what it needs there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/task.h"
#include "engine/ports/object_store.h"

namespace pawl {

struct StaticFile {
  std::string path;  // relative to the directory, "/" between parts; the key is prefix + path
  uint64_t size = 0;
  std::string sha256;  // hex
  std::string content_type;
  std::string cache_control;
  bool is_immutable = false;  // its name changes with its content
  /// "br" or "gzip" when the file holds another one's content in that form; else empty.
  std::string content_encoding;
  /// What a bucket says of such content when Pawl uploaded it; empty: not known. No part of the
  /// manifest's digest.
  std::string etag;
  bool operator==(const StaticFile&) const = default;
};

/// What a release consists of; sorted by path.
struct StaticManifest {
  std::vector<StaticFile> files;
  /// Hex sha256 over the files' paths, hashes and headers.
  std::string digest() const;
};
json::object to_json(const StaticManifest& manifest);
Result<StaticManifest> static_manifest_from_json(const json::object& object);

/// One line of static.cache: what matches gets these headers. The first that matches counts.
struct CacheRule {
  std::string match;    // a glob
  std::string control;  // the Cache-Control header
  bool operator==(const CacheRule&) const = default;
};

/// What is made of the files of a directory.
struct StaticRules {
  std::vector<std::string> immutable;  // globs
  std::vector<CacheRule> cache;
  std::vector<std::string> compress;  // "br", "gzip": beside each file that gains from it
};
/// {immutable, cache, compress}, as a plan's step has them.
StaticRules static_rules_from(const json::object& params);
/// Type, caching and immutability of the file at `file.path`, as the rules have it.
void apply_rules(const StaticRules& rules, StaticFile& file);

/// `path` of the file that holds the same in that form: "app.js" and "br" give "app.js.br".
std::string variant_path(std::string_view path, std::string_view encoding);
/// Of a variant, as StaticFile::path of a file with a content_encoding: the file that it is of.
std::string variant_of(const StaticFile& file);

/// The directory of assets: reading files is I/O, so it is behind a port.
class StaticFiles {
 public:
  virtual ~StaticFiles() = default;
  /// Hashes every file and makes the variants; never follows a symlink out of the directory.
  virtual Task<Result<StaticManifest>> scan(std::string directory, StaticRules rules) = 0;
  /// The path to stream it from; of a file that the last scan of that directory found.
  virtual std::string path_of(const std::string& directory, const StaticFile& file) const = 0;
};

/// Whether a key may be made of it: relative, UTF-8 without control characters, no "." or ".." or
/// empty part, not Pawl's own.
bool is_safe_path(std::string_view path);

constexpr std::string_view kImmutableCaching = "public,max-age=31536000,immutable";
constexpr std::string_view kMutableCaching = "no-cache";
constexpr std::string_view kOwnFolder = ".pawl/";
constexpr std::string_view kAbsentType = "application/vnd.pawl.absent";

/// "*", "**", "?" and [sets] against a path with "/".
bool glob_matches(std::string_view glob, std::string_view path);
std::string content_type_for(std::string_view path);

struct StaticTarget {
  std::string bucket;
  std::string prefix;  // "static/" or empty
};

struct SyncResult {
  int uploaded = 0;
  int unchanged = 0;
  uint64_t bytes = 0;
  int removed = 0;
  std::vector<std::string> notes = {};  // what a person should know of the bucket
};
/// Called before each request that changes the world; an Error stops the upload.
using BeforeChange = std::function<Task<Result<void>>()>;
using SyncProgress = std::function<void(uint64_t done, uint64_t total)>;

/// Uploads the immutable files that are not there yet, the bodies of the mutable ones under
/// .pawl/content/ and the release's manifest object; changes nothing that anyone is served.
Task<Result<SyncResult>> upload_new_files(ObjectStore& store, StaticFiles& files,
                                          StaticTarget target, std::string directory,
                                          StaticManifest manifest, BeforeChange before_change,
                                          SyncProgress progress);

/// The manifest that an earlier release left; not_found when there is none.
Task<Result<StaticManifest>> read_release_manifest(ObjectStore& store, StaticTarget target,
                                                   std::string manifest_digest);

/// Puts the mutable files in their place (from .pawl/content/, so an earlier release's as well);
/// each one that differs is first kept under .pawl/backup/<deployment>/ (absence is kept too), so
/// that restore can put it back.
Task<Result<SyncResult>> switch_mutable_files(ObjectStore& store, StaticTarget target,
                                              StaticManifest manifest, std::string deployment,
                                              BeforeChange before_change);

/// The paths of the files that `deployment` has switched, or begun to; sorted.
Task<Result<std::vector<std::string>>> switched_paths(ObjectStore& store, StaticTarget target,
                                                      std::string deployment);

/// What upload_new_files and switch_mutable_files would do now; reads only.
struct StaticPreview {
  std::vector<StaticFile> uploads;   // new files
  std::vector<StaticFile> switches;  // files with fixed names that differ or are not there yet
  uint64_t bytes = 0;                // of both
  int unchanged = 0;
  std::vector<std::string> notes;
};
Task<Result<StaticPreview>> preview_static(ObjectStore& store, StaticTarget target,
                                           StaticManifest manifest);

/// Puts every mutable file back as the backup of `deployment` has it. Safe to repeat, and when
/// nothing or half was switched.
Task<Result<SyncResult>> restore_mutable_files(ObjectStore& store, StaticTarget target,
                                               std::string deployment, BeforeChange before_change);

/// Deletes what only releases other than `keep` (manifest digests) name, their manifests, and the
/// backups of deployments other than `keep_backups_of`. Never a file that a kept release names.
Task<Result<SyncResult>> prune_releases(ObjectStore& store, StaticTarget target,
                                        std::vector<std::string> keep,
                                        std::vector<std::string> keep_backups_of,
                                        BeforeChange before_change);

/// True when every file of the manifest is there with its content (by recorded sha256 or etag).
Task<Result<bool>> is_in_place(ObjectStore& store, StaticTarget target, StaticManifest manifest,
                               bool mutable_files_too);

}  // namespace pawl
