// Pieces of S3's wire format. Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/aws/call.h"
#include "sim/cloud/s3.h"

namespace pawl::sandbox {

constexpr const char* kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::string bucket_of(const AwsCall& call);
std::string key_of(const AwsCall& call);

std::string quoted(const std::string& etag);
std::string unquoted(std::string_view etag);
/// <tag>text</tag>, escaped.
std::string element(const char* tag, std::string_view text);
/// "2026-11-24T11:34:20.000Z"
std::string s3_time(WallTime time);

cloud::ObjectMetadata metadata_in(const Headers& headers);
/// Content-Type, Last-Modified, ETag, x-amz-meta-* and the rest.
void put_object_headers(const cloud::Object& object, bool with_checksums, Headers& headers);
/// If-Match and If-None-Match: * of a write.
cloud::Conditions conditions_in(const Headers& headers);
/// 304, 412 or nothing, as the conditions of a read say.
std::optional<Error> failed_condition(const AwsCall& call, const cloud::Object& object);

struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};
/// nullopt: no (usable) range, all of it. An Error: InvalidRange.
Result<std::optional<ByteRange>> range_in(const Headers& headers, uint64_t size);

}  // namespace pawl::sandbox
