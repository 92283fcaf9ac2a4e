// Blobs of the registry and the uploads that bring them.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "sandbox/registry/answers.h"
#include "sandbox/registry/registry.h"

namespace pawl::sandbox {
namespace {

constexpr size_t kReadBytes = 128u << 10;

class File {
 public:
  File(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

bool hash_file(const std::filesystem::path& path, Sha256Stream& hash) {
  File file(path, O_RDONLY);
  if (file.fd() < 0) return false;
  std::array<std::byte, 64u << 10> buffer;
  for (;;) {
    const ssize_t count = ::read(file.fd(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    hash.update(std::span(buffer.data(), static_cast<size_t>(count)));
  }
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct ByteRange {
  uint64_t first = 0;
  uint64_t last = 0;
};

// "bytes=10-", "bytes=10-19", "bytes=-5"; nullopt when there is none that can be answered.
std::optional<ByteRange> parse_range(std::string_view header, uint64_t size) {
  if (!header.starts_with("bytes=") || size == 0) return std::nullopt;
  header.remove_prefix(6);
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_number(header.substr(0, dash));
  const auto last = parse_number(header.substr(dash + 1));
  if (!first && !last) return std::nullopt;
  if (!first) return ByteRange{size - std::min(size, *last), size - 1};
  if (*first >= size || (last && *last < *first)) return std::nullopt;
  return ByteRange{*first, std::min(last.value_or(size - 1), size - 1)};
}

std::string new_upload_id(Entropy& entropy) {
  const uint64_t high = entropy.next(), low = entropy.next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xfff, (low >> 48) & 0xfff, low & 0xffffffffffff);
}

ServerResponse unknown_blob() {
  return registry_error(404, "BLOB_UNKNOWN", "blob unknown to registry");
}

ServerResponse created(const std::string& repository, const Digest& digest) {
  ServerResponse response;
  response.status = 201;
  response.headers.set("Location", fmt::format("/v2/{}/blobs/{}", repository, digest.str()));
  response.headers.set("Docker-Content-Digest", digest.str());
  return response;
}

}  // namespace

ServerResponse Registry::blob(ServerRequest& request, const Route& route) {
  auto digest = Digest::parse(route.reference);
  if (!digest.ok()) return registry_error(400, "DIGEST_INVALID", digest.error().message());
  const auto size = store_.find_blob(route.repository, *digest);
  if (!size) return unknown_blob();
  if (request.method() == "GET" || request.method() == "HEAD")
    return get_blob(request, *digest, *size);
  if (request.method() != "DELETE")
    return registry_error(405, "UNSUPPORTED", "the operation is unsupported");
  auto removed = store_.unlink_blob(route.repository, *digest);
  if (!removed.ok()) return registry_error(500, "UNKNOWN", removed.error().message());
  ServerResponse response;
  response.status = 202;
  return response;
}

ServerResponse Registry::get_blob(ServerRequest& request, const Digest& digest,
                                  uint64_t size) const {
  ServerResponse response;
  response.headers.set("Content-Type", "application/octet-stream");
  response.headers.set("Docker-Content-Digest", digest.str());
  response.headers.set("Accept-Ranges", "bytes");
  response.headers.set("ETag", fmt::format("\"{}\"", digest.str()));
  if (request.method() == "HEAD") {
    response.headers.set("Content-Length", std::to_string(size));
    return response;
  }
  FileBody body{store_.blob_path(digest).string(), 0, size};
  const std::string wanted = request.headers().get_or("Range", "");
  if (!wanted.empty()) {
    const auto range = parse_range(wanted, size);
    if (!range) {
      auto refused = registry_error(416, "RANGE_INVALID", "invalid content range");
      refused.headers.set("Content-Range", fmt::format("bytes */{}", size));
      return refused;
    }
    response.status = 206;
    response.headers.set("Content-Range",
                         fmt::format("bytes {}-{}/{}", range->first, range->last, size));
    body.offset = range->first;
    body.length = range->last - range->first + 1;
  }
  response.body = std::move(body);
  return response;
}

ServerResponse Registry::upload_state(int status, const Route& route, const Upload& upload) const {
  ServerResponse response;
  response.status = status;
  response.headers.set("Location",
                       fmt::format("/v2/{}/blobs/uploads/{}", route.repository, route.reference));
  response.headers.set("Docker-Upload-UUID", route.reference);
  response.headers.set("Range", fmt::format("0-{}", upload.size == 0 ? 0 : upload.size - 1));
  return response;
}

// An upload that a previous process began is taken up again from its file.
Registry::Upload* Registry::find_upload(const Route& route) {
  const auto known = uploads_.find(route.reference);
  if (known != uploads_.end())
    return known->second.repository == route.repository ? &known->second : nullptr;
  if (route.reference.size() != 36 ||
      route.reference.find_first_not_of("0123456789abcdef-") != std::string::npos)
    return nullptr;
  std::error_code failure;
  const auto size = std::filesystem::file_size(store_.upload_path(route.reference), failure);
  if (failure || uploads_.size() >= kMaxUploads) return nullptr;
  Upload resumed{route.repository, size, std::nullopt, false};
  return &uploads_.emplace(route.reference, std::move(resumed)).first->second;
}

Task<ServerResponse> Registry::uploads(ServerRequest& request, const Route& route) {
  const std::string& method = request.method();
  if (route.reference.empty()) {
    if (method == "POST") co_return co_await start_upload(request, route);
    co_return registry_error(405, "UNSUPPORTED", "the operation is unsupported");
  }
  Upload* upload = find_upload(route);
  if (upload == nullptr)
    co_return registry_error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  if (method == "GET" || method == "HEAD") co_return upload_state(204, route, *upload);
  if (upload->busy)
    co_return registry_error(409, "BLOB_UPLOAD_INVALID", "another request writes to this upload");
  if (method == "PATCH") co_return co_await append(request, route, *upload);
  if (method == "PUT") co_return co_await finish(request, route, *upload);
  if (method != "DELETE")
    co_return registry_error(405, "UNSUPPORTED", "the operation is unsupported");
  std::error_code ignored;
  std::filesystem::remove(store_.upload_path(route.reference), ignored);
  uploads_.erase(route.reference);
  ServerResponse response;
  response.status = 204;
  co_return response;
}

Task<ServerResponse> Registry::start_upload(ServerRequest& request, const Route& route) {
  if (const auto mount = request.query("mount")) {
    auto digest = Digest::parse(*mount);
    const std::string from = request.query("from").value_or("");
    if (digest.ok() && !from.empty() && store_.find_blob(from, *digest)) {
      auto linked = store_.link_blob(route.repository, *digest);
      if (!linked.ok()) co_return registry_error(500, "UNKNOWN", linked.error().message());
      co_return created(route.repository, *digest);
    }
  }
  if (uploads_.size() >= kMaxUploads)
    co_return registry_error(429, "TOOMANYREQUESTS", "too many uploads are under way");
  Route started = route;
  started.reference = new_upload_id(entropy_);
  {
    File file(store_.upload_path(started.reference), O_WRONLY | O_CREAT | O_EXCL);
    if (file.fd() < 0)
      co_return registry_error(500, "UNKNOWN", fmt::format("upload: {}", strerror(errno)));
  }
  Upload fresh{route.repository, 0, Sha256Stream(), false};
  Upload& upload = uploads_.emplace(started.reference, std::move(fresh)).first->second;
  if (request.query("digest")) co_return co_await finish(request, started, upload);
  co_return upload_state(202, started, upload);
}

Task<std::optional<RegistryRefusal>> Registry::receive(ServerRequest& request,
                                                       const std::string& id, Upload& upload) {
  File file(store_.upload_path(id), O_WRONLY | O_APPEND);
  if (file.fd() < 0) co_return RegistryRefusal{404, "BLOB_UPLOAD_UNKNOWN", "the upload is gone"};
  std::vector<std::byte> buffer(kReadBytes);
  upload.busy = true;
  // The task may be destroyed while it waits for bytes; the upload outlives it.
  struct Release {
    Upload& upload;
    ~Release() { upload.busy = false; }
  } release{upload};
  for (;;) {
    auto count = co_await request.read_some(buffer);
    if (!count.ok()) co_return RegistryRefusal{400, "BLOB_UPLOAD_INVALID", count.error().message()};
    if (*count == 0) co_return std::nullopt;
    const auto bytes = std::span<const std::byte>(buffer).first(*count);
    if (upload.size + *count > kMaxBlobBytes)
      co_return RegistryRefusal{413, "SIZE_INVALID", "the blob is too large"};
    if (!write_all(file.fd(), bytes))
      co_return RegistryRefusal{507, "UNKNOWN", fmt::format("write: {}", strerror(errno))};
    if (upload.hash) upload.hash->update(bytes);
    upload.size += *count;
  }
}

Task<ServerResponse> Registry::append(ServerRequest& request, const Route& route, Upload& upload) {
  const std::string range = request.headers().get_or("Content-Range", "");
  if (!range.empty()) {
    const auto first = parse_number(std::string_view(range).substr(0, range.find('-')));
    if (!first || *first != upload.size) co_return upload_state(416, route, upload);
  }
  if (auto refusal = co_await receive(request, route.reference, upload))
    co_return registry_error(*refusal);
  co_return upload_state(202, route, upload);
}

Task<ServerResponse> Registry::finish(ServerRequest& request, const Route& route, Upload& upload) {
  auto digest = Digest::parse(request.query("digest").value_or(""));
  if (!digest.ok()) co_return registry_error(400, "DIGEST_INVALID", digest.error().message());
  const std::string range = request.headers().get_or("Content-Range", "");
  if (!range.empty()) {
    const auto first = parse_number(std::string_view(range).substr(0, range.find('-')));
    if (!first || *first != upload.size) co_return upload_state(416, route, upload);
  }
  if (auto refusal = co_await receive(request, route.reference, upload))
    co_return registry_error(*refusal);
  if (!upload.hash) {
    upload.hash.emplace();
    if (!hash_file(store_.upload_path(route.reference), *upload.hash))
      co_return registry_error(500, "UNKNOWN", fmt::format("read the upload: {}", strerror(errno)));
  }
  const Digest actual = Digest::from(upload.hash->finish());
  if (actual != *digest) {
    std::error_code ignored;
    std::filesystem::remove(store_.upload_path(route.reference), ignored);
    uploads_.erase(route.reference);
    co_return registry_error(400, "DIGEST_INVALID",
                             "provided digest did not match uploaded content");
  }
  auto finished = store_.finish_upload(route.reference, route.repository, *digest);
  uploads_.erase(route.reference);
  if (!finished.ok()) co_return registry_error(500, "UNKNOWN", finished.error().message());
  co_return created(route.repository, *digest);
}

}  // namespace pawl::sandbox
