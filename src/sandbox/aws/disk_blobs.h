// Bodies of S3 objects as files, so that they survive a restart and are never held in memory:
//
//   ROOT/ab/<id>     a body; ab are the first two digits of its id
//   ROOT/new/<id>    one that is being written
//
// Files that no object names (after a crash) are taken away by sweep().
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>

#include "base/clock.h"
#include "sim/cloud/blob_store.h"

namespace pawl::sandbox {

class DiskBlobStore : public cloud::BlobStore {
 public:
  static Result<std::unique_ptr<DiskBlobStore>> open(std::filesystem::path root, Entropy& entropy);

  Result<cloud::Blob> put(std::string_view bytes) override;
  Result<std::string> read(const cloud::Blob& blob, uint64_t offset,
                           uint64_t length) const override;
  Result<cloud::Blob> join(const std::vector<cloud::Blob>& parts) override;
  Result<cloud::Blob> duplicate(const cloud::Blob& blob) override;
  void remove(const cloud::Blob& blob) override;
  std::filesystem::path path(const cloud::Blob& blob) const;

  /// Writes one body piece by piece. Destroyed unfinished, it leaves nothing.
  class Writer {
   public:
    Writer(Writer&& other) noexcept;
    Writer& operator=(Writer&&) = delete;
    ~Writer();
    Result<void> write(std::string_view bytes);
    Result<cloud::Blob> finish();
    uint64_t size() const { return size_; }

   private:
    friend class DiskBlobStore;
    Writer(DiskBlobStore& store, std::string id, int file);
    DiskBlobStore* store_;
    std::string id_;
    int file_;
    uint64_t size_ = 0;
    cloud::Md5Stream md5_;
  };
  Result<Writer> begin();

  /// Removes what is not in `used`; call it once after the state was read.
  void sweep(const std::set<std::string>& used);

 private:
  DiskBlobStore(std::filesystem::path root, Entropy& entropy)
      : root_(std::move(root)), entropy_(entropy) {}
  std::filesystem::path final_path(const std::string& id) const;
  std::filesystem::path new_path(const std::string& id) const;
  std::string new_id();

  std::filesystem::path root_;
  Entropy& entropy_;
};

}  // namespace pawl::sandbox
