// What is attached to an image, copied along: referrers (from the API, or from the tag schema where
// the registry has none) and cosign's older tags beside the image (sha256-<hex>.sig, .att, .sbom).
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#tag-based-discovery
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "oci/blob_copier.h"

namespace pawl::oci {

/// "sha256-ab12....sig": where cosign keeps what belongs to that manifest.
std::string cosign_tag(const Digest& subject, std::string_view suffix);

class Attachments {
 public:
  Attachments(CopyWork& work, BlobCopier& blobs) : work_(work), blobs_(blobs), notes_(1) {}

  struct Attached {
    Descriptor referrer;
    Digest subject;
  };
  struct Found {
    std::vector<Attached> referrers;
    std::vector<std::string> tags;  // cosign's
  };
  /// At the source. The subjects themselves count as seen: an index may list what is attached.
  Task<Result<Found>> find(std::vector<Manifest> subjects);
  /// A target that refuses attachments (ECR has answered 405) still gets its image, with a warning.
  Task<Result<void>> copy(Found found);

 private:
  Task<Result<std::vector<Attached>>> referrers_of(std::vector<Manifest> subjects);
  Task<Result<std::vector<Descriptor>>> list(Digest subject);
  Task<Result<bool>> has_tag(std::string tag);
  Task<Result<std::vector<std::string>>> cosign_tags_of(std::vector<Manifest> subjects);
  Task<Result<void>> copy_all(std::vector<Attached> referrers, int depth);
  Task<Result<void>> copy_one(Attached attached, int depth);
  Task<Result<void>> copy_tag(std::string tag);
  Task<Result<bool>> is_listed_at_target(Digest subject, Digest referrer);
  Task<Result<void>> attach(Manifest referrer, Digest subject);
  Result<void> told(const Result<void>& noted, std::string_view what);

  CopyWork& work_;
  BlobCopier& blobs_;
  Limiter notes_;  // the list of a tag schema is read, changed and written back
  std::set<Digest> seen_;
};

}  // namespace pawl::oci
