// One blob from one registry to another: GET into PUT through a small buffer, hashed on the way.
// The last bytes are held back until the hash is right, so that wrong content can never complete an
// upload, whatever the target checks itself.
//
// Either side may fail in the middle. When the source does, the rest is asked for with a Range
// while the upload goes on waiting. When the target does, it is asked how much it kept, and both
// sides go on from there, or from the beginning when it kept nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "oci/repository.h"

namespace pawl::oci {

struct TransferOptions {
  size_t buffer_bytes = 256u << 10;
  /// Between places in the stream that a resumed transfer can take its hash up from.
  uint64_t checkpoint_bytes = 8u << 20;
  /// Of one PATCH, where a registry refuses the blob in one piece.
  uint64_t chunk_bytes = 16u << 20;
};

class BlobTransfer {
 public:
  /// `on_progress` is told how much of the blob is on its way; it may go back when work is lost.
  using OnProgress = std::function<void(uint64_t done, bool retrying)>;

  /// `begun`: an upload that a refused mount has left.
  BlobTransfer(Repository& source, Repository& target, Descriptor blob, std::optional<Upload> begun,
               TransferOptions options, OnProgress on_progress);

  Task<Result<void>> run();
  /// What went over the wire to the target, repeated parts included.
  uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  struct Checkpoint {
    uint64_t offset;
    Sha256Stream hash;
  };
  enum class Verdict { open, right, wrong };
  enum class Remedy { none, resume, whole, in_chunks };

  Remedy remedy_for(const Error& error);
  Task<Result<void>> stream();
  Task<Result<void>> send(BytePipe& pipe);
  Task<void> download(BytePipe& pipe, Result<void>* outcome);
  Task<Result<void>> catch_up();
  Task<Result<bool>> find_position();
  Task<Result<void>> pause(const Error& error, int failures);
  size_t buffer_bytes() const;
  bool take(std::span<const std::byte> bytes);
  void go_back_to(uint64_t offset);
  void restart();
  Error mismatch() const;

  Repository& source_;
  Repository& target_;
  Descriptor blob_;
  TransferOptions options_;
  OnProgress on_progress_;

  std::optional<Upload> upload_;
  uint64_t kept_ = 0;      // what the target is known to have
  uint64_t position_ = 0;  // of the next byte from the source
  Sha256Stream hash_;      // over [0, position_)
  std::vector<Checkpoint> checkpoints_;
  Verdict verdict_ = Verdict::open;
  bool source_failed_ = false;
  bool in_chunks_ = false;
  bool was_resumed_ = false;
  bool may_resume_ = true;
  uint64_t bytes_sent_ = 0;
};

}  // namespace pawl::oci
