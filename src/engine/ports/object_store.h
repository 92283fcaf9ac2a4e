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
  std::string etag;           // without quotes
  std::string content_type;   // head and get only
  std::string cache_control;  // head and get only
  std::string sha256;         // hex, from our metadata; head and get only; may be empty
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
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual Task<Result<std::vector<ObjectInfo>>> list(std::string bucket, std::string prefix) = 0;
  /// No value: no such key.
  virtual Task<Result<std::optional<ObjectInfo>>> head(std::string bucket, std::string key) = 0;
  virtual Task<Result<std::optional<StoredObject>>> get(std::string bucket, std::string key) = 0;
  virtual Task<Result<ObjectInfo>> put(PutRequest request) = 0;  // conflict: precondition failed
  /// Within the bucket, whatever its size; `headers` gives key, type, caching and sha256 of the
  /// copy. not_found when there is no such source.
  virtual Task<Result<ObjectInfo>> copy(std::string bucket, std::string from, ObjectInfo headers);
  /// Deleting what is not there is fine.
  virtual Task<Result<void>> remove(std::string bucket, std::string key) = 0;
  virtual Task<Result<void>> check_bucket(std::string bucket) = 0;
};

// For stores that cannot do it by themselves.
inline Task<Result<ObjectInfo>> ObjectStore::copy(std::string bucket, std::string from,
                                                  ObjectInfo headers) {
  PAWL_CO_TRY(auto source, co_await get(bucket, from));
  if (!source) co_return Error(ErrorKind::not_found, "there is no object " + from);
  PutRequest request;
  request.bucket = std::move(bucket);
  request.key = std::move(headers.key);
  request.body = std::move(source->body);
  request.content_type = std::move(headers.content_type);
  request.cache_control = std::move(headers.cache_control);
  request.sha256 = std::move(headers.sha256);
  co_return co_await put(std::move(request));
}

}  // namespace pawl
