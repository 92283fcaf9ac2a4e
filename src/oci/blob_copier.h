// The blobs of a copy, all at once as far as the limits allow: each is asked for at the target (and
// mounted, within one registry), and brought when it is not there. The first that fails stops the
// others.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "oci/copy_work.h"

namespace pawl::oci {

class BlobCopier {
 public:
  explicit BlobCopier(CopyWork& work);

  /// All of these manifests; what is on its way for another one already is waited for. `needed` may
  /// be nullptr: nothing is sent before it says yes, and nothing at all when it says no.
  Task<Result<void>> bring_all(std::vector<Manifest> manifests, Answer* needed);

 private:
  /// How it ended, for everybody who needs the blob.
  struct End {
    Answer is_there;
    Result<void> outcome;
  };
  struct Blob {
    Descriptor descriptor;
    size_t index;  // in progress_
    std::shared_ptr<End> end;
  };
  struct Work {
    std::vector<Blob> ours;
    std::vector<std::shared_ptr<End>> of_others;
  };
  /// What the questions about one blob have brought.
  struct Answers {
    Result<std::optional<uint64_t>> size_at_target = std::optional<uint64_t>();
    Result<bool> mounted = false;
    std::optional<Upload> begun;       // left by a mount that was not made
    std::optional<std::string> bytes;  // of a small one, checked
  };

  Work divide(const std::vector<Manifest>& manifests);
  Task<void> bring_one(Blob blob, Answer* needed, std::stop_source stop, Result<void>* outcome);
  Task<Result<BlobState>> bring(Blob blob, Answer* needed);
  Task<void> ask(Descriptor blob, Answers* answers);
  Task<void> look(Digest digest, Answers* answers);
  Task<void> mount(Digest digest, Answers* answers);
  Task<void> fetch(Digest digest, Answers* answers);
  Task<Result<void>> send(Blob blob, Answers answers);
  bool can_mount() const;
  void show(size_t index, BlobState state);

  CopyWork& work_;
  Limiter jobs_;
  Limiter small_jobs_;
  std::vector<BlobProgress> progress_;
  std::map<Digest, std::shared_ptr<End>> known_;
};

}  // namespace pawl::oci
