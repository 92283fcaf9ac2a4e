#include "engine/static_bucket.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace pawl {

std::string StaticKeys::file(std::string_view path) const {
  return target.prefix + std::string(path);
}
std::string StaticKeys::own(std::string_view rest) const {
  return fmt::format("{}{}{}", target.prefix, kOwnFolder, rest);
}
std::string StaticKeys::uploaded() const {
  return own("uploaded.json");
}
std::string StaticKeys::body(const StaticFile& of) const {
  return of.is_immutable ? file(of.path) : content(of.sha256);
}
std::string StaticKeys::release(std::string_view digest) const {
  return own(fmt::format("releases/{}.json", digest));
}
std::string StaticKeys::content(std::string_view sha256) const {
  return own(fmt::format("content/{}", sha256));
}
std::string StaticKeys::backup_index(std::string_view deployment) const {
  return own(fmt::format("backup/{}.json", deployment));
}
std::string StaticKeys::backup(std::string_view deployment, std::string_view path) const {
  return own(fmt::format("backup/{}/{}", deployment, path));
}

Task<Result<Listing>> list_target(ObjectStore& store, StaticTarget target) {
  PAWL_CO_TRY(auto objects, co_await store.list(target.bucket, target.prefix, kEveryObject));
  Listing listing;
  for (auto& object : objects) {
    std::string key = object.key;
    listing.emplace(std::move(key), std::move(object));
  }
  co_return listing;
}

std::optional<bool> holds_content(const ObjectInfo& there, const StaticFile& file) {
  if (!there.sha256.empty()) return there.sha256 == file.sha256;
  if (there.size != file.size) return false;
  if (!file.etag.empty() && there.etag == file.etag) return true;
  return std::nullopt;
}

Task<Result<bool>> has_content(ObjectStore& store, std::string bucket, ObjectInfo listed,
                               StaticFile file) {
  if (const auto known = holds_content(listed, file)) co_return *known;
  PAWL_CO_TRY(auto there, co_await store.head(bucket, listed.key));
  if (!there) co_return false;
  co_return holds_content(*there, file).value_or(false);
}

bool is_as_wanted(const ObjectInfo& there, const StaticFile& file) {
  return holds_content(there, file).value_or(false) && there.content_type == file.content_type &&
         there.cache_control == file.cache_control &&
         there.content_encoding == file.content_encoding;
}

bool is_page(const StaticFile& file) {
  return file.content_type.rfind("text/html", 0) == 0;
}

Task<Result<void>> guard(const BeforeChange& before_change) {
  if (before_change) co_return co_await before_change();
  co_return ok();
}

Task<Result<std::optional<StaticManifest>>> read_manifest_object(ObjectStore& store,
                                                                 std::string bucket,
                                                                 std::string key) {
  PAWL_CO_TRY(auto stored, co_await store.get(bucket, key));
  if (!stored) co_return std::optional<StaticManifest>();
  const std::string what = fmt::format("s3://{}/{}", bucket, key);
  PAWL_CO_TRY(auto object, parse_json_object(stored->body, what));
  auto manifest = static_manifest_from_json(object);
  if (!manifest.ok()) co_return std::move(manifest).while_doing("reading " + what).error();
  co_return std::optional<StaticManifest>(*std::move(manifest));
}

Task<Result<void>> write_manifest_object(ObjectStore& store, std::string bucket, std::string key,
                                         StaticManifest manifest) {
  PutRequest request;
  request.bucket = std::move(bucket);
  request.key = std::move(key);
  std::string body = json::serialize(to_json(manifest));
  request.sha256 = sha256_hex(body);
  request.body = std::move(body);
  request.content_type = "application/json";
  request.cache_control = std::string(kMutableCaching);
  PAWL_CO_CHECK(co_await store.put(std::move(request)));
  co_return ok();
}

}  // namespace pawl
