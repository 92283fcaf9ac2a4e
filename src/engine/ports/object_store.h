// What the engine needs of S3. Keys are as they are, without leading slash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/task.h"

namespace pawl {

struct ObjectInfo {
  std::string key;
  uint64_t size = 0;
  /// Without quotes. What names a content for preconditions; the MD5 of it only where the bucket
  /// does not encrypt with a key of KMS.
  std::string etag;
  std::string content_type;      // head and get only
  std::string cache_control;     // head and get only
  std::string sha256;            // hex, from our metadata; head and get only; may be empty
  std::string content_encoding;  // "br", "gzip"; head and get only
};

struct StoredObject {
  ObjectInfo info;
  std::string body;
};

/// Bytes in memory, or the path of a file that is streamed.
struct FileOnDisk {
  std::string path;
  uint64_t size = 0;
};
using ObjectBody = std::variant<std::string, FileOnDisk>;

struct PutRequest {
  std::string bucket;
  std::string key;
  ObjectBody body;
  std::string content_type;
  std::string cache_control;
  std::string sha256;          // hex; kept as metadata and sent as checksum
  std::string if_match;        // etag; empty: not checked
  bool if_none_match = false;  // only when the key does not exist
  std::string content_encoding;
};

/// A copy within a bucket.
struct CopyRequest {
  std::string from;       // the key
  std::string from_etag;  // what must still lie there; empty: not checked
  PutRequest to;          // everything but the body, which is the source's
};

constexpr size_t kEveryObject = SIZE_MAX;

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// In the order of keys; `at_most` so many, counted from the first.
  virtual Task<Result<std::vector<ObjectInfo>>> list(std::string bucket, std::string prefix,
                                                     size_t at_most) = 0;
  /// No value: no such key.
  virtual Task<Result<std::optional<ObjectInfo>>> head(std::string bucket, std::string key) = 0;
  virtual Task<Result<std::optional<StoredObject>>> get(std::string bucket, std::string key) = 0;
  virtual Task<Result<ObjectInfo>> put(PutRequest request) = 0;  // conflict: precondition failed
  /// Whatever its size. not_found when there is no such source; conflict: a precondition failed.
  virtual Task<Result<ObjectInfo>> copy(CopyRequest request);
  /// `if_match` is the etag of what was seen there: conflict when something else is there now.
  /// Empty: whatever is there goes. Deleting what is not there is fine.
  virtual Task<Result<void>> remove(std::string bucket, std::string key, std::string if_match) = 0;
  virtual Task<Result<void>> check_bucket(std::string bucket) = 0;
};

// For stores that cannot do it by themselves.
inline Task<Result<ObjectInfo>> ObjectStore::copy(CopyRequest request) {
  PAWL_CO_TRY(auto source, co_await get(request.to.bucket, request.from));
  if (!source) co_return Error(ErrorKind::not_found, "there is no object " + request.from);
  if (!request.from_etag.empty() && source->info.etag != request.from_etag)
    co_return Error(ErrorKind::conflict, request.from + " was changed by someone else meanwhile");
  request.to.body = std::move(source->body);
  co_return co_await put(std::move(request.to));
}

}  // namespace pawl
