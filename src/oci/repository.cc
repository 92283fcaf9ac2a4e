#include "oci/repository.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "base/encoding.h"
#include "oci/hosts.h"

namespace pawl::oci {
namespace {

constexpr int kMaxReferrerPages = 20;
constexpr int kMaxTagPages = 1000;
constexpr size_t kMaxListBytes = 8u << 20;

// `<https://...>; rel="next"` -> the URL, empty when there is no next page.
std::string next_page(const HttpResponse& response) {
  const std::string link = response.headers.get_or("Link", "");
  const size_t open = link.find('<');
  const size_t close = link.find('>', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  if (link.find("rel=\"next\"", close) == std::string::npos &&
      link.find("rel=next", close) == std::string::npos)
    return {};
  return resolve_url(response.url, link.substr(open + 1, close - open - 1));
}

}  // namespace

Repository::Repository(Registry& registry, std::string name, bool push)
    : registry_(registry),
      name_(std::move(name)),
      path_(repository_path(registry.host(), name_)),
      push_(push) {}

Access Repository::access() const {
  return Access{path_, push_, {}};
}

Access Repository::access_to_delete() const {
  return Access{path_, push_, {}, true};
}

HttpRequest Repository::request(std::string_view method, std::string_view rest) const {
  HttpRequest request;
  request.method = std::string(method);
  request.url = registry_.url(fmt::format("{}/{}", path_, rest));
  return request;
}

Error Repository::explain(const HttpResponse& response, std::string_view method) const {
  return registry_.explain(response, method, name_);
}

Task<Result<std::optional<Digest>>> Repository::head_manifest(std::string reference) {
  HttpRequest ask = request("HEAD", "manifests/" + reference);
  ask.headers.set("Accept", manifest_media_types());
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(std::move(ask), access()));
  if (response.status == 404) co_return std::optional<Digest>();
  if (!response.is_success()) co_return explain(response, "HEAD");
  const auto text = response.headers.get("Docker-Content-Digest");
  auto digest = Digest::parse(text.value_or(""));
  if (!digest.ok()) co_return std::optional<Digest>();
  co_return std::optional(*digest);
}

Task<Result<Manifest>> Repository::get_manifest(std::string reference) {
  HttpRequest ask = request("GET", "manifests/" + reference);
  ask.headers.set("Accept", manifest_media_types());
  ask.max_body_bytes = kMaxManifestBytes;
  ask.redirects = Redirects::follow;
  PAWL_CO_TRY(HttpResponse response, co_await registry_.send(std::move(ask), access()));
  const auto wanted = Digest::parse(reference);
  const std::string what =
      fmt::format("the manifest of {}{}{}", full_name(), wanted.ok() ? "@" : ":", reference);
  if (response.status == 404) {
    Error absent = explain(response, "GET");
    co_return Error(ErrorKind::not_found, fmt::format("{} does not exist: {}", what, absent.what()))
        .with_hint(fmt::format(
            "check the name, and that it was pushed: skopeo list-tags docker://{}", full_name()))
        .with_code(absent.code())
        .with_http_status(404);
  }
  if (!response.is_success()) co_return explain(response, "GET");
  PAWL_CO_TRY(Manifest manifest, parse_manifest(std::move(response.body),
                                                response.headers.get_or("Content-Type", ""), what));
  const auto said = Digest::parse(response.headers.get_or("Docker-Content-Digest", ""));
  for (const auto& expected : {&wanted, &said})
    if (expected->ok() && **expected != manifest.digest)
      co_return Error(ErrorKind::corrupt, fmt::format("{} came as {} and not as {}", what,
                                                      manifest.digest.str(), (*expected)->str()));
  co_return manifest;
}

Task<Result<PutManifest>> Repository::put_manifest(Manifest manifest, std::string reference) {
  HttpRequest put = request("PUT", "manifests/" + reference);
  put.headers.set("Content-Type", manifest.media_type);
  put.body = manifest.bytes;
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(std::move(put), access()));
  if (!response.is_success()) co_return explain(response, "PUT");
  PAWL_CO_CHECK(check_stored(response, manifest.digest));
  co_return PutManifest{manifest.digest, response.headers.has("OCI-Subject"),
                        response.headers.has("Docker-Content-Digest")};
}

Task<Result<void>> Repository::delete_manifest(std::string reference) {
  auto ask = request("DELETE", "manifests/" + reference);
  PAWL_CO_TRY(const HttpResponse response,
              co_await registry_.send(std::move(ask), access_to_delete()));
  if (!response.is_success() && response.status != 404) co_return explain(response, "DELETE");
  co_return Result<void>();
}

Task<Result<std::vector<std::string>>> Repository::tags() {
  std::vector<std::string> all;
  HttpRequest ask = request("GET", "tags/list?n=1000");
  for (int page = 0; page < kMaxTagPages; ++page) {
    ask.max_body_bytes = kMaxListBytes;
    PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(ask, access()));
    if (!response.is_success()) co_return explain(response, "GET");
    PAWL_CO_TRY(const auto list,
                parse_json_object(response.body, "the list of tags of " + full_name()));
    if (const json::value* names = list.if_contains("tags"); names && names->is_array())
      for (const json::value& name : names->get_array())
        if (name.is_string()) all.emplace_back(name.get_string());
    ask.url = next_page(response);
    if (ask.url.empty()) break;
  }
  co_return all;
}

Task<Result<std::vector<Descriptor>>> Repository::referrers(Digest subject) {
  if (registry_.lacks_referrers_api) co_return co_await referrers_by_tag(subject);
  std::vector<Descriptor> all;
  HttpRequest ask = request("GET", "referrers/" + subject.str());
  for (int page = 0; page < kMaxReferrerPages; ++page) {
    ask.headers.set("Accept", std::string(kOciIndex));
    ask.max_body_bytes = kMaxManifestBytes;
    PAWL_CO_TRY(HttpResponse response, co_await registry_.send(ask, access()));
    const std::string type = response.headers.get_or("Content-Type", "");
    if (!response.is_success() || !type.starts_with(kOciIndex)) {
      // 404 is the specified "not here"; ECR and others have answered 400, 403 and 405.
      registry_.lacks_referrers_api = true;
      co_return co_await referrers_by_tag(subject);
    }
    PAWL_CO_TRY(const Manifest list,
                parse_manifest(std::move(response.body), kOciIndex,
                               fmt::format("the referrers of {}@{}", full_name(), subject.str())));
    all.insert(all.end(), list.manifests.begin(), list.manifests.end());
    ask.url = next_page(response);
    if (ask.url.empty()) break;
  }
  co_return all;
}

Task<Result<std::vector<Descriptor>>> Repository::referrers_by_tag(Digest subject) {
  auto list = co_await get_manifest(referrers_tag(subject));
  if (!list.ok() && list.error().kind() == ErrorKind::not_found)
    co_return std::vector<Descriptor>();
  if (!list.ok()) co_return std::move(list).error();
  co_return std::move(list->manifests);
}

Task<Result<std::optional<uint64_t>>> Repository::head_blob(Digest digest) {
  HttpRequest ask = request("HEAD", "blobs/" + digest.str());
  ask.redirects = Redirects::follow;
  PAWL_CO_TRY(const HttpResponse response, co_await registry_.send(std::move(ask), access()));
  if (response.status == 404) co_return std::optional<uint64_t>();
  // A link to a blob store that was signed for GET does not do for HEAD. To send a blob that is
  // there costs time; to take one for there that is not would break the image.
  if (!response.is_success() && !registry_.is_ours(response.url))
    co_return std::optional<uint64_t>();
  if (!response.is_success()) co_return explain(response, "HEAD");
  const std::string length = response.headers.get_or("Content-Length", "0");
  uint64_t size = 0;
  std::from_chars(length.data(), length.data() + length.size(), size);
  co_return std::optional(size);
}

Task<Result<std::string>> Repository::get_blob(Digest digest, size_t max_bytes) {
  HttpRequest ask = request("GET", "blobs/" + digest.str());
  ask.redirects = Redirects::follow;
  ask.max_body_bytes = max_bytes;
  PAWL_CO_TRY(HttpResponse response, co_await registry_.send(std::move(ask), access()));
  if (!response.is_success()) co_return explain(response, "GET");
  if (Digest::of(response.body) != digest)
    co_return Error(ErrorKind::corrupt,
                    fmt::format("{} sent other bytes than {}", full_name(), digest.str()));
  co_return std::move(response.body);
}

Task<Result<HttpResponse>> Repository::read_blob(Digest digest, uint64_t from,
                                                 std::shared_ptr<BodySink> sink,
                                                 size_t buffer_bytes) {
  HttpRequest ask = request("GET", "blobs/" + digest.str());
  if (from > 0) ask.headers.set("Range", fmt::format("bytes={}-", from));
  ask.redirects = Redirects::follow;
  ask.sink = std::move(sink);
  ask.timeout = std::chrono::milliseconds(0);
  ask.buffer_bytes = buffer_bytes;
  PAWL_CO_TRY(HttpResponse response, co_await registry_.send_once(std::move(ask), access()));
  if (!response.is_success()) co_return explain(response, "GET");
  co_return response;
}

Task<Result<void>> Repository::delete_blob(Digest digest) {
  auto ask = request("DELETE", "blobs/" + digest.str());
  PAWL_CO_TRY(const HttpResponse response,
              co_await registry_.send(std::move(ask), access_to_delete()));
  if (!response.is_success() && response.status != 404) co_return explain(response, "DELETE");
  co_return Result<void>();
}

std::string referrers_tag(const Digest& subject) {
  return fmt::format("sha256-{}", subject.hex());
}

}  // namespace pawl::oci
