#include "sandbox/aws/s3_face.h"

#include <fmt/format.h>

#include "aws/xml.h"
#include "base/encoding.h"
#include "sandbox/aws/s3_upload.h"
#include "sandbox/aws/s3_wire.h"

namespace pawl::sandbox {

namespace {

const char* object_operation(const AwsCall& call) {
  const bool in_upload = call.has_param("uploadId");
  const std::string& m = call.method;
  for (const char* aspect : {"tagging", "acl", "attributes", "retention", "torrent", "restore"})
    if (call.has_param(aspect)) return "";
  if (m == "PUT" && in_upload && call.has_param("partNumber"))
    return call.headers.has("x-amz-copy-source") ? "UploadPartCopy" : "UploadPart";
  if (m == "PUT") return call.headers.has("x-amz-copy-source") ? "CopyObject" : "PutObject";
  if (m == "GET") return in_upload ? "ListParts" : "GetObject";
  if (m == "HEAD") return "HeadObject";
  if (m == "DELETE") return in_upload ? "AbortMultipartUpload" : "DeleteObject";
  if (m == "POST" && call.has_param("uploads")) return "CreateMultipartUpload";
  if (m == "POST" && in_upload) return "CompleteMultipartUpload";
  return "";
}

const char* bucket_operation(const AwsCall& call) {
  const std::string& m = call.method;
  if (m == "POST") return call.has_param("delete") ? "DeleteObjects" : "";
  for (const char* aspect :
       {"policy", "tagging", "cors", "lifecycle", "website", "encryption", "versioning", "acl",
        "publicAccessBlock", "object-lock", "notification", "logging", "replication", "versions",
        "ownershipControls", "accelerate", "requestPayment"}) {
    if (call.has_param(aspect)) return m == "GET" ? "GetBucketSetting" : "";
  }
  if (m == "PUT") return "CreateBucket";
  if (m == "HEAD") return "HeadBucket";
  if (m == "DELETE") return "DeleteBucket";
  if (m != "GET") return "";
  if (call.has_param("location")) return "GetBucketLocation";
  if (call.has_param("uploads")) return "ListMultipartUploads";
  return call.param("list-type") == "2" ? "ListObjectsV2" : "ListObjects";
}

}  // namespace

void S3Face::name(AwsCall& call) {
  call.protocol = AwsProtocol::rest_xml;
  const std::string bucket = bucket_of(call);
  const std::string key = key_of(call);
  call.resource = key.empty() ? bucket : bucket + "/" + key;
  if (bucket.empty()) {
    call.operation = call.method == "GET" ? "ListBuckets" : "";
  } else {
    call.operation = key.empty() ? bucket_operation(call) : object_operation(call);
  }
}

Result<ServerResponse> S3Face::answer(const AwsCall& call) {
  const std::string& op = call.operation;
  if (op == "GetObject" || op == "HeadObject") return read_object(call);
  if (op == "ListObjectsV2" || op == "ListObjects") return list(call);
  if (op == "CopyObject") return copy(call);
  if (op == "DeleteObject") return remove(call);
  if (op == "DeleteObjects") return remove_many(call);
  if (op == "GetBucketSetting") return settings_of_bucket(call);
  if (op == "UploadPartCopy") return not_played(call);
  if (op == "ListMultipartUploads" || op == "ListParts" || op == "CreateMultipartUpload" ||
      op == "CompleteMultipartUpload" || op == "AbortMultipartUpload")
    return multipart(call);
  return buckets(call);
}

Result<ServerResponse> S3Face::buckets(const AwsCall& call) {
  const std::string name = bucket_of(call);
  cloud::S3& s3 = cloud_.s3;
  if (call.operation == "ListBuckets") {
    std::string list;
    for (const cloud::Bucket& bucket : s3.buckets())
      list += "<Bucket>" + element("Name", bucket.name) +
              element("CreationDate", s3_time(bucket.created)) + "</Bucket>";
    return xml_answer(call, 200,
                      fmt::format("<ListAllMyBucketsResult xmlns=\"{0}\"><Owner><ID>{1}</ID>"
                                  "<DisplayName>{1}</DisplayName></Owner><Buckets>{2}</Buckets>"
                                  "</ListAllMyBucketsResult>",
                                  kS3Namespace, cloud_.account.id, list));
  }
  if (call.operation == "CreateBucket") {
    auto created = s3.create_bucket(name, call.now);
    // Making one's own bucket again is fine in this one region, as documented.
    const bool again = !created.ok() && created.error().code() == "BucketAlreadyOwnedByYou" &&
                       cloud_.account.region == "us-east-1";
    if (!created.ok() && !again) return std::move(created).error();
    ServerResponse response = empty_answer(call, 200);
    response.headers.set("Location", "/" + name);
    return response;
  }
  if (call.operation == "DeleteBucket") {
    PAWL_CHECK(s3.delete_bucket(name, call.now));
    return empty_answer(call, 204);
  }
  PAWL_CHECK(s3.check_bucket(name));
  if (call.operation == "GetBucketLocation") {
    const std::string& region = cloud_.account.region;
    return xml_answer(call, 200,
                      fmt::format("<LocationConstraint xmlns=\"{}\">{}</LocationConstraint>",
                                  kS3Namespace, region == "us-east-1" ? "" : region));
  }
  ServerResponse response = empty_answer(call, 200);
  response.headers.set("x-amz-bucket-region", cloud_.account.region);
  return response;
}

// What a bucket may have and none here has: S3 says so with an error of its own for each.
Result<ServerResponse> S3Face::settings_of_bucket(const AwsCall& call) {
  PAWL_CHECK(cloud_.s3.check_bucket(bucket_of(call)));
  if (call.has_param("versioning"))
    return xml_answer(call, 200,
                      fmt::format("<VersioningConfiguration xmlns=\"{}\"/>", kS3Namespace));
  auto none = [](const char* code, const char* message) {
    return cloud::aws_error(404, code, message);
  };
  if (call.has_param("policy"))
    return none("NoSuchBucketPolicy", "The bucket policy does not exist");
  if (call.has_param("tagging")) return none("NoSuchTagSet", "The TagSet does not exist");
  if (call.has_param("cors"))
    return none("NoSuchCORSConfiguration", "The CORS configuration does not exist");
  if (call.has_param("lifecycle"))
    return none("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist");
  if (call.has_param("website"))
    return none("NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration");
  return not_played(call);
}

Result<ServerResponse> S3Face::read_object(const AwsCall& call) {
  PAWL_TRY(const cloud::Object object, cloud_.s3.head(bucket_of(call), key_of(call)));
  if (auto failed = failed_condition(call, object)) return *std::move(failed);
  PAWL_TRY(const auto range, range_in(call.headers, object.blob.size));
  ServerResponse response = empty_answer(call, range ? 206 : 200);
  // A checksum is of the whole object, so that it does not go with a part of it.
  const bool with_checksums = !range && call.headers.get_or("x-amz-checksum-mode", "") == "ENABLED";
  put_object_headers(object, with_checksums, response.headers);
  for (const char* name : {"content-type", "cache-control", "content-disposition",
                           "content-encoding", "content-language", "expires"}) {
    const std::string wanted = call.param(std::string("response-") + name);
    if (!wanted.empty()) response.headers.set(name, wanted);
  }
  const ByteRange part = range.value_or(ByteRange{0, object.blob.size});
  if (range)
    response.headers.set("Content-Range",
                         fmt::format("bytes {}-{}/{}", part.offset, part.offset + part.length - 1,
                                     object.blob.size));
  if (call.operation == "HeadObject") {
    response.headers.set("Content-Length", std::to_string(part.length));
    return response;
  }
  response.body = FileBody{blobs_.path(object.blob).string(), part.offset, part.length};
  return response;
}

Task<Result<ServerResponse>> S3Face::upload(AwsCall call, ServerRequest& request,
                                            aws::SignatureClaims claims, std::string secret) {
  const std::string bucket = bucket_of(call);
  const std::string key = key_of(call);
  // Before gigabytes are taken for nothing.
  PAWL_CO_CHECK(cloud_.s3.check_bucket(bucket));
  PAWL_CO_TRY(ReceivedBody received,
              co_await receive_body(request, call, claims, std::move(secret), blobs_));
  ServerResponse response = empty_answer(call, 200);
  for (const auto& [algorithm, value] : received.checksums)
    response.headers.set("x-amz-checksum-" + algorithm, value);
  if (call.operation == "UploadPart") {
    const int number = static_cast<int>(count_or(call.param("partNumber"), 0));
    PAWL_CO_TRY(const cloud::Part part,
                cloud_.s3.upload_part(bucket, key, call.param("uploadId"), number,
                                      std::move(received.blob), call.now));
    response.headers.set("ETag", quoted(part.blob.md5));
    co_return response;
  }
  cloud::ObjectMetadata metadata = metadata_in(call.headers);
  metadata.checksums = std::move(received.checksums);
  PAWL_CO_TRY(const cloud::Object object,
              cloud_.s3.put(bucket, key, std::move(received.blob), std::move(metadata),
                            conditions_in(call.headers), call.now));
  response.headers.set("ETag", quoted(object.etag));
  co_return response;
}

Result<ServerResponse> S3Face::copy(const AwsCall& call) {
  std::string source = call.headers.get_or("x-amz-copy-source", "");
  if (const size_t query = source.find('?'); query != std::string::npos) source.resize(query);
  auto decoded = url_decode(source);
  if (decoded.ok()) source = *std::move(decoded);
  if (!source.empty() && source.front() == '/') source.erase(0, 1);
  const size_t slash = source.find('/');
  if (slash == std::string::npos)
    return cloud::aws_error(400, "InvalidArgument",
                            "Copy Source must mention the source bucket "
                            "and key: sourcebucket/sourcekey");
  const std::string from_bucket = source.substr(0, slash);
  const std::string from_key = source.substr(slash + 1);
  PAWL_TRY(const cloud::Object original, cloud_.s3.head(from_bucket, from_key));
  const auto wanted = call.headers.get("x-amz-copy-source-if-match");
  if (wanted && unquoted(*wanted) != original.etag)
    return cloud::aws_error(412, "PreconditionFailed",
                            "At least one of the pre-conditions you specified did not hold");
  std::optional<cloud::ObjectMetadata> metadata;
  if (call.headers.get_or("x-amz-metadata-directive", "COPY") == "REPLACE")
    metadata = metadata_in(call.headers);
  PAWL_TRY(const cloud::Object object,
           cloud_.s3.copy(from_bucket, from_key, bucket_of(call), key_of(call), std::move(metadata),
                          conditions_in(call.headers), call.now));
  return xml_answer(
      call, 200,
      fmt::format("<CopyObjectResult xmlns=\"{}\">{}{}</CopyObjectResult>", kS3Namespace,
                  element("LastModified", s3_time(object.last_modified)),
                  element("ETag", quoted(object.etag))));
}

Result<ServerResponse> S3Face::remove(const AwsCall& call) {
  PAWL_CHECK(
      cloud_.s3.remove(bucket_of(call), key_of(call), conditions_in(call.headers), call.now));
  return empty_answer(call, 204);
}

Result<ServerResponse> S3Face::remove_many(const AwsCall& call) {
  const std::string bucket = bucket_of(call);
  PAWL_CHECK(cloud_.s3.check_bucket(bucket));
  constexpr size_t kMostKeys = 1000;
  auto document = aws::parse_xml(call.body, "the request");
  const auto objects =
      document.ok() ? document->all("Object") : std::vector<const aws::XmlElement*>{};
  if (!document.ok() || document->name != "Delete" || objects.empty() || objects.size() > kMostKeys)
    return cloud::aws_error(400, "MalformedXML",
                            "The XML you provided was not well-formed or did not validate against "
                            "our published schema");
  const bool quiet = document->text_of("Quiet") == "true";
  std::string result;
  for (const aws::XmlElement* object : objects) {
    const std::string key = object->text_of("Key");
    cloud::Conditions conditions;
    conditions.if_match = unquoted(object->text_of("ETag"));
    auto removed = cloud_.s3.remove(bucket, key, conditions, call.now);
    if (!removed.ok()) {
      result += "<Error>" + element("Key", key) + element("Code", removed.error().code()) +
                element("Message", removed.error().what()) + "</Error>";
    } else if (!quiet) {
      result += "<Deleted>" + element("Key", key) + "</Deleted>";
    }
  }
  return xml_answer(
      call, 200, fmt::format("<DeleteResult xmlns=\"{}\">{}</DeleteResult>", kS3Namespace, result));
}

}  // namespace pawl::sandbox
