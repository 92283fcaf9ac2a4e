// S3's listings and multipart uploads.
#include <fmt/format.h>

#include "aws/xml.h"
#include "base/encoding.h"
#include "sandbox/aws/s3_face.h"
#include "sandbox/aws/s3_wire.h"

namespace pawl::sandbox {

namespace {

/// Keys may hold characters that XML cannot: clients ask for them encoded.
std::string shown_key(const AwsCall& call, const std::string& key) {
  return call.param("encoding-type") == "url" ? url_encode(key, "/") : key;
}

std::string shown_owner(const std::string& account) {
  return fmt::format("<Owner><ID>{0}</ID><DisplayName>{0}</DisplayName></Owner>", account);
}

constexpr std::string_view kTokenPrefix = "after:";

std::string token_for(const std::string& after) {
  return base64_encode(std::string(kTokenPrefix) + after);
}

Result<std::string> after_of_token(const std::string& token) {
  auto decoded = base64_decode(token);
  if (!decoded.ok() || decoded->rfind(kTokenPrefix, 0) != 0)
    return cloud::aws_error(400, "InvalidArgument", "The continuation token provided is incorrect");
  return decoded->substr(kTokenPrefix.size());
}

}  // namespace

Result<ServerResponse> S3Face::list(const AwsCall& call) {
  const bool second = call.operation == "ListObjectsV2";
  constexpr size_t kMostKeys = 1000;
  cloud::ListQuery query;
  query.bucket = bucket_of(call);
  query.prefix = call.param("prefix");
  query.delimiter = call.param("delimiter");
  query.after = call.param(second ? "start-after" : "marker");
  query.max_keys = std::min(count_or(call.param("max-keys"), kMostKeys), kMostKeys);
  const std::string token = call.param("continuation-token");
  if (second && call.has_param("continuation-token")) {
    PAWL_TRY(query.after, after_of_token(token));
  }
  PAWL_TRY(const cloud::Listing listing, cloud_.s3.list(query));

  auto key = [&](const char* tag, const std::string& text) {
    return element(tag, shown_key(call, text));
  };
  std::string xml = element("Name", query.bucket) + key("Prefix", query.prefix);
  if (!query.delimiter.empty()) xml += key("Delimiter", query.delimiter);
  if (call.has_param("encoding-type")) xml += element("EncodingType", call.param("encoding-type"));
  xml += element("MaxKeys", std::to_string(query.max_keys));
  xml += element("IsTruncated", listing.truncated ? "true" : "false");
  if (second) {
    xml += element("KeyCount",
                   std::to_string(listing.objects.size() + listing.common_prefixes.size()));
    if (!token.empty()) xml += element("ContinuationToken", token);
    if (call.has_param("start-after")) xml += key("StartAfter", call.param("start-after"));
    if (listing.truncated) xml += element("NextContinuationToken", token_for(listing.next));
  } else {
    xml += key("Marker", query.after);
    // Without a delimiter the last key serves: clients of the first version know it so.
    if (listing.truncated && !query.delimiter.empty()) xml += key("NextMarker", listing.next);
  }
  const bool with_owner = !second || call.param("fetch-owner") == "true";
  for (const cloud::Object& object : listing.objects) {
    xml += "<Contents>" + key("Key", object.key) +
           element("LastModified", s3_time(object.last_modified)) +
           element("ETag", quoted(object.etag)) +
           element("Size", std::to_string(object.blob.size)) + element("StorageClass", "STANDARD") +
           (with_owner ? shown_owner(cloud_.account.id) : "") + "</Contents>";
  }
  for (const std::string& prefix : listing.common_prefixes)
    xml += "<CommonPrefixes>" + key("Prefix", prefix) + "</CommonPrefixes>";
  return xml_answer(
      call, 200,
      fmt::format("<ListBucketResult xmlns=\"{}\">{}</ListBucketResult>", kS3Namespace, xml));
}

Result<ServerResponse> S3Face::multipart(const AwsCall& call) {
  const std::string bucket = bucket_of(call);
  const std::string key = key_of(call);
  if (call.operation == "CreateMultipartUpload") {
    PAWL_TRY(const cloud::Upload upload,
             cloud_.s3.create_upload(bucket, key, metadata_in(call.headers), call.now));
    return xml_answer(call, 200,
                      fmt::format("<InitiateMultipartUploadResult xmlns=\"{}\">{}{}{}"
                                  "</InitiateMultipartUploadResult>",
                                  kS3Namespace, element("Bucket", bucket), element("Key", key),
                                  element("UploadId", upload.id)));
  }
  if (call.operation == "CompleteMultipartUpload") return complete(call);
  if (call.operation == "ListParts") return list_parts(call);
  if (call.operation == "ListMultipartUploads") return list_uploads(call);
  PAWL_CHECK(cloud_.s3.abort_upload(bucket, key, call.param("uploadId"), call.now));
  return empty_answer(call, 204);
}

Result<ServerResponse> S3Face::complete(const AwsCall& call) {
  const std::string bucket = bucket_of(call);
  const std::string key = key_of(call);
  auto document = aws::parse_xml(call.body, "the request");
  if (!document.ok() || document->name != "CompleteMultipartUpload")
    return cloud::aws_error(400, "MalformedXML",
                            "The XML you provided was not well-formed or did not validate against "
                            "our published schema");
  std::vector<cloud::CompletedPart> parts;
  for (const aws::XmlElement* part : document->all("Part"))
    parts.push_back({static_cast<int>(count_or(part->text_of("PartNumber"), 0)),
                     unquoted(part->text_of("ETag"))});
  PAWL_TRY(const cloud::Object object,
           cloud_.s3.complete_upload(bucket, key, call.param("uploadId"), parts,
                                     conditions_in(call.headers), call.now));
  const std::string where =
      fmt::format("http://{}/{}/{}", call.headers.get_or("Host", ""), bucket, url_encode(key, "/"));
  return xml_answer(call, 200,
                    fmt::format("<CompleteMultipartUploadResult xmlns=\"{}\">{}{}{}{}"
                                "</CompleteMultipartUploadResult>",
                                kS3Namespace, element("Location", where), element("Bucket", bucket),
                                element("Key", key), element("ETag", quoted(object.etag))));
}

Result<ServerResponse> S3Face::list_parts(const AwsCall& call) {
  PAWL_TRY(const cloud::Upload upload,
           cloud_.s3.find_upload(bucket_of(call), key_of(call), call.param("uploadId")));
  constexpr size_t kMostParts = 1000;
  const size_t limit = std::min(count_or(call.param("max-parts"), kMostParts), kMostParts);
  const int after = static_cast<int>(count_or(call.param("part-number-marker"), 0));
  std::string parts;
  size_t count = 0;
  int last = after;
  bool truncated = false;
  for (auto it = upload.parts.upper_bound(after); it != upload.parts.end(); ++it) {
    if (count == limit) {
      truncated = true;
      break;
    }
    ++count;
    last = it->first;
    parts += "<Part>" + element("PartNumber", std::to_string(last)) +
             element("LastModified", s3_time(it->second.last_modified)) +
             element("ETag", quoted(it->second.blob.md5)) +
             element("Size", std::to_string(it->second.blob.size)) + "</Part>";
  }
  return xml_answer(
      call, 200,
      fmt::format("<ListPartsResult xmlns=\"{}\">{}{}{}{}{}{}{}{}{}</ListPartsResult>",
                  kS3Namespace, element("Bucket", upload.bucket), element("Key", upload.key),
                  element("UploadId", upload.id), shown_owner(cloud_.account.id),
                  element("StorageClass", "STANDARD"),
                  element("PartNumberMarker", std::to_string(after)) +
                      element("NextPartNumberMarker", std::to_string(last)),
                  element("MaxParts", std::to_string(limit)),
                  element("IsTruncated", truncated ? "true" : "false"), parts));
}

Result<ServerResponse> S3Face::list_uploads(const AwsCall& call) {
  const std::string bucket = bucket_of(call);
  const std::string prefix = call.param("prefix");
  PAWL_TRY(const auto uploads, cloud_.s3.uploads(bucket));
  std::string list;
  for (const cloud::Upload& upload : uploads) {
    if (upload.key.compare(0, prefix.size(), prefix) != 0) continue;
    list += "<Upload>" + element("Key", shown_key(call, upload.key)) +
            element("UploadId", upload.id) + shown_owner(cloud_.account.id) +
            element("StorageClass", "STANDARD") + element("Initiated", s3_time(upload.initiated)) +
            "</Upload>";
  }
  return xml_answer(call, 200,
                    fmt::format("<ListMultipartUploadsResult xmlns=\"{}\">{}{}{}{}"
                                "</ListMultipartUploadsResult>",
                                kS3Namespace, element("Bucket", bucket), element("Prefix", prefix),
                                element("IsTruncated", "false"), list));
}

}  // namespace pawl::sandbox
