#include "aws/s3.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/errors.h"
#include "aws/file_body.h"
#include "aws/s3_requests.h"
#include "aws/xml.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"

namespace pawl::aws {
namespace {

constexpr int kMaxListPages = 10'000;
constexpr size_t kPageOfKeys = 1000;  // the most that S3 gives

// What an error is explained by, without the body.
Call described(const Call& call) {
  Call brief;
  brief.action = call.action;
  brief.headers = call.headers;
  return brief;
}

bool is_missing_key(const Error& error) {
  // HEAD has no body, and so no code: then 404 is all there is.
  return error.kind() == ErrorKind::not_found && error.code() != "NoSuchBucket";
}

// Some say so with a status, some with a code: 301 and 307, and 400 for a wrong region in the
// signature. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingRouting.html
bool is_of_another_region(const HttpResponse& response) {
  if (response.status == 301 || response.status == 307) return true;
  if (response.status != 400) return false;
  const std::string code = read_service_error(response).code;
  // HEAD has no body, but the header says where the bucket is.
  return code == "AuthorizationHeaderMalformed" ||
         (code.empty() && response.headers.has("x-amz-bucket-region"));
}

// Empty when the answer does not tell.
std::string region_in(const HttpResponse& response) {
  std::string region = response.headers.get_or("x-amz-bucket-region", "");
  if (region.empty() && !response.body.empty())
    if (auto answer = parse_xml(response.body, "the redirect"); answer.ok())
      region = answer->text_of("Region");
  const bool is_plain =
      region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  return is_plain ? region : "";
}

Error explain(Error error, const Call& call, const std::string& bucket) {
  if (error.http_status() == 301 || error.http_status() == 307 ||
      error.code() == "PermanentRedirect" || error.code() == "AuthorizationHeaderMalformed")
    return std::move(error)
        .as(ErrorKind::config)
        .with_hint(fmt::format("the bucket {} lies in another region: set the environment's "
                               "region to the bucket's",
                               bucket));
  if (error.code() == "NoSuchBucket")
    return std::move(error).with_hint(
        fmt::format("create the bucket {}, or correct its name", bucket));
  const bool is_refused = error.http_status() == 403 && error.kind() == ErrorKind::denied &&
                          (error.code().empty() || error.code() == "AccessDenied");
  const bool names_another =
      error.message().find("not authorized to perform: ") != std::string::npos &&
      error.message().find("not authorized to perform: " + call.action) == std::string::npos;
  if (!is_refused || names_another) return error;
  if (call.action == "s3:GetObject")
    return std::move(error).with_hint(fmt::format(
        "the credentials need s3:GetObject on arn:aws:s3:::{0}/*, and s3:ListBucket on "
        "arn:aws:s3:::{0}: without that S3 answers 403 also for a key that is not there",
        bucket));
  if (call.headers.has("If-Match") && call.action == "s3:DeleteObject")
    return std::move(error).with_hint(fmt::format(
        "the credentials need s3:DeleteObject and, to delete only what was seen, s3:GetObject on "
        "arn:aws:s3:::{}/*",
        bucket));
  return error;
}

}  // namespace

Task<Result<HttpResponse>> S3::send(Call call, std::string bucket, std::string key) {
  const bool in_path = endpoint_of(client_.options(), Service::s3).is_override ||
                       bucket.find('.') != std::string::npos;
  call.path = in_path ? "/" + url_encode(bucket) : "";
  if (!in_path) call.subdomain = bucket;
  if (!key.empty() || !in_path) call.path += "/" + url_encode(key, "/");
  const auto known = regions_.find(bucket);
  if (known != regions_.end()) call.region = known->second;
  if (known == regions_.end()) call.is_answer = is_of_another_region;
  Call again = known == regions_.end() ? call : Call{};
  const Call asked = described(call);
  auto response = co_await client_.send(std::move(call));
  if (response.ok() && is_of_another_region(*response)) {
    again.region = region_in(*response);
    again.is_answer = {};
    if (again.region.empty()) {
      response = error_from(*response, asked.action, false);
    } else {
      log_debug("the bucket {} lies in {}", bucket, again.region);
      regions_[bucket] = again.region;
      response = co_await client_.send(std::move(again));
    }
  } else if (response.ok()) {
    regions_.emplace(bucket, "");
  }
  if (!response.ok())
    co_return explain(std::move(response).error(), asked, bucket)
        .while_doing(fmt::format("working on s3://{}/{}", bucket, key));
  co_return response;
}

Task<Result<std::vector<ObjectInfo>>> S3::list(std::string bucket, std::string prefix,
                                               size_t at_most) {
  std::vector<ObjectInfo> objects;
  std::string token;
  for (int page = 0; page < kMaxListPages; ++page) {
    Call call = s3_call("ListBucket", "GET");
    call.query = "list-type=2&encoding-type=url&prefix=" + url_encode(prefix);
    call.query += fmt::format("&max-keys={}", std::min(at_most - objects.size(), kPageOfKeys));
    if (!token.empty()) call.query += "&continuation-token=" + url_encode(token);
    PAWL_CO_TRY(auto response, co_await send(std::move(call), bucket, ""));
    PAWL_CO_TRY(auto found, read_list_page(response.body));
    objects.insert(objects.end(), std::make_move_iterator(found.objects.begin()),
                   std::make_move_iterator(found.objects.end()));
    token = std::move(found.next);
    if (objects.size() >= at_most) objects.resize(at_most);
    if (token.empty() || objects.size() == at_most) co_return objects;
  }
  co_return Error(ErrorKind::corrupt, fmt::format("the list of s3://{} does not end", bucket));
}

Task<Result<std::optional<ObjectInfo>>> S3::head(std::string bucket, std::string key) {
  Call call = s3_call("GetObject", "HEAD");
  auto response = co_await send(std::move(call), bucket, key);
  if (!response.ok() && is_missing_key(response.error())) co_return std::optional<ObjectInfo>();
  if (!response.ok()) co_return std::move(response).error();
  co_return std::optional<ObjectInfo>(info_from_headers(response->headers, std::move(key)));
}

Task<Result<std::optional<StoredObject>>> S3::get(std::string bucket, std::string key) {
  Call call = s3_call("GetObject", "GET");
  call.max_answer_bytes = kMaxObjectInMemory;
  auto response = co_await send(std::move(call), bucket, key);
  if (!response.ok() && is_missing_key(response.error())) co_return std::optional<StoredObject>();
  if (!response.ok()) co_return std::move(response).error();
  StoredObject object;
  object.info = info_from_headers(response->headers, std::move(key));
  object.info.size = response->body.size();
  object.body = std::move(response->body);
  co_return std::optional<StoredObject>(std::move(object));
}

Task<Result<ObjectInfo>> S3::put(PutRequest request) {
  if (const auto* file = std::get_if<FileOnDisk>(&request.body)) {
    if (request.sha256.empty()) {
      PAWL_CO_TRY(auto hashes, hash_file(file->path, 0, file->size));
      request.sha256 = hashes.sha256;
    }
    if (file->size > kMultipartBytes) {
      FileOnDisk large = *file;
      co_return co_await put_in_parts(std::move(request), std::move(large));
    }
  } else if (request.sha256.empty()) {
    request.sha256 = sha256_hex(std::get<std::string>(request.body));
  }
  co_return co_await put_whole(std::move(request));
}

Task<Result<ObjectInfo>> S3::put_whole(PutRequest request) {
  Call call = s3_call("PutObject", "PUT");
  set_put_headers(call, request);
  set_checksum(call, request.sha256);
  call.payload_hash = request.sha256;
  uint64_t size = 0;
  if (const auto* file = std::get_if<FileOnDisk>(&request.body)) {
    size = file->size;
    call.source = file_range(file->path, 0, file->size);
  } else {
    call.body = std::move(std::get<std::string>(request.body));
    size = call.body.size();
  }
  const bool has_condition = !request.if_match.empty();
  auto response = co_await send(std::move(call), request.bucket, request.key);
  if (!response.ok()) {
    if (response.error().kind() == ErrorKind::corrupt)
      co_return std::move(response).error().with_hint(
          "what arrived is not what was read before: either the file was changed meanwhile, or "
          "something on the way damages what is sent; try again");
    // If-Match of an object that is gone: S3 says 404, the meaning is that someone changed it.
    if (has_condition && is_missing_key(response.error()))
      co_return std::move(response).error().as(ErrorKind::conflict);
    co_return std::move(response).error();
  }
  ObjectInfo info;
  info.key = std::move(request.key);
  info.size = size;
  info.etag = bare_etag(response->headers.get_or("ETag", ""));
  info.content_type = std::move(request.content_type);
  info.cache_control = std::move(request.cache_control);
  info.sha256 = std::move(request.sha256);
  info.content_encoding = std::move(request.content_encoding);
  co_return info;
}

// The source's precondition and the target's own, as CopyObject takes them:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
Task<Result<ObjectInfo>> S3::copy(CopyRequest request) {
  const PutRequest& to = request.to;
  Call call = s3_call("PutObject", "PUT");
  set_put_headers(call, to);
  call.headers.set("x-amz-copy-source",
                   "/" + url_encode(to.bucket) + "/" + url_encode(request.from, "/"));
  call.headers.set("x-amz-metadata-directive", "REPLACE");
  if (!request.from_etag.empty())
    call.headers.set("x-amz-copy-source-if-match", "\"" + request.from_etag + "\"");
  PAWL_CO_TRY(auto response, co_await send(std::move(call), to.bucket, to.key));
  ObjectInfo info;
  PAWL_CO_TRY(info.etag, read_etag_answer(response.body, "s3:PutObject"));
  info.key = to.key;
  info.content_type = to.content_type;
  info.cache_control = to.cache_control;
  info.sha256 = to.sha256;
  info.content_encoding = to.content_encoding;
  co_return info;
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
Task<Result<void>> S3::remove(std::string bucket, std::string key, std::string if_match) {
  Call call = s3_call("DeleteObject", "DELETE");
  const bool has_condition = !if_match.empty();
  if (has_condition) call.headers.set("If-Match", "\"" + if_match + "\"");
  auto response = co_await send(std::move(call), bucket, key);
  // With a precondition S3 answers 404 when nothing is there: gone is what was wanted.
  if (response.ok() || is_missing_key(response.error())) co_return ok();
  if (has_condition && response.error().kind() == ErrorKind::conflict) {
    // A tombstone of a versioned bucket does not match either, nor does what an earlier try of
    // ours, whose answer was lost, has left.
    PAWL_CO_TRY(const auto there, co_await head(bucket, key));
    if (!there) co_return ok();
  }
  co_return std::move(response).error();
}

Task<Result<void>> S3::check_bucket(std::string bucket) {
  Call call = s3_call("ListBucket", "HEAD");
  auto response = co_await send(std::move(call), bucket, "");
  if (response.ok()) co_return ok();
  if (response.error().kind() == ErrorKind::not_found)
    co_return Error(ErrorKind::not_found, fmt::format("there is no bucket {}", bucket));
  co_return std::move(response).error();
}

}  // namespace pawl::aws
