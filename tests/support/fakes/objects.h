// An object store in memory.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/object_store.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

class FakeObjects : public ObjectStore {
 public:
  Task<Result<std::vector<ObjectInfo>>> list(std::string bucket, std::string prefix,
                                             size_t at_most) override;
  Task<Result<std::optional<ObjectInfo>>> head(std::string bucket, std::string key) override;
  Task<Result<std::optional<StoredObject>>> get(std::string bucket, std::string key) override;
  Task<Result<ObjectInfo>> put(PutRequest request) override;
  Task<Result<void>> remove(std::string bucket, std::string key, std::string if_match) override;
  Task<Result<void>> check_bucket(std::string) override;

  std::map<std::string, std::map<std::string, StoredObject>> buckets;
  std::map<std::string, std::string> files;  // what FileOnDisk paths hold
  std::function<void(const std::string& bucket, const std::string& key)> before_removal;
  std::vector<std::string> ledger;
  Faults faults;
};

}  // namespace pawl::fakes
