#include "aws/file_body.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/encoding.h"
#include "base/hash.h"

namespace pawl::aws {
namespace {

constexpr size_t kReadBytes = 128u << 10;

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  bool ok() const { return fd_ >= 0; }
  /// Bytes read; 0 at the end; -1 on failure.
  ssize_t read_at(std::span<std::byte> buffer, uint64_t offset) const {
    while (true) {
      const ssize_t got = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
      if (got >= 0 || errno != EINTR) return got;
    }
  }

 private:
  int fd_;
};

class FileRange : public BodySource {
 public:
  FileRange(std::string path, uint64_t offset, uint64_t length)
      : path_(std::move(path)), offset_(offset), length_(length) {}

  Chunk read(std::span<std::byte> buffer) override {
    if (done_ == length_) {
      file_.reset();
      return {Flow::end, 0};
    }
    // Opened late and closed early: a thousand bodies may wait in line.
    if (!file_) file_ = std::make_unique<OpenFile>(path_);
    if (!file_->ok()) return {Flow::abort, 0};
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(buffer.size(), length_ - done_));
    const ssize_t got = file_->read_at(buffer.first(wanted), offset_ + done_);
    if (got <= 0) return {Flow::abort, 0};
    done_ += static_cast<uint64_t>(got);
    return {Flow::ready, static_cast<size_t>(got)};
  }
  std::optional<uint64_t> size() const override { return length_; }
  bool rewind() override {
    done_ = 0;
    return true;
  }

 private:
  std::string path_;
  uint64_t offset_;
  uint64_t length_;
  uint64_t done_ = 0;
  std::unique_ptr<OpenFile> file_;
};

// S3's ETags are MD5; nothing here relies on its strength.
class Md5 {
 public:
  Md5() : context_(EVP_MD_CTX_new()) {
    PAWL_ASSERT(context_ != nullptr && EVP_DigestInit_ex(context_, EVP_md5(), nullptr) == 1);
  }
  ~Md5() { EVP_MD_CTX_free(context_); }
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;

  void update(std::span<const std::byte> bytes) {
    PAWL_ASSERT(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
  }
  std::array<uint8_t, 16> finish() {
    std::array<uint8_t, 16> hash{};
    unsigned length = 0;
    PAWL_ASSERT(EVP_DigestFinal_ex(context_, hash.data(), &length) == 1 && length == hash.size());
    return hash;
  }

 private:
  EVP_MD_CTX* context_;
};

Error cannot_read(const std::string& path) {
  return Error(ErrorKind::storage, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

}  // namespace

std::shared_ptr<BodySource> file_range(std::string path, uint64_t offset, uint64_t length) {
  return std::make_shared<FileRange>(std::move(path), offset, length);
}

Result<FileHashes> hash_file(const std::string& path, uint64_t offset, uint64_t length) {
  const OpenFile file(path);
  if (!file.ok()) return cannot_read(path);
  std::array<std::byte, kReadBytes> buffer;
  Sha256Stream sha256;
  Md5 md5;
  FileHashes hashes;
  while (hashes.size < length) {
    const auto wanted =
        static_cast<size_t>(std::min<uint64_t>(buffer.size(), length - hashes.size));
    const ssize_t got = file.read_at(std::span(buffer).first(wanted), offset + hashes.size);
    if (got < 0) return cannot_read(path);
    if (got == 0) break;
    const auto bytes = std::span<const std::byte>(buffer).first(static_cast<size_t>(got));
    sha256.update(bytes);
    md5.update(bytes);
    hashes.size += bytes.size();
  }
  hashes.sha256 = hex_encode(sha256.finish());
  hashes.md5 = hex_encode(md5.finish());
  return hashes;
}

Result<std::string> etag_of_parts(const std::string& path, uint64_t size, uint64_t part_bytes) {
  Md5 over_parts;
  uint64_t parts = 0;
  const OpenFile file(path);
  if (!file.ok()) return cannot_read(path);
  std::array<std::byte, kReadBytes> buffer;
  for (uint64_t offset = 0; offset < size; ++parts) {
    Md5 part;
    const uint64_t end = std::min(size, offset + part_bytes);
    while (offset < end) {
      const auto wanted = static_cast<size_t>(std::min<uint64_t>(buffer.size(), end - offset));
      const ssize_t got = file.read_at(std::span(buffer).first(wanted), offset);
      if (got <= 0) return cannot_read(path);
      part.update(std::span<const std::byte>(buffer).first(static_cast<size_t>(got)));
      offset += static_cast<uint64_t>(got);
    }
    const auto hash = part.finish();
    over_parts.update(std::as_bytes(std::span(hash)));
  }
  return fmt::format("{}-{}", hex_encode(over_parts.finish()), parts);
}

}  // namespace pawl::aws
