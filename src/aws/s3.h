// Amazon S3 as the engine's object store. https://docs.aws.amazon.com/AmazonS3/latest/API/
//
// Buckets are spoken to as part of the host name, and as part of the path where an endpoint was set
// or the name has a dot (no certificate covers it). Files over kMultipartBytes go up in parts. A
// bucket that says it lies in another region is asked there.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aws/client.h"
#include "engine/ports/object_store.h"

namespace pawl::aws {

constexpr uint64_t kMultipartBytes = 16u << 20;
constexpr size_t kMaxObjectInMemory = 64u << 20;

/// 8 MiB, more where that would make over 10,000 parts.
uint64_t part_bytes_for(uint64_t size);

struct UploadedPart;

class S3 : public ObjectStore {
 public:
  explicit S3(Client& client) : client_(client) {}

  Task<Result<std::vector<ObjectInfo>>> list(std::string bucket, std::string prefix,
                                             size_t at_most) override;
  Task<Result<std::optional<ObjectInfo>>> head(std::string bucket, std::string key) override;
  Task<Result<std::optional<StoredObject>>> get(std::string bucket, std::string key) override;
  Task<Result<ObjectInfo>> put(PutRequest request) override;
  Task<Result<ObjectInfo>> copy(CopyRequest request) override;
  Task<Result<void>> remove(std::string bucket, std::string key, std::string if_match) override;
  Task<Result<void>> check_bucket(std::string bucket) override;

 private:
  Task<Result<HttpResponse>> send(Call call, std::string bucket, std::string key);
  Task<Result<ObjectInfo>> put_whole(PutRequest request);
  Task<Result<ObjectInfo>> put_in_parts(PutRequest request, FileOnDisk file);
  Task<Result<std::string>> begin_upload(PutRequest request);
  Task<Result<UploadedPart>> put_part(std::string bucket, std::string key, FileOnDisk file,
                                      std::string upload, size_t index, uint64_t part_bytes);
  Task<Result<ObjectInfo>> complete_upload(PutRequest request, FileOnDisk file, std::string upload,
                                           std::vector<UploadedPart> parts);
  Task<void> abort_upload(std::string bucket, std::string key, std::string upload);

  Client& client_;
  // Of buckets that have answered; empty: the client's own region.
  std::map<std::string, std::string> regions_;
};

}  // namespace pawl::aws
