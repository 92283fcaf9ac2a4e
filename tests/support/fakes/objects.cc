// What FakeObjects does when it is called.
#include "support/fakes/objects.h"

#include <variant>

#include "base/hash.h"
#include "support/fakes/fake_call.h"

namespace pawl::fakes {

Task<Result<std::vector<ObjectInfo>>> FakeObjects::list(std::string bucket, std::string prefix,
                                                        size_t at_most) {
  PAWL_FAKE_CALL("list", [&]() -> Result<std::vector<ObjectInfo>> {
    std::vector<ObjectInfo> found;
    for (const auto& [key, object] : buckets[bucket])
      if (key.rfind(prefix, 0) == 0 && found.size() < at_most) found.push_back(object.info);
    return found;
  });
}

Task<Result<std::optional<ObjectInfo>>> FakeObjects::head(std::string bucket, std::string key) {
  PAWL_FAKE_CALL("head", [&]() -> Result<std::optional<ObjectInfo>> {
    const auto found = buckets[bucket].find(key);
    if (found == buckets[bucket].end()) return std::optional<ObjectInfo>();
    return std::optional<ObjectInfo>(found->second.info);
  });
}

Task<Result<std::optional<StoredObject>>> FakeObjects::get(std::string bucket, std::string key) {
  PAWL_FAKE_CALL("get", [&]() -> Result<std::optional<StoredObject>> {
    const auto found = buckets[bucket].find(key);
    if (found == buckets[bucket].end()) return std::optional<StoredObject>();
    return std::optional<StoredObject>(found->second);
  });
}

Task<Result<ObjectInfo>> FakeObjects::put(PutRequest request) {
  PAWL_FAKE_CALL("put", [&]() -> Result<ObjectInfo> {
    auto& bucket = buckets[request.bucket];
    const auto found = bucket.find(request.key);
    const bool exists = found != bucket.end();
    if (request.if_none_match && exists) return Error(ErrorKind::conflict, "it exists");
    if (!request.if_match.empty() && (!exists || found->second.info.etag != request.if_match))
      return Error(ErrorKind::conflict, "another etag");
    StoredObject object;
    if (const auto* text = std::get_if<std::string>(&request.body))
      object.body = *text;
    else
      object.body = files[std::get<FileOnDisk>(request.body).path];
    object.info = {request.key,
                   object.body.size(),
                   sha256_hex(object.body).substr(0, 32),
                   request.content_type,
                   request.cache_control,
                   request.sha256,
                   request.content_encoding};
    bucket[request.key] = object;
    ledger.push_back("put " + request.key);
    return object.info;
  });
}

Task<Result<void>> FakeObjects::remove(std::string bucket, std::string key, std::string if_match) {
  PAWL_FAKE_CALL("remove", [&]() -> Result<void> {
    if (before_removal) before_removal(bucket, key);
    const auto found = buckets[bucket].find(key);
    if (found == buckets[bucket].end()) return ok();
    if (!if_match.empty() && found->second.info.etag != if_match)
      return Error(ErrorKind::conflict, "another etag");
    buckets[bucket].erase(key);
    ledger.push_back("remove " + key);
    return ok();
  });
}

Task<Result<void>> FakeObjects::check_bucket(std::string) {
  co_return ok();
}

}  // namespace pawl::fakes
