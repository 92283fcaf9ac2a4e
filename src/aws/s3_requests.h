// The shapes of S3's requests and answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/client.h"
#include "engine/ports/object_store.h"

namespace pawl::aws {

/// One part of a multipart upload, as completing it names it.
struct UploadedPart {
  std::string etag;
  std::string checksum;  // base64 of its SHA-256
};

Call s3_call(std::string action, std::string method);
/// Type, caching, metadata and preconditions of a put as headers.
void set_put_headers(Call& call, const PutRequest& request);
/// The hex form as base64 of the bytes, as x-amz-checksum-sha256 has it.
std::string checksum_header(std::string_view sha256_hex);
/// The checksum of what is sent, and which it is: what a bucket with Object Lock demands of a put.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
void set_checksum(Call& call, std::string_view sha256_hex);
/// Without quotes and "W/".
std::string bare_etag(std::string_view etag);
ObjectInfo info_from_headers(const Headers& headers, std::string key);

struct ListPage {
  std::vector<ObjectInfo> objects;
  std::string next;  // empty: the last page
};
Result<ListPage> read_list_page(std::string_view body);
/// A 200 whose body is an <Error>, as copying and completing may give.
Result<std::string> read_etag_answer(std::string_view body, std::string_view action);
std::string complete_upload_body(const std::vector<UploadedPart>& parts);

}  // namespace pawl::aws
