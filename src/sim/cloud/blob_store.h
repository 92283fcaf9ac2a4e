// Where the bodies of S3 objects lie: in memory for the simulator and the tests, on disk for the
// sandbox. The model itself holds only these references.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pawl::cloud {

struct Blob {
  std::string id;
  uint64_t size = 0;
  std::string md5;  // 32 hexadecimal digits
  bool operator==(const Blob&) const = default;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<Blob> put(std::string_view bytes) = 0;
  virtual Result<std::string> read(const Blob& blob, uint64_t offset, uint64_t length) const = 0;
  /// One blob of all these bytes in order; the parts stay.
  virtual Result<Blob> join(const std::vector<Blob>& parts) = 0;
  virtual Result<Blob> duplicate(const Blob& blob) = 0;
  /// Never fails; what is not there is gone already.
  virtual void remove(const Blob& blob) = 0;
};

class MemoryBlobStore : public BlobStore {
 public:
  Result<Blob> put(std::string_view bytes) override;
  Result<std::string> read(const Blob& blob, uint64_t offset, uint64_t length) const override;
  Result<Blob> join(const std::vector<Blob>& parts) override;
  Result<Blob> duplicate(const Blob& blob) override;
  void remove(const Blob& blob) override;
  size_t count() const { return blobs_.size(); }

 private:
  uint64_t next_ = 1;
  std::map<std::string, std::shared_ptr<const std::string>> blobs_;
};

/// MD5 of bytes that come in pieces: S3's ETag.
class Md5Stream {
 public:
  Md5Stream();
  Md5Stream(Md5Stream&&) noexcept;
  Md5Stream& operator=(Md5Stream&&) noexcept;
  ~Md5Stream();
  void update(std::string_view bytes);
  /// The 16 bytes; call once.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};
std::string md5_hex(std::string_view bytes);
std::string hex_of(std::string_view bytes);

}  // namespace pawl::cloud
