// The upload verbs of Repository: sessions that begin with a POST and whose URL is in the Location
// of each answer.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
#include <fmt/format.h>

#include <charconv>

#include "base/encoding.h"
#include "oci/repository.h"

namespace pawl::oci {
namespace {

std::string with_query(std::string url, std::string_view name, std::string_view value) {
  url += url.find('?') == std::string::npos ? '?' : '&';
  return url += fmt::format("{}={}", name, url_encode(value));
}

uint64_t number_in(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// A registry that moves a large blob to its place (or to S3) before it answers is silent meanwhile.
constexpr std::chrono::minutes kSilenceAtTheEnd{5};

HttpRequest streaming(std::string_view method, std::string url, std::shared_ptr<BodySource> source,
                      size_t buffer_bytes) {
  HttpRequest request;
  request.method = std::string(method);
  request.url = std::move(url);
  request.headers.set("Content-Type", "application/octet-stream");
  request.timeout = std::chrono::milliseconds(0);
  request.stall_timeout = kSilenceAtTheEnd;
  request.source = std::move(source);
  request.buffer_bytes = buffer_bytes;
  return request;
}

}  // namespace

Result<uint64_t> received_from_range(std::string_view range) {
  if (range.starts_with("bytes=")) range.remove_prefix(6);
  const size_t dash = range.find('-');
  uint64_t last = 0;
  const char* const end = range.data() + range.size();
  const bool starts_at_zero = range.substr(0, dash) == "0";
  const auto parsed = dash == std::string_view::npos
                          ? std::from_chars_result{end, std::errc::invalid_argument}
                          : std::from_chars(range.data() + dash + 1, end, last);
  if (!starts_at_zero || parsed.ec != std::errc() || parsed.ptr != end || last > kMaxBlobBytes)
    return Error(ErrorKind::corrupt,
                 fmt::format("'{}' is not a range of received bytes", range.substr(0, 100)));
  // "0-0" says both "nothing" and "one byte"; sending a byte again would break the blob, asking for
  // it anew would not, so it counts as nothing.
  return last == 0 ? 0 : last + 1;
}

Result<Upload> Repository::next_upload(const HttpResponse& response) const {
  const auto location = response.headers.get("Location");
  if (!location)
    return Error(ErrorKind::corrupt,
                 fmt::format("{} began an upload and did not say where", registry_.host()));
  PAWL_TRY(auto url, registry_.locate(response.url, *location));
  return Upload{std::move(url), number_in(response.headers.get_or("OCI-Chunk-Min-Length", ""))};
}

Task<Result<bool>> Repository::mount_blob(Digest digest, std::string from_path,
                                          std::optional<Upload>* begun) {
  HttpRequest post = request("POST", fmt::format("blobs/uploads/?mount={}&from={}",
                                                 url_encode(digest.str()), url_encode(from_path)));
  const Access both{path_, push_, from_path};
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(std::move(post), both));
  if (response.status == 201) co_return true;
  if (response.status == 202) {
    PAWL_CO_TRY(*begun, next_upload(response));
    co_return false;
  }
  // Registries that do not mount should begin an upload, and some answer 4xx: a plain upload
  // follows, and says what is wrong when it is not the mount.
  if (response.status >= 400 && response.status < 500) co_return false;
  co_return explain(response, "POST");
}

Result<void> Repository::check_stored(const HttpResponse& response, const Digest& digest) const {
  const auto said = Digest::parse(response.headers.get_or("Docker-Content-Digest", ""));
  if (!said.ok() || *said == digest) return ok();
  return Error(ErrorKind::corrupt, fmt::format("{} stored {} under the digest {}", full_name(),
                                               digest.str(), said->str()));
}

// nullopt: it is stored. Else the upload that was begun instead, as registries do that take no blob
// in one request.
Task<Result<std::optional<Upload>>> Repository::post_blob(Digest digest, std::string bytes) {
  auto post = request("POST", "blobs/uploads/?digest=" + url_encode(digest.str()));
  post.headers.set("Content-Type", "application/octet-stream");
  post.body = std::move(bytes);
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(std::move(post), access()));
  if (response.status == 201) {
    PAWL_CO_CHECK(check_stored(response, digest));
    co_return std::optional<Upload>();
  }
  registry_.lacks_single_post = true;
  if (response.status == 202) {
    PAWL_CO_TRY(auto upload, next_upload(response));
    co_return std::optional(std::move(upload));
  }
  PAWL_CO_TRY(auto upload, co_await start_upload());
  co_return std::optional(std::move(upload));
}

Task<Result<void>> Repository::put_blob(Digest digest, std::string bytes) {
  std::optional<Upload> begun;
  if (registry_.lacks_single_post) {
    PAWL_CO_TRY(begun, co_await start_upload());
  } else {
    PAWL_CO_TRY(begun, co_await post_blob(digest, bytes));
    if (!begun) co_return Result<void>();
  }
  HttpRequest put;
  put.method = "PUT";
  put.url = with_query(begun->url, "digest", digest.str());
  put.headers.set("Content-Type", "application/octet-stream");
  put.body = std::move(bytes);
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send_once(std::move(put), access()));
  if (response.status != 201 && response.status != 204) co_return explain(response, "PUT");
  co_return check_stored(response, digest);
}

Task<Result<Upload>> Repository::start_upload() {
  auto post = request("POST", "blobs/uploads/");
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(std::move(post), access()));
  if (response.status != 202) co_return explain(response, "POST");
  co_return next_upload(response);
}

Task<Result<void>> Repository::finish_upload(Upload upload, Digest digest,
                                             std::shared_ptr<BodySource> source,
                                             size_t buffer_bytes) {
  auto put = streaming("PUT", with_query(upload.url, "digest", digest.str()), std::move(source),
                       buffer_bytes);
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send_once(std::move(put), access()));
  if (response.status != 201 && response.status != 204) co_return explain(response, "PUT");
  co_return check_stored(response, digest);
}

Task<Result<Upload>> Repository::send_chunk(Upload upload, uint64_t offset,
                                            std::shared_ptr<BodySource> source) {
  const auto size = source->size();
  auto patch = streaming("PATCH", upload.url, std::move(source), kLargeBlobBuffer);
  if (size && *size > 0)
    patch.headers.set("Content-Range", fmt::format("{}-{}", offset, offset + *size - 1));
  PAWL_CO_TRY(const HttpResponse response,
              co_await registry_.send_once(std::move(patch), access()));
  if (!response.is_success()) co_return explain(response, "PATCH");
  co_return next_upload(response);
}

Task<Result<Repository::Status>> Repository::upload_status(Upload upload) {
  HttpRequest ask;
  ask.url = upload.url;
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(std::move(ask), access()));
  if (!response.is_success()) co_return explain(response, "GET");
  PAWL_CO_TRY(const uint64_t received,
              received_from_range(response.headers.get_or("Range", "0-0")));
  Status status{upload, received};
  if (response.headers.has("Location")) {
    PAWL_CO_TRY(status.upload, next_upload(response));
  }
  co_return status;
}

Task<Result<void>> Repository::cancel_upload(Upload upload) {
  HttpRequest ask;
  ask.method = "DELETE";
  ask.url = upload.url;
  PAWL_CO_TRY(const HttpResponse response,
              co_await registry_.send_once(std::move(ask), access_to_delete()));
  if (!response.is_success() && response.status != 404) co_return explain(response, "DELETE");
  co_return Result<void>();
}

}  // namespace pawl::oci
