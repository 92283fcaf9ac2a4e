// Large files go up in parts, some at a time; what fails is aborted, so that nobody pays for parts
// that belong to nothing.
#include <fmt/format.h>

#include <algorithm>

#include "aws/file_body.h"
#include "aws/s3.h"
#include "aws/s3_requests.h"
#include "aws/xml.h"
#include "base/encoding.h"
#include "base/log.h"
#include "engine/parallel.h"

namespace pawl::aws {
namespace {

constexpr uint64_t kPartBytes = 8u << 20;
constexpr uint64_t kMaxParts = 10'000;
constexpr size_t kPartsAtOnce = 4;
constexpr std::chrono::minutes kPartTimeout{10};

}  // namespace

uint64_t part_bytes_for(uint64_t size) {
  return std::max(kPartBytes, (size + kMaxParts - 1) / kMaxParts);
}

Task<Result<ObjectInfo>> S3::put_in_parts(PutRequest request, FileOnDisk file) {
  PAWL_CO_TRY(auto upload, co_await begin_upload(request));
  const uint64_t part_bytes = part_bytes_for(file.size);
  const auto count = static_cast<size_t>((file.size + part_bytes - 1) / part_bytes);
  std::vector<UploadedPart> parts(count);
  const auto send_part = [&](size_t index) -> Task<Result<void>> {
    PAWL_CO_TRY(parts[index],
                co_await put_part(request.bucket, request.key, file, upload, index, part_bytes));
    co_return ok();
  };
  auto sent = co_await for_each_index(count, kPartsAtOnce, send_part);
  if (sent.ok()) {
    auto completed = co_await complete_upload(request, file, upload, parts);
    if (completed.ok() || completed.error().outcome_unknown()) co_return completed;
    sent = std::move(completed).error();
  }
  // Also when we were asked to stop: hence without the inherited stop token.
  co_await with_stop(std::stop_token(), abort_upload(request.bucket, request.key, upload));
  co_return std::move(sent).error();
}

Task<Result<std::string>> S3::begin_upload(PutRequest request) {
  Call call = s3_call("PutObject", "POST");
  call.query = "uploads=";
  request.if_match.clear();
  request.if_none_match = false;
  set_put_headers(call, request);
  // Then each part carries its own: what a bucket with Object Lock demands, and what shows damage.
  call.headers.set("x-amz-checksum-algorithm", "SHA256");
  PAWL_CO_TRY(auto response, co_await send(std::move(call), request.bucket, request.key));
  PAWL_CO_TRY(auto answer, parse_xml(response.body, "the answer of CreateMultipartUpload"));
  std::string upload = answer.text_of("UploadId");
  if (upload.empty()) co_return Error(ErrorKind::corrupt, "S3 gave no UploadId");
  co_return upload;
}

Task<Result<UploadedPart>> S3::put_part(std::string bucket, std::string key, FileOnDisk file,
                                        std::string upload, size_t index, uint64_t part_bytes) {
  const uint64_t offset = index * part_bytes;
  const uint64_t length = std::min(part_bytes, file.size - offset);
  PAWL_CO_TRY(auto hashes, hash_file(file.path, offset, length));
  if (hashes.size != length)
    co_return Error(ErrorKind::conflict, fmt::format("{} became shorter meanwhile", file.path));
  Call call = s3_call("PutObject", "PUT");
  call.query = fmt::format("partNumber={}&uploadId={}", index + 1, url_encode(upload));
  call.source = file_range(file.path, offset, length);
  call.payload_hash = hashes.sha256;
  call.timeout = kPartTimeout;
  UploadedPart part;
  part.checksum = checksum_header(hashes.sha256);
  set_checksum(call, hashes.sha256);
  PAWL_CO_TRY(auto response, co_await send(std::move(call), bucket, key));
  part.etag = bare_etag(response.headers.get_or("ETag", ""));
  if (part.etag.empty())
    co_return Error(ErrorKind::corrupt, fmt::format("S3 gave no ETag of part {}", index + 1));
  co_return part;
}

Task<Result<ObjectInfo>> S3::complete_upload(PutRequest request, FileOnDisk file,
                                             std::string upload, std::vector<UploadedPart> parts) {
  Call call = s3_call("PutObject", "POST");
  call.query = "uploadId=" + url_encode(upload);
  set_put_headers(call, request);  // for the preconditions
  call.headers.remove("x-amz-meta-sha256");
  call.headers.remove("Cache-Control");
  call.headers.remove("Content-Encoding");
  call.headers.set("Content-Type", "application/xml");
  call.body = complete_upload_body(parts);
  call.timeout = kPartTimeout;
  call.repeat = Repeat::when_not_done;  // the second time there is no such upload any more
  auto response = co_await send(std::move(call), request.bucket, request.key);
  Result<std::string> etag = Error(ErrorKind::internal, "no answer");
  if (response.ok()) {
    etag = read_etag_answer(response->body, "s3:PutObject");
  } else {
    etag = std::move(response).error();
  }
  if (!etag.ok() && etag.error().outcome_unknown()) {
    // No answer does not mean not done: what is there tells.
    auto there = co_await head(request.bucket, request.key);
    if (there.ok() && *there && (*there)->sha256 == request.sha256) etag = (*there)->etag;
  }
  if (!etag.ok()) co_return std::move(etag).error();
  ObjectInfo info;
  info.key = std::move(request.key);
  info.size = file.size;
  info.etag = *etag;
  info.content_type = std::move(request.content_type);
  info.cache_control = std::move(request.cache_control);
  info.sha256 = std::move(request.sha256);
  info.content_encoding = std::move(request.content_encoding);
  co_return info;
}

Task<void> S3::abort_upload(std::string bucket, std::string key, std::string upload) {
  Call call = s3_call("AbortMultipartUpload", "DELETE");
  call.query = "uploadId=" + url_encode(upload);
  auto aborted = co_await send(std::move(call), bucket, key);
  if (!aborted.ok())
    log_debug("the parts of s3://{}/{} could not be taken back: {}", bucket, key,
              aborted.error().message());
}

}  // namespace pawl::aws
