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
  std::string sha256;        // hex; kept as metadata and sent as checksum
  std::string if_match;      // etag; empty: not checked
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
  /// Deleting what is not there is fine.
  virtual Task<Result<void>> remove(std::string bucket, std::string key) = 0;
  virtual Task<Result<void>> check_bucket(std::string bucket) = 0;
};

}  // namespace pawl
