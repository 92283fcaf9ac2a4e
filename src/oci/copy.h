// An image from one repository to another, with its digest, its whole index and what is attached to
// it (signatures, attestations). Idempotent: what the target has is left alone, children go before
// what names them, and the tag moves last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oci/blob_transfer.h"
#include "oci/repository.h"

namespace pawl::oci {

enum class BlobState { waiting, checking, copying, retrying, present, mounted, copied, failed };

struct BlobProgress {
  Digest digest;
  uint64_t size = 0;
  uint64_t done = 0;
  BlobState state = BlobState::waiting;
};

/// Told from the loop, often (with every chunk): a view must look at its own clock.
class CopyObserver {
 public:
  virtual ~CopyObserver() = default;
  /// `blobs` grows and changes in place; `changed` is an index into it.
  virtual void on_blob(const std::vector<BlobProgress>& blobs, size_t changed) {
    (void)blobs, (void)changed;
  }
};

constexpr size_t kSmallJobsForEachJob = 7;

struct CopyOptions {
  /// Only that platform's manifest, instead of the whole index (the digest is then the manifest's).
  std::optional<Platform> platform;
  /// Which manifest of an index is reported as the platform's.
  Platform report_platform = default_platform();
  bool referrers = true;
  /// Blobs on their way at a time; questions to the target go ahead of them.
  size_t jobs = 6;
  /// Of small ones (4 MiB at most), beside the others: over a slow network they are round trips.
  size_t small_jobs = kSmallJobsForEachJob * 6;
  TransferOptions transfer;
};

struct CopyRequest {
  std::string source_reference;           // a tag or a digest
  std::optional<std::string> target_tag;  // none: by digest alone
  std::optional<Digest> expected;         // refuse to copy anything else
};

struct CopyReport {
  Digest digest = Digest::of("");  // of what the tag names
  Digest platform_digest =
      Digest::of("");  // of the manifest for report_platform; `digest` when there is none
  bool has_platform = false;
  bool was_there = false;  // the target had it all, tag included
  uint64_t bytes_copied = 0;
  int blobs_copied = 0;
  int blobs_mounted = 0;
  int blobs_present = 0;
  int manifests_copied = 0;
  int referrers_copied = 0;
  std::vector<std::string> warnings;
};

/// `observer` may be nullptr. Repositories and observer must outlive the task.
Task<Result<CopyReport>> copy_image(Repository& source, Repository& target, CopyRequest request,
                                    CopyOptions options, CopyObserver* observer);

}  // namespace pawl::oci
