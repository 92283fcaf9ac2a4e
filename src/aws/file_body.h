// Files on disk as request bodies: streamed, hashed, never whole in memory.
#pragma once

#include <memory>
#include <string>

#include "net/http_client.h"

namespace pawl::aws {

/// `length` bytes of the file from `offset`. Ends with abort when the file is shorter.
std::shared_ptr<BodySource> file_range(std::string path, uint64_t offset, uint64_t length);

struct FileHashes {
  std::string sha256;  // hex
  std::string md5;     // hex
  uint64_t size = 0;
};
/// Of `length` bytes from `offset`, or of as many as there are.
Result<FileHashes> hash_file(const std::string& path, uint64_t offset, uint64_t length);

/// The ETag that S3 gives such a file: its MD5, or for one uploaded in parts of `part_bytes` the
/// MD5 of theirs with their count.
Result<std::string> etag_of_parts(const std::string& path, uint64_t size, uint64_t part_bytes);

}  // namespace pawl::aws
