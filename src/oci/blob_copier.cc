#include "oci/blob_copier.h"

#include <algorithm>

#include "base/log.h"

namespace pawl::oci {
namespace {

/// Up to here a blob is a matter of round trips and not of bandwidth (at 100 Mbit/s: 0.3 s).
constexpr uint64_t kSmallBlobBytes = 4u << 20;
/// Up to here it is held in memory and sent in one request: configs, signatures, SBOMs.
constexpr uint64_t kInMemoryBytes = 64u << 10;

Error stopped() {
  return Error(ErrorKind::interrupted, "the copy was stopped");
}

}  // namespace

BlobCopier::BlobCopier(CopyWork& work)
    : work_(work),
      jobs_(std::max<size_t>(work.options.jobs, 1)),
      small_jobs_(std::max<size_t>(work.options.small_jobs, 1)) {}

void BlobCopier::show(size_t index, BlobState state) {
  progress_[index].state = state;
  if (work_.observer) work_.observer->on_blob(progress_, index);
}

bool BlobCopier::can_mount() const {
  return work_.source.registry().base_url() == work_.target.registry().base_url() &&
         work_.source.path() != work_.target.path();
}

Task<Result<void>> BlobCopier::bring_all(std::vector<Manifest> manifests, Answer* needed) {
  const Work work = divide(manifests);
  const std::stop_token inherited = co_await current_stop();
  std::stop_source stop;
  std::stop_callback forward(inherited, [&stop] { stop.request_stop(); });
  TaskContext context{stop.get_token()};
  Result<void> outcome;
  Scope scope(&context);
  for (const Blob& blob : work.ours) scope.spawn(bring_one(blob, needed, stop, &outcome));
  co_await scope.join();
  PAWL_CO_CHECK(outcome);
  // Attachments share blobs (the empty config), and a manifest is refused while a part is missing.
  for (const auto& end : work.of_others) {
    (void)co_await end->is_there.wait();
    PAWL_CO_CHECK(end->outcome);
  }
  co_return outcome;
}

BlobCopier::Work BlobCopier::divide(const std::vector<Manifest>& manifests) {
  Work work;
  std::vector<Blob>& blobs = work.ours;
  for (const Manifest& manifest : manifests)
    for (const Descriptor& blob : manifest.blobs) {
      if (blob.is_foreign) continue;
      const auto [known, is_new] = known_.try_emplace(blob.digest);
      if (is_new) {
        known->second = std::make_shared<End>();
        blobs.push_back({blob, 0, known->second});
      } else {
        work.of_others.push_back(known->second);
      }
    }
  // The largest first: what is left at the end is short.
  std::stable_sort(blobs.begin(), blobs.end(), [](const Blob& a, const Blob& b) {
    return a.descriptor.size > b.descriptor.size;
  });
  for (Blob& blob : blobs) {
    blob.index = progress_.size();
    progress_.push_back({blob.descriptor.digest, blob.descriptor.size, 0, BlobState::waiting});
  }
  return work;
}

Task<void> BlobCopier::bring_one(Blob blob, Answer* needed, std::stop_source stop,
                                 Result<void>* outcome) {
  auto brought = co_await bring(blob, needed);
  if (!brought.ok()) {
    show(blob.index, BlobState::failed);
    // The others end as "interrupted" because of this one: the first error is the one to tell.
    if (outcome->ok()) *outcome = brought.error();
    blob.end->outcome = std::move(brought).error();
    stop.request_stop();
    blob.end->is_there.say(false);
    co_return;
  }
  progress_[blob.index].done = blob.descriptor.size;
  work_.report.blobs_copied += *brought == BlobState::copied;
  work_.report.blobs_mounted += *brought == BlobState::mounted;
  work_.report.blobs_present += *brought == BlobState::present;
  show(blob.index, *brought);
  blob.end->is_there.say(true);
}

Task<Result<BlobState>> BlobCopier::bring(Blob blob, Answer* needed) {
  Answers answers;
  {
    auto permit = co_await work_.questions.acquire();
    if ((co_await current_stop()).stop_requested()) co_return stopped();
    show(blob.index, BlobState::checking);
    co_await ask(blob.descriptor, &answers);
  }
  PAWL_CO_TRY(const bool mounted, std::move(answers.mounted));
  if (mounted) co_return BlobState::mounted;
  PAWL_CO_TRY(const auto there, std::move(answers.size_at_target));
  if (there) {
    if (answers.begun) (void)co_await work_.target.cancel_upload(*answers.begun);
    co_return BlobState::present;
  }
  if (needed != nullptr) {
    const bool is_needed = co_await needed->wait();
    if (!is_needed) co_return BlobState::present;
  }
  Limiter& jobs = blob.descriptor.size <= kSmallBlobBytes ? small_jobs_ : jobs_;
  auto permit = co_await jobs.acquire();
  if ((co_await current_stop()).stop_requested()) co_return stopped();
  show(blob.index, BlobState::copying);
  auto sent = co_await send(blob, std::move(answers));
  if (!sent.ok())
    co_return std::move(sent).error().while_doing("copying the layer " +
                                                  blob.descriptor.digest.short_form());
  co_return BlobState::copied;
}

// A mount succeeds whether the blob is there or not, and a small one is as soon got as asked for:
// whatever is asked is asked at the same time.
Task<void> BlobCopier::ask(Descriptor blob, Answers* answers) {
  Scope scope(co_await current_context());
  scope.spawn(look(blob.digest, answers));
  if (can_mount())
    scope.spawn(mount(blob.digest, answers));
  else if (blob.size <= kInMemoryBytes)
    scope.spawn(fetch(blob.digest, answers));
  co_await scope.join();
}

Task<void> BlobCopier::look(Digest digest, Answers* answers) {
  answers->size_at_target = co_await work_.target.head_blob(digest);
}

Task<void> BlobCopier::mount(Digest digest, Answers* answers) {
  answers->mounted = co_await work_.target.mount_blob(digest, work_.source.path(), &answers->begun);
}

// Whatever goes wrong here goes wrong again, and is told, where it is fetched with care.
Task<void> BlobCopier::fetch(Digest digest, Answers* answers) {
  auto got = co_await work_.source.get_blob(digest, kInMemoryBytes);
  if (got.ok()) answers->bytes = std::move(got).value();
}

Task<Result<void>> BlobCopier::send(Blob blob, Answers answers) {
  const Descriptor& what = blob.descriptor;
  if (answers.bytes && answers.bytes->size() == what.size) {
    auto put = co_await work_.target.put_blob(what.digest, std::move(*answers.bytes));
    if (put.ok()) {
      work_.report.bytes_copied += what.size;
      co_return put;
    }
    const ErrorKind kind = put.error().kind();
    if (kind == ErrorKind::denied || kind == ErrorKind::interrupted) co_return put;
    log_debug("{}; once more, with care", put.error().message());
  }
  const auto on_progress = [this, index = blob.index](uint64_t done, bool retrying) {
    progress_[index].done = done;
    show(index, retrying ? BlobState::retrying : BlobState::copying);
  };
  BlobTransfer transfer(work_.source, work_.target, what, std::move(answers.begun),
                        work_.options.transfer, on_progress);
  auto transferred = co_await transfer.run();
  work_.report.bytes_copied += transfer.bytes_sent();
  co_return transferred;
}

}  // namespace pawl::oci
