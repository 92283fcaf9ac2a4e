#include "sim/cloud/s3.h"

#include <algorithm>

#include <fmt/format.h>

namespace pawl::cloud {

namespace {

constexpr size_t kMaxKeyBytes = 1024;
constexpr size_t kMaxKeysInList = 1000;

Error no_such_key() {
  return aws_error(404, "NoSuchKey", "The specified key does not exist.");
}

/// 3 to 63 of a-z, 0-9, dot and hyphen, beginning and ending with a letter or digit.
bool is_bucket_name(std::string_view name) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '.' || c == '-'; });
}

}  // namespace

Result<S3::BucketState*> S3::find_bucket(const std::string& name) {
  auto found = buckets_.find(name);
  if (found == buckets_.end())
    return aws_error(404, "NoSuchBucket", "The specified bucket does not exist");
  return &found->second;
}

Result<const S3::BucketState*> S3::find_bucket(const std::string& name) const {
  auto found = buckets_.find(name);
  if (found == buckets_.end())
    return aws_error(404, "NoSuchBucket", "The specified bucket does not exist");
  return &found->second;
}

Result<void> S3::create_bucket(const std::string& name, WallTime now) {
  if (!is_bucket_name(name))
    return aws_error(400, "InvalidBucketName", "The specified bucket is not valid.");
  if (buckets_.contains(name))
    return aws_error(409, "BucketAlreadyOwnedByYou",
                     "Your previous request to create the named bucket succeeded and you already "
                     "own it.");
  buckets_[name].bucket = {name, now};
  ledger_.record(now, "s3", "CreateBucket", name);
  return ok();
}

Result<void> S3::delete_bucket(const std::string& name, WallTime now) {
  PAWL_TRY(BucketState * bucket, find_bucket(name));
  if (!bucket->objects.empty())
    return aws_error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
  buckets_.erase(name);
  for (auto it = uploads_.begin(); it != uploads_.end();) {
    if (it->second.bucket != name) {
      ++it;
      continue;
    }
    for (const auto& [number, part] : it->second.parts) blobs_.remove(part.blob);
    it = uploads_.erase(it);
  }
  ledger_.record(now, "s3", "DeleteBucket", name);
  return ok();
}

Result<void> S3::check_bucket(const std::string& name) const {
  PAWL_CHECK(find_bucket(name));
  return ok();
}

std::vector<Bucket> S3::buckets() const {
  std::vector<Bucket> all;
  for (const auto& [name, state] : buckets_) all.push_back(state.bucket);
  return all;
}

Result<void> S3::check_key(const std::string& key) {
  if (key.empty()) return aws_error(400, "InvalidArgument", "The key must not be empty.");
  if (key.size() > kMaxKeyBytes) return aws_error(400, "KeyTooLongError", "Your key is too long");
  return ok();
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
Result<void> S3::check_conditions(const BucketState& bucket, const std::string& key,
                                  const Conditions& conditions) {
  auto found = bucket.objects.find(key);
  const bool exists = found != bucket.objects.end();
  if (conditions.if_none_match_any && exists)
    return aws_error(412, "PreconditionFailed",
                     "At least one of the pre-conditions you specified did not hold");
  if (conditions.if_match.empty()) return ok();
  if (!exists) return no_such_key();
  if (conditions.if_match != "*" && conditions.if_match != found->second.etag)
    return aws_error(412, "PreconditionFailed",
                     "At least one of the pre-conditions you specified did not hold");
  return ok();
}

Object S3::store(BucketState& bucket, Object object, const char* action, WallTime now) {
  auto found = bucket.objects.find(object.key);
  if (found != bucket.objects.end()) blobs_.remove(found->second.blob);
  ledger_.record(now, "s3", action, bucket.bucket.name + "/" + object.key,
                 {{"etag", object.etag}, {"size", object.blob.size}});
  return bucket.objects[object.key] = std::move(object);
}

Result<Object> S3::put(const std::string& bucket_name, const std::string& key, Blob blob,
                       ObjectMetadata metadata, const Conditions& conditions, WallTime now) {
  auto refuse = [&](Error error) -> Result<Object> {
    blobs_.remove(blob);
    return error;
  };
  auto bucket = find_bucket(bucket_name);
  if (!bucket.ok()) return refuse(std::move(bucket).error());
  if (auto checked = check_key(key); !checked.ok()) return refuse(std::move(checked).error());
  if (auto checked = check_conditions(**bucket, key, conditions); !checked.ok())
    return refuse(std::move(checked).error());
  std::string etag = blob.md5;
  return store(**bucket, {key, std::move(blob), std::move(etag), std::move(metadata), now},
               "PutObject", now);
}

Result<Object> S3::head(const std::string& bucket_name, const std::string& key) const {
  PAWL_TRY(const BucketState* bucket, find_bucket(bucket_name));
  auto found = bucket->objects.find(key);
  if (found == bucket->objects.end()) return no_such_key();
  return found->second;
}

Result<Object> S3::copy(const std::string& from_bucket, const std::string& from_key,
                        const std::string& bucket_name, const std::string& key,
                        std::optional<ObjectMetadata> metadata, const Conditions& conditions,
                        WallTime now) {
  PAWL_TRY(Object source, head(from_bucket, from_key));
  PAWL_TRY(BucketState * bucket, find_bucket(bucket_name));
  PAWL_CHECK(check_key(key));
  PAWL_CHECK(check_conditions(*bucket, key, conditions));
  if (!metadata && from_bucket == bucket_name && from_key == key)
    return aws_error(
        400, "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself "
        "without changing the object's metadata, storage class, website redirect "
        "location or encryption attributes.");
  PAWL_TRY(Blob blob, blobs_.duplicate(source.blob));
  if (metadata && metadata->checksums.empty()) metadata->checksums = source.metadata.checksums;
  Object object{key, std::move(blob), "", metadata.value_or(source.metadata), now};
  object.etag = object.blob.md5;  // a copy in one piece, also of what came in parts
  return store(*bucket, std::move(object), "CopyObject", now);
}

Result<void> S3::remove(const std::string& bucket_name, const std::string& key,
                        const Conditions& conditions, WallTime now) {
  PAWL_TRY(BucketState * bucket, find_bucket(bucket_name));
  // With If-Match a key that is not there is 404, without it is deleted already.
  PAWL_CHECK(check_conditions(*bucket, key, conditions));
  auto found = bucket->objects.find(key);
  if (found == bucket->objects.end()) return ok();
  blobs_.remove(found->second.blob);
  bucket->objects.erase(found);
  ledger_.record(now, "s3", "DeleteObject", bucket_name + "/" + key);
  return ok();
}

Result<Listing> S3::list(const ListQuery& query) const {
  PAWL_TRY(const BucketState* bucket, find_bucket(query.bucket));
  const size_t limit = std::min(query.max_keys, kMaxKeysInList);
  Listing listing;
  if (limit == 0) return listing;
  const std::string& from = std::max(query.prefix, query.after);
  auto it = bucket->objects.lower_bound(from);
  for (; it != bucket->objects.end(); ++it) {
    const std::string& key = it->first;
    if (key.compare(0, query.prefix.size(), query.prefix) != 0) break;
    if (!query.after.empty() && key <= query.after) continue;
    std::string common;
    if (!query.delimiter.empty()) {
      const size_t end = key.find(query.delimiter, query.prefix.size());
      if (end != std::string::npos) common = key.substr(0, end + query.delimiter.size());
    }
    // A page may end within a common prefix: its other keys are not told again.
    if (!common.empty() && (common == query.after || (!listing.common_prefixes.empty() &&
                                                      listing.common_prefixes.back() == common)))
      continue;
    if (listing.objects.size() + listing.common_prefixes.size() == limit) {
      listing.truncated = true;
      break;
    }
    listing.next = common.empty() ? key : common;
    if (common.empty()) {
      listing.objects.push_back(it->second);
    } else {
      listing.common_prefixes.push_back(common);
    }
  }
  if (!listing.truncated) listing.next.clear();
  return listing;
}

Result<Object> S3::put_bytes(const std::string& bucket, const std::string& key,
                             std::string_view bytes, ObjectMetadata metadata,
                             const Conditions& conditions, WallTime now) {
  PAWL_TRY(Blob blob, blobs_.put(bytes));
  return put(bucket, key, std::move(blob), std::move(metadata), conditions, now);
}

std::set<std::string> S3::blob_ids() const {
  std::set<std::string> ids;
  for (const auto& [name, bucket] : buckets_)
    for (const auto& [key, object] : bucket.objects) ids.insert(object.blob.id);
  for (const auto& [id, upload] : uploads_)
    for (const auto& [number, part] : upload.parts) ids.insert(part.blob.id);
  return ids;
}

Result<std::string> S3::read(const std::string& bucket, const std::string& key) const {
  PAWL_TRY(const Object object, head(bucket, key));
  return blobs_.read(object.blob, 0, object.blob.size);
}

}  // namespace pawl::cloud
