// Amazon S3 as plain state: buckets, objects with their metadata, conditional writes, listings,
// multipart uploads. Bodies lie in a BlobStore. Not modelled: versions of objects, access lists,
// encryption. https://docs.aws.amazon.com/AmazonS3/latest/API/
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cloud/blob_store.h"
#include "sim/cloud/common.h"

namespace pawl::cloud {

struct S3Settings {
  /// Every part but the last has at least so many bytes.
  uint64_t min_part_bytes = 5u << 20;
};

/// What is kept beside the body and given back as headers.
struct ObjectMetadata {
  std::string content_type = "binary/octet-stream";
  std::map<std::string, std::string> system;     // "cache-control", "content-encoding", ...
  std::map<std::string, std::string> user;       // without "x-amz-meta-"
  std::map<std::string, std::string> checksums;  // "crc32", "sha256" -> base64
  bool operator==(const ObjectMetadata&) const = default;
};

struct Object {
  std::string key;
  Blob blob;
  std::string etag;  // without quotes; of a multipart upload "<md5>-<parts>"
  ObjectMetadata metadata;
  WallTime last_modified;
};

/// Conditions of a write or a read; empty: none. ETags without quotes.
struct Conditions {
  std::string if_match;
  bool if_none_match_any = false;  // If-None-Match: *
};

struct Bucket {
  std::string name;
  WallTime created;
};

struct ListQuery {
  std::string bucket;
  std::string prefix;
  std::string delimiter;
  std::string after;       // start-after, marker, or what a continuation token stands for
  size_t max_keys = 1000;  // at most 1000
};

struct Listing {
  std::vector<Object> objects;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next;  // the last key or common prefix: `after` of the next page
};

struct Part {
  int number = 0;
  Blob blob;
  WallTime last_modified;
};

struct Upload {
  std::string id;
  std::string bucket;
  std::string key;
  ObjectMetadata metadata;
  WallTime initiated;
  std::map<int, Part> parts;
};

struct CompletedPart {
  int number = 0;
  std::string etag;
};

class S3 {
 public:
  S3(S3Settings settings, IdSource& ids, Ledger& ledger, BlobStore& blobs)
      : settings_(settings), ids_(ids), ledger_(ledger), blobs_(blobs) {}

  Result<void> create_bucket(const std::string& name, WallTime now);
  Result<void> delete_bucket(const std::string& name, WallTime now);
  Result<void> check_bucket(const std::string& name) const;
  std::vector<Bucket> buckets() const;

  /// Takes the blob over, also when it fails (then it is removed).
  Result<Object> put(const std::string& bucket, const std::string& key, Blob blob,
                     ObjectMetadata metadata, const Conditions& conditions, WallTime now);
  Result<Object> head(const std::string& bucket, const std::string& key) const;
  /// `metadata` replaces the source's when given.
  Result<Object> copy(const std::string& from_bucket, const std::string& from_key,
                      const std::string& bucket, const std::string& key,
                      std::optional<ObjectMetadata> metadata, const Conditions& conditions,
                      WallTime now);
  Result<void> remove(const std::string& bucket, const std::string& key,
                      const Conditions& conditions, WallTime now);
  Result<Listing> list(const ListQuery& query) const;

  Result<Upload> create_upload(const std::string& bucket, const std::string& key,
                               ObjectMetadata metadata, WallTime now);
  Result<Part> upload_part(const std::string& bucket, const std::string& key,
                           const std::string& upload, int number, Blob blob, WallTime now);
  Result<Object> complete_upload(const std::string& bucket, const std::string& key,
                                 const std::string& upload, const std::vector<CompletedPart>& parts,
                                 const Conditions& conditions, WallTime now);
  Result<void> abort_upload(const std::string& bucket, const std::string& key,
                            const std::string& upload, WallTime now);
  Result<std::vector<Upload>> uploads(const std::string& bucket) const;
  Result<Upload> find_upload(const std::string& bucket, const std::string& key,
                             const std::string& upload) const;

  /// Whole objects in memory: for the simulator and tests.
  Result<Object> put_bytes(const std::string& bucket, const std::string& key,
                           std::string_view bytes, ObjectMetadata metadata,
                           const Conditions& conditions, WallTime now);
  Result<std::string> read(const std::string& bucket, const std::string& key) const;

  BlobStore& blobs() { return blobs_; }
  /// Of everything that is kept: what a sweep of the blob store must leave.
  std::set<std::string> blob_ids() const;
  json::object to_json() const;
  Result<void> load(const json::object& object);

 private:
  struct BucketState {
    Bucket bucket;
    std::map<std::string, Object> objects;
  };
  Result<BucketState*> find_bucket(const std::string& name);
  Result<const BucketState*> find_bucket(const std::string& name) const;
  Result<Upload*> open_upload(const std::string& bucket, const std::string& key,
                              const std::string& upload);
  static Result<void> check_conditions(const BucketState& bucket, const std::string& key,
                                       const Conditions& conditions);
  static Result<void> check_key(const std::string& key);
  Object store(BucketState& bucket, Object object, const char* action, WallTime now);

  S3Settings settings_;
  IdSource& ids_;
  Ledger& ledger_;
  BlobStore& blobs_;
  std::map<std::string, BucketState> buckets_;
  std::map<std::string, Upload> uploads_;
};

}  // namespace pawl::cloud
