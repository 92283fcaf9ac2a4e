// S3 and the work tree for the engine, over sim/cloud's model.
#include "base/hash.h"
#include "sim/world/cloud_ports.h"

namespace pawl::sim {
namespace {

ObjectInfo info_of(const cloud::Object& object, bool with_headers) {
  ObjectInfo info;
  info.key = object.key;
  info.size = object.blob.size;
  info.etag = object.etag;
  if (!with_headers) return info;
  info.content_type = object.metadata.content_type;
  const auto of = [](const std::map<std::string, std::string>& map, const char* key) {
    const auto found = map.find(key);
    return found == map.end() ? std::string() : found->second;
  };
  info.cache_control = of(object.metadata.system, "cache-control");
  info.sha256 = of(object.metadata.user, "sha256");
  info.content_encoding = of(object.metadata.system, "content-encoding");
  return info;
}

cloud::ObjectMetadata metadata_of(const PutRequest& put) {
  cloud::ObjectMetadata metadata;
  metadata.content_type = put.content_type;
  if (!put.cache_control.empty()) metadata.system["cache-control"] = put.cache_control;
  if (!put.content_encoding.empty()) metadata.system["content-encoding"] = put.content_encoding;
  if (!put.sha256.empty()) metadata.user["sha256"] = put.sha256;
  return metadata;
}

std::string etag_in_words(World& world, const std::string& bucket, const std::string& key) {
  auto object = world.cloud.s3.head(bucket, key);
  return object.ok() ? object->etag : "none";
}

Request change(World& world, std::string action, const std::string& bucket,
               const std::string& key) {
  Request request{std::move(action), "s3 " + bucket + "/" + key, true};
  request.look = [&world, bucket, key] { return etag_in_words(world, bucket, key); };
  return request;
}

}  // namespace

Task<Result<std::vector<ObjectInfo>>> SimObjects::list(std::string bucket, std::string prefix,
                                                       size_t at_most) {
  World& world = gate_.world();
  Request request{"list", "s3 " + bucket + "/" + prefix};
  std::function<Result<std::vector<ObjectInfo>>()> work =
      [&world, bucket, prefix, at_most]() -> Result<std::vector<ObjectInfo>> {
    std::vector<ObjectInfo> found;
    cloud::ListQuery query;
    query.bucket = bucket;
    query.prefix = prefix;
    for (;;) {
      PAWL_TRY(auto page, world.cloud.s3.list(query));
      for (const auto& object : page.objects) {
        if (found.size() == at_most) return found;
        found.push_back(info_of(object, false));
      }
      if (!page.truncated) return found;
      query.after = page.next;
    }
  };
  co_return co_await call<std::vector<ObjectInfo>>(gate_, std::move(request), std::move(work));
}

Task<Result<std::optional<ObjectInfo>>> SimObjects::head(std::string bucket, std::string key) {
  World& world = gate_.world();
  Request request{"head", "s3 " + bucket + "/" + key};
  std::function<Result<std::optional<ObjectInfo>>()> work =
      [&world, bucket, key]() -> Result<std::optional<ObjectInfo>> {
    auto object = world.cloud.s3.head(bucket, key);
    if (object.ok()) return std::optional<ObjectInfo>(info_of(*object, true));
    if (object.error().kind() == ErrorKind::not_found) return std::optional<ObjectInfo>();
    return std::move(object).error();
  };
  co_return co_await call<std::optional<ObjectInfo>>(gate_, std::move(request), std::move(work));
}

Task<Result<std::optional<StoredObject>>> SimObjects::get(std::string bucket, std::string key) {
  World& world = gate_.world();
  Request request{"get_object", "s3 " + bucket + "/" + key};
  std::function<Result<std::optional<StoredObject>>()> work =
      [&world, bucket, key]() -> Result<std::optional<StoredObject>> {
    auto object = world.cloud.s3.head(bucket, key);
    if (!object.ok() && object.error().kind() == ErrorKind::not_found)
      return std::optional<StoredObject>();
    if (!object.ok()) return std::move(object).error();
    PAWL_TRY(auto body, world.cloud.s3.read(bucket, key));
    return std::optional<StoredObject>(StoredObject{info_of(*object, true), std::move(body)});
  };
  co_return co_await call<std::optional<StoredObject>>(gate_, std::move(request), std::move(work));
}

Task<Result<ObjectInfo>> SimObjects::put(PutRequest put) {
  World& world = gate_.world();
  Request request = change(world, "put", put.bucket, put.key);
  // Files that are named by their content nobody else makes.
  request.is_guarded = put.key.find("/app.") == std::string::npos;
  std::function<Result<ObjectInfo>()> work = [&world, put]() -> Result<ObjectInfo> {
    const auto* file = std::get_if<FileOnDisk>(&put.body);
    const std::string& body = file ? world.work_tree[file->path] : std::get<std::string>(put.body);
    cloud::Conditions conditions{put.if_match, put.if_none_match};
    PAWL_TRY(auto object, world.cloud.s3.put_bytes(put.bucket, put.key, body, metadata_of(put),
                                                   conditions, world.clock.now()));
    return info_of(object, true);
  };
  co_return co_await call<ObjectInfo>(gate_, std::move(request), std::move(work));
}

Task<Result<ObjectInfo>> SimObjects::copy(CopyRequest copy) {
  World& world = gate_.world();
  Request request = change(world, "copy_object", copy.to.bucket, copy.to.key);
  std::function<Result<ObjectInfo>()> work = [&world, copy]() -> Result<ObjectInfo> {
    const PutRequest& to = copy.to;
    PAWL_TRY(const auto source, world.cloud.s3.head(to.bucket, copy.from));
    if (!copy.from_etag.empty() && copy.from_etag != source.etag)
      return Error(ErrorKind::conflict, "the source is another").with_code("PreconditionFailed");
    const cloud::Conditions conditions{to.if_match, to.if_none_match};
    PAWL_TRY(auto object, world.cloud.s3.copy(to.bucket, copy.from, to.bucket, to.key,
                                              metadata_of(to), conditions, world.clock.now()));
    return info_of(object, true);
  };
  co_return co_await call<ObjectInfo>(gate_, std::move(request), std::move(work));
}

Task<Result<void>> SimObjects::remove(std::string bucket, std::string key, std::string if_match) {
  World& world = gate_.world();
  // Two names, since a deletion of whatever is there may never come late (Invariants).
  Request request = change(world, if_match.empty() ? "remove_anything" : "remove", bucket, key);
  request.is_guarded = true;
  std::function<Result<void>()> work = [&world, bucket, key, if_match]() -> Result<void> {
    auto removed = world.cloud.s3.remove(bucket, key, {if_match, false}, world.clock.now());
    if (!removed.ok() && removed.error().code() == "NoSuchKey") return ok();
    return removed;
  };
  co_return co_await call<void>(gate_, std::move(request), std::move(work));
}

Task<Result<void>> SimObjects::check_bucket(std::string bucket) {
  World& world = gate_.world();
  Request request{"check_bucket", "bucket " + bucket};
  std::function<Result<void>()> work = [&world, bucket] {
    return world.cloud.s3.check_bucket(bucket);
  };
  co_return co_await call<void>(gate_, std::move(request), std::move(work));
}

Task<Result<StaticManifest>> SimFiles::scan(std::string directory, StaticRules rules) {
  StaticManifest manifest;
  const std::string folder = directory + "/";
  for (auto at = world_.work_tree.lower_bound(folder);
       at != world_.work_tree.end() && at->first.rfind(folder, 0) == 0; ++at) {
    StaticFile file;
    file.path = at->first.substr(folder.size());
    file.size = at->second.size();
    file.sha256 = sha256_hex(at->second);
    apply_rules(rules, file);
    manifest.files.push_back(std::move(file));
  }
  co_return manifest;
}

}  // namespace pawl::sim
