#include "sim/cloud/blob_store.h"

#include <openssl/evp.h>

#include <fmt/format.h>

#include "base/encoding.h"

namespace pawl::cloud {

Result<Blob> MemoryBlobStore::put(std::string_view bytes) {
  Blob blob{std::to_string(next_++), bytes.size(), md5_hex(bytes)};
  blobs_[blob.id] = std::make_shared<const std::string>(bytes);
  return blob;
}

Result<std::string> MemoryBlobStore::read(const Blob& blob, uint64_t offset,
                                          uint64_t length) const {
  auto found = blobs_.find(blob.id);
  if (found == blobs_.end())
    return Error(ErrorKind::corrupt, fmt::format("there is no blob {}", blob.id));
  if (offset > found->second->size()) return std::string();
  return found->second->substr(offset, length);
}

Result<Blob> MemoryBlobStore::join(const std::vector<Blob>& parts) {
  std::string all;
  for (const Blob& part : parts) {
    PAWL_TRY(const std::string bytes, read(part, 0, part.size));
    all += bytes;
  }
  return put(all);
}

Result<Blob> MemoryBlobStore::duplicate(const Blob& blob) {
  auto found = blobs_.find(blob.id);
  if (found == blobs_.end())
    return Error(ErrorKind::corrupt, fmt::format("there is no blob {}", blob.id));
  Blob copy = blob;
  copy.id = std::to_string(next_++);
  blobs_[copy.id] = found->second;
  return copy;
}

void MemoryBlobStore::remove(const Blob& blob) {
  blobs_.erase(blob.id);
}

struct Md5Stream::State {
  State() : context(EVP_MD_CTX_new()) {
    PAWL_ASSERT(context != nullptr && EVP_DigestInit_ex(context, EVP_md5(), nullptr) == 1);
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  EVP_MD_CTX* context;
};

Md5Stream::Md5Stream() : state_(std::make_unique<State>()) {}
Md5Stream::Md5Stream(Md5Stream&&) noexcept = default;
Md5Stream& Md5Stream::operator=(Md5Stream&&) noexcept = default;
Md5Stream::~Md5Stream() = default;

void Md5Stream::update(std::string_view bytes) {
  PAWL_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Md5Stream::finish() {
  unsigned char digest[16];
  unsigned size = 0;
  PAWL_ASSERT(EVP_DigestFinal_ex(state_->context, digest, &size) == 1 && size == sizeof digest);
  return std::string(reinterpret_cast<const char*>(digest), sizeof digest);
}

std::string hex_of(std::string_view bytes) {
  return hex_encode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

std::string md5_hex(std::string_view bytes) {
  // Fetched once: EVP_md5() is looked up anew at each use.
  static const EVP_MD* method = EVP_MD_fetch(nullptr, "MD5", nullptr);
  unsigned char digest[16];
  PAWL_ASSERT(method != nullptr &&
              EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, method, nullptr) == 1);
  return hex_encode({digest, sizeof digest});
}

}  // namespace pawl::cloud
