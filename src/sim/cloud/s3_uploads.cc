// Multipart uploads, and the state file of S3.
#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "sim/cloud/s3.h"
#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {

constexpr int kMaxParts = 10'000;

Error no_such_upload() {
  return aws_error(
      404, "NoSuchUpload",
      "The specified upload does not exist. The upload ID may be invalid, or the upload "
      "may have been aborted or completed.");
}

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

}  // namespace

Result<Upload*> S3::open_upload(const std::string& bucket, const std::string& key,
                                const std::string& upload) {
  PAWL_CHECK(find_bucket(bucket));
  auto found = uploads_.find(upload);
  if (found == uploads_.end() || found->second.bucket != bucket || found->second.key != key)
    return no_such_upload();
  return &found->second;
}

Result<Upload> S3::create_upload(const std::string& bucket, const std::string& key,
                                 ObjectMetadata metadata, WallTime now) {
  PAWL_CHECK(find_bucket(bucket));
  PAWL_CHECK(check_key(key));
  Upload upload{ids_.hex(64), bucket, key, std::move(metadata), now, {}};
  uploads_[upload.id] = upload;
  ledger_.record(now, "s3", "CreateMultipartUpload", bucket + "/" + key, {{"upload", upload.id}});
  return upload;
}

Result<Part> S3::upload_part(const std::string& bucket, const std::string& key,
                             const std::string& id, int number, Blob blob, WallTime now) {
  auto upload = open_upload(bucket, key, id);
  if (!upload.ok() || number < 1 || number > kMaxParts) {
    blobs_.remove(blob);
    if (!upload.ok()) return std::move(upload).error();
    return aws_error(400, "InvalidArgument",
                     "Part number must be an integer between 1 and 10000, inclusive");
  }
  auto& parts = (*upload)->parts;
  if (auto before = parts.find(number); before != parts.end()) blobs_.remove(before->second.blob);
  ledger_.record(now, "s3", "UploadPart", bucket + "/" + key,
                 {{"upload", id}, {"part", number}, {"size", blob.size}});
  return parts[number] = Part{number, std::move(blob), now};
}

Result<Object> S3::complete_upload(const std::string& bucket_name, const std::string& key,
                                   const std::string& id,
                                   const std::vector<CompletedPart>& completed,
                                   const Conditions& conditions, WallTime now) {
  PAWL_TRY(Upload * upload, open_upload(bucket_name, key, id));
  PAWL_TRY(BucketState * bucket, find_bucket(bucket_name));
  if (completed.empty())
    return aws_error(400, "MalformedXML",
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema");
  for (size_t i = 1; i < completed.size(); ++i)
    if (completed[i].number <= completed[i - 1].number)
      return aws_error(
          400, "InvalidPartOrder",
          "The list of parts was not in ascending order. Parts must be ordered by part "
          "number.");
  std::vector<Blob> blobs;
  std::string md5s;
  for (size_t i = 0; i < completed.size(); ++i) {
    auto part = upload->parts.find(completed[i].number);
    if (part == upload->parts.end() || part->second.blob.md5 != completed[i].etag)
      return aws_error(400, "InvalidPart",
                       "One or more of the specified parts could not be found.  The part may not "
                       "have been uploaded, or the specified entity tag may not match the part's "
                       "entity tag.");
    if (i + 1 < completed.size() && part->second.blob.size < settings_.min_part_bytes)
      return aws_error(400, "EntityTooSmall",
                       "Your proposed upload is smaller than the minimum allowed size");
    blobs.push_back(part->second.blob);
    md5s += bytes_of_hex(part->second.blob.md5);
  }
  PAWL_CHECK(check_conditions(*bucket, key, conditions));
  PAWL_TRY(Blob whole, blobs_.join(blobs));
  Object object{key, std::move(whole), fmt::format("{}-{}", md5_hex(md5s), completed.size()),
                upload->metadata, now};
  for (const auto& [number, part] : upload->parts) blobs_.remove(part.blob);
  uploads_.erase(id);
  return store(*bucket, std::move(object), "CompleteMultipartUpload", now);
}

Result<void> S3::abort_upload(const std::string& bucket, const std::string& key,
                              const std::string& id, WallTime now) {
  PAWL_TRY(Upload * upload, open_upload(bucket, key, id));
  for (const auto& [number, part] : upload->parts) blobs_.remove(part.blob);
  uploads_.erase(id);
  ledger_.record(now, "s3", "AbortMultipartUpload", bucket + "/" + key, {{"upload", id}});
  return ok();
}

Result<std::vector<Upload>> S3::uploads(const std::string& bucket) const {
  PAWL_CHECK(find_bucket(bucket));
  std::vector<Upload> open;
  for (const auto& [id, upload] : uploads_)
    if (upload.bucket == bucket) open.push_back(upload);
  std::sort(open.begin(), open.end(), [](const Upload& a, const Upload& b) {
    return std::tie(a.key, a.initiated) < std::tie(b.key, b.initiated);
  });
  return open;
}

Result<Upload> S3::find_upload(const std::string& bucket, const std::string& key,
                               const std::string& id) const {
  auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second.bucket != bucket || found->second.key != key)
    return no_such_upload();
  return found->second;
}

namespace {

json::object write(const Blob& b) {
  return {{"id", b.id}, {"size", b.size}, {"md5", b.md5}};
}

Blob read_blob(const json::object& o) {
  return {string_or(o, "id"), static_cast<uint64_t>(int_or(o, "size")), string_or(o, "md5")};
}

json::object write(const ObjectMetadata& m) {
  return {{"contentType", m.content_type},
          {"system", write_map(m.system)},
          {"user", write_map(m.user)},
          {"checksums", write_map(m.checksums)}};
}

ObjectMetadata read_metadata(const json::object& o) {
  return {string_or(o, "contentType"), read_map(o, "system"), read_map(o, "user"),
          read_map(o, "checksums")};
}

}  // namespace

json::object S3::to_json() const {
  json::array buckets;
  for (const auto& [name, state] : buckets_) {
    json::array objects;
    for (const auto& [key, o] : state.objects)
      objects.push_back(json::object{{"key", key},
                                     {"blob", write(o.blob)},
                                     {"etag", o.etag},
                                     {"metadata", write(o.metadata)},
                                     {"lastModified", o.last_modified.unix_ms}});
    buckets.push_back(json::object{{"name", name},
                                   {"created", state.bucket.created.unix_ms},
                                   {"objects", std::move(objects)}});
  }
  json::array uploads;
  for (const auto& [id, u] : uploads_) {
    json::array parts;
    for (const auto& [number, p] : u.parts)
      parts.push_back(json::object{
          {"number", number}, {"blob", write(p.blob)}, {"lastModified", p.last_modified.unix_ms}});
    uploads.push_back(json::object{{"id", id},
                                   {"bucket", u.bucket},
                                   {"key", u.key},
                                   {"metadata", write(u.metadata)},
                                   {"initiated", u.initiated.unix_ms},
                                   {"parts", std::move(parts)}});
  }
  return {{"buckets", std::move(buckets)}, {"uploads", std::move(uploads)}};
}

Result<void> S3::load(const json::object& object) {
  buckets_.clear();
  uploads_.clear();
  for (const json::object* b : objects_in(object, "buckets")) {
    PAWL_TRY(const std::string name, require_string(*b, "name", "a bucket in the cloud's state"));
    BucketState& state = buckets_[name];
    state.bucket = {name, time_or(*b, "created")};
    for (const json::object* o : objects_in(*b, "objects")) {
      const std::string key = string_or(*o, "key");
      state.objects[key] = {key, read_blob(object_or_empty(*o, "blob")), string_or(*o, "etag"),
                            read_metadata(object_or_empty(*o, "metadata")),
                            time_or(*o, "lastModified")};
    }
  }
  for (const json::object* u : objects_in(object, "uploads")) {
    Upload upload{string_or(*u, "id"),      string_or(*u, "bucket"),
                  string_or(*u, "key"),     read_metadata(object_or_empty(*u, "metadata")),
                  time_or(*u, "initiated"), {}};
    for (const json::object* p : objects_in(*u, "parts")) {
      const int number = static_cast<int>(int_or(*p, "number"));
      upload.parts[number] = {number, read_blob(object_or_empty(*p, "blob")),
                              time_or(*p, "lastModified")};
    }
    uploads_[upload.id] = std::move(upload);
  }
  return ok();
}

}  // namespace pawl::cloud
