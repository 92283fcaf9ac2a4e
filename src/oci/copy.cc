#include "oci/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <stop_token>

#include "base/log.h"
#include "oci/limiter.h"
#include "oci/referrers.h"

namespace pawl::oci {
namespace {

constexpr size_t kQuestionsAtATime = 12;
// Indexes of indexes exist; deeper than this nobody means it.
constexpr int kMaxIndexDepth = 4;
// Signatures of attestations of images.
constexpr int kMaxReferrerDepth = 3;
constexpr size_t kMaxManifests = 1000;

template <class A, class B>
Task<std::pair<A, B>> both(Task<A> a, Task<B> b) {
  std::optional<A> first;
  std::optional<B> second;
  Scope scope(co_await current_context());
  scope.spawn(detail::store_result(std::move(a), &first));
  scope.spawn(detail::store_result(std::move(b), &second));
  co_await scope.join();
  co_return std::pair<A, B>(std::move(*first), std::move(*second));
}

class ImageCopy {
 public:
  ImageCopy(Repository& source, Repository& target, CopyRequest request, CopyOptions options,
            CopyObserver* observer)
      : source_(source),
        target_(target),
        request_(std::move(request)),
        options_(options),
        observer_(observer),
        questions_(kQuestionsAtATime),
        jobs_(std::max<size_t>(options_.jobs, 1)) {}

  Task<Result<CopyReport>> run() {
    PAWL_CO_TRY(const Manifest root, co_await find_root());
    PAWL_CO_CHECK(co_await gather(root, kMaxIndexDepth));
    auto blobs = copy_blobs(missing_);
    auto question = list_referrers(family_);
    auto [copied, attached] = co_await both(std::move(blobs), std::move(question));
    PAWL_CO_CHECK(std::move(copied));
    PAWL_CO_TRY(const std::vector<Attached> referrers, std::move(attached));
    PAWL_CO_CHECK(co_await put_manifests());
    PAWL_CO_CHECK(co_await copy_referrers(referrers, kMaxReferrerDepth));
    PAWL_CO_CHECK(co_await name_it(root));
    co_return std::move(report_);
  }

 private:
  struct Blob {
    Descriptor descriptor;
    size_t index;  // in progress_
  };
  struct Attached {
    Descriptor referrer;
    Digest subject;
  };

  Task<Result<Manifest>> find_root();
  Task<Result<std::optional<Digest>>> what_tag_names();
  Task<Result<void>> choose_platform(Manifest* root);
  Task<Result<void>> gather(Manifest manifest, int depth);
  Task<Result<void>> gather_child(Descriptor child, int depth);
  Task<Result<void>> gather_children(Manifest parent, bool is_present, int depth);
  Task<Result<void>> copy_blobs(std::vector<Manifest> manifests);
  Task<void> copy_blob(Blob blob, std::stop_source stop, Result<void>* outcome);
  Task<Result<BlobState>> bring(Blob blob);
  Task<Result<void>> put_manifests();
  Task<Result<void>> put_by_digest(Manifest manifest);
  Task<Result<std::vector<Attached>>> list_referrers(std::vector<Manifest> subjects);
  Task<Result<void>> copy_referrers(std::vector<Attached> referrers, int depth);
  Task<Result<void>> copy_referrer(Attached attached, int depth);
  Task<Result<void>> attach(Manifest referrer, Digest subject);
  Task<Result<void>> name_it(Manifest root);
  const Manifest* instead_of_index(const Manifest& root, const Error& error) const;
  Task<Result<bool>> is_at_target(Digest digest);
  Task<Result<Manifest>> from_source(Digest digest);

  void show(size_t index, BlobState state) {
    progress_[index].state = state;
    if (observer_) observer_->on_blob(progress_, index);
  }
  bool is_same_registry() const {
    return source_.registry().base_url() == target_.registry().base_url();
  }

  Repository& source_;
  Repository& target_;
  CopyRequest request_;
  CopyOptions options_;
  CopyObserver* observer_;
  Limiter questions_;
  Limiter jobs_;
  CopyReport report_;
  std::vector<Manifest> family_;   // the image and, of an index, what is in it
  std::vector<Manifest> missing_;  // of those, what the target lacks, children first
  std::vector<BlobProgress> progress_;
  std::set<Digest> blobs_seen_;
  std::set<Digest> manifests_seen_;
};

// What is to be copied, and whether the target's tag says that already: both sides are asked at
// once.
Task<Result<Manifest>> ImageCopy::find_root() {
  auto asked = source_.get_manifest(request_.source_reference);
  auto named = what_tag_names();
  auto [got, tagged] = co_await both(std::move(asked), std::move(named));
  PAWL_CO_TRY(Manifest root, std::move(got));
  PAWL_CO_TRY(const std::optional<Digest> there, std::move(tagged));
  PAWL_CO_CHECK(co_await choose_platform(&root));
  if (request_.expected && *request_.expected != root.digest)
    co_return Error(ErrorKind::refused, fmt::format("{}:{} is {} now, and {} was asked for",
                                                    source_.full_name(), request_.source_reference,
                                                    root.digest.str(), request_.expected->str()));
  report_.digest = root.digest;
  report_.was_there = there && *there == root.digest;
  co_return root;
}

Task<Result<std::optional<Digest>>> ImageCopy::what_tag_names() {
  if (!request_.target_tag) co_return std::optional<Digest>();
  co_return co_await target_.head_manifest(*request_.target_tag);
}

Task<Result<void>> ImageCopy::choose_platform(Manifest* root) {
  report_.platform_digest = root->digest;
  report_.has_platform = root->kind == ManifestKind::image;
  if (root->kind != ManifestKind::index) co_return Result<void>();
  const Platform wanted = options_.platform.value_or(options_.report_platform);
  const Descriptor* entry = find_platform(*root, wanted);
  if (entry != nullptr) {
    report_.platform_digest = entry->digest;
    report_.has_platform = true;
  }
  if (!options_.platform) co_return Result<void>();
  if (entry == nullptr)
    co_return Error(ErrorKind::not_found,
                    fmt::format("{}:{} has nothing for {}; it has {}", source_.full_name(),
                                request_.source_reference, wanted.str(), list_platforms(*root)));
  const std::string digest = entry->digest.str();
  PAWL_CO_TRY(*root, co_await source_.get_manifest(digest));
  co_return Result<void>();
}

Task<Result<bool>> ImageCopy::is_at_target(Digest digest) {
  auto permit = co_await questions_.acquire();
  PAWL_CO_TRY(const auto there, co_await target_.head_manifest(digest.str()));
  co_return there.has_value();
}

Task<Result<Manifest>> ImageCopy::from_source(Digest digest) {
  auto permit = co_await questions_.acquire();
  co_return co_await source_.get_manifest(digest.str());
}

Task<Result<void>> ImageCopy::gather(Manifest manifest, int depth) {
  manifests_seen_.insert(manifest.digest);
  bool is_present = report_.was_there;
  if (!is_present) {
    PAWL_CO_TRY(is_present, co_await is_at_target(manifest.digest));
  }
  co_return co_await gather_children(std::move(manifest), is_present, depth);
}

// The target is asked while the source sends.
Task<Result<void>> ImageCopy::gather_child(Descriptor child, int depth) {
  auto sent = from_source(child.digest);
  auto asked = is_at_target(child.digest);
  auto [manifest, present] = co_await both(std::move(sent), std::move(asked));
  PAWL_CO_TRY(Manifest got, std::move(manifest));
  PAWL_CO_TRY(const bool is_present, std::move(present));
  co_return co_await gather_children(std::move(got), is_present, depth);
}

// A manifest that the target has is complete there: registries refuse those whose parts are
// missing.
Task<Result<void>> ImageCopy::gather_children(Manifest parent, bool is_present, int depth) {
  if (depth == 0 || manifests_seen_.size() > kMaxManifests)
    co_return Error(ErrorKind::corrupt, fmt::format("the index {} of {} holds too much",
                                                    parent.digest.str(), source_.full_name()));
  family_.push_back(parent);
  if (is_present) co_return Result<void>();
  std::vector<Task<Result<void>>> children;
  for (const Descriptor& child : parent.manifests)
    if (manifests_seen_.insert(child.digest).second)
      children.push_back(gather_child(child, depth - 1));
  const auto outcomes = co_await when_all(std::move(children));
  for (const auto& outcome : outcomes)
    if (!outcome.ok()) co_return outcome;
  missing_.push_back(std::move(parent));
  co_return Result<void>();
}

// All blobs at once as far as the limits allow. The first that fails stops the others.
Task<Result<void>> ImageCopy::copy_blobs(std::vector<Manifest> manifests) {
  std::vector<Blob> blobs;
  for (const Manifest& manifest : manifests)
    for (const Descriptor& blob : manifest.blobs)
      if (!blob.is_foreign && blobs_seen_.insert(blob.digest).second) blobs.push_back({blob, 0});
  // The largest first: what is left at the end is short.
  std::stable_sort(blobs.begin(), blobs.end(), [](const Blob& a, const Blob& b) {
    return a.descriptor.size > b.descriptor.size;
  });
  for (Blob& blob : blobs) {
    blob.index = progress_.size();
    progress_.push_back({blob.descriptor.digest, blob.descriptor.size, 0, BlobState::waiting});
  }
  const std::stop_token inherited = co_await current_stop();
  std::stop_source stop;
  std::stop_callback forward(inherited, [&stop] { stop.request_stop(); });
  TaskContext context{stop.get_token()};
  Result<void> outcome;
  Scope scope(&context);
  for (const Blob& blob : blobs) scope.spawn(copy_blob(blob, stop, &outcome));
  co_await scope.join();
  co_return outcome;
}

Task<void> ImageCopy::copy_blob(Blob blob, std::stop_source stop, Result<void>* outcome) {
  auto brought = co_await bring(blob);
  if (!brought.ok()) {
    show(blob.index, BlobState::failed);
    // The others end as "interrupted" because of this one: the first error is the one to tell.
    if (outcome->ok()) *outcome = std::move(brought).error();
    stop.request_stop();
    co_return;
  }
  progress_[blob.index].done = blob.descriptor.size;
  report_.blobs_copied += *brought == BlobState::copied;
  report_.blobs_mounted += *brought == BlobState::mounted;
  report_.blobs_present += *brought == BlobState::present;
  show(blob.index, *brought);
}

Task<Result<BlobState>> ImageCopy::bring(Blob blob) {
  const Digest digest = blob.descriptor.digest;
  std::optional<Upload> begun;
  {
    auto permit = co_await questions_.acquire();
    if ((co_await current_stop()).stop_requested())
      co_return Error(ErrorKind::interrupted, "the copy was stopped");
    show(blob.index, BlobState::checking);
    if (is_same_registry() && source_.path() != target_.path()) {
      PAWL_CO_TRY(const bool mounted, co_await target_.mount_blob(digest, source_.path(), &begun));
      if (mounted) co_return BlobState::mounted;
    }
    PAWL_CO_TRY(const auto size, co_await target_.head_blob(digest));
    if (size) {
      if (begun) (void)co_await target_.cancel_upload(*begun);
      co_return BlobState::present;
    }
  }
  auto permit = co_await jobs_.acquire();
  if ((co_await current_stop()).stop_requested())
    co_return Error(ErrorKind::interrupted, "the copy was stopped");
  show(blob.index, BlobState::copying);
  const auto on_progress = [this, index = blob.index](uint64_t done, bool retrying) {
    progress_[index].done = done;
    show(index, retrying ? BlobState::retrying : BlobState::copying);
  };
  BlobTransfer transfer(source_, target_, blob.descriptor, std::move(begun), options_.transfer,
                        on_progress);
  auto transferred = co_await transfer.run();
  report_.bytes_copied += transfer.bytes_sent();
  if (!transferred.ok())
    co_return std::move(transferred)
        .error()
        .while_doing("copying the layer " + digest.short_form());
  co_return BlobState::copied;
}

// By digest, images before indexes: whoever looks never sees an index whose parts are missing. What
// the tag will name is put under the tag, in name_it(): one request fewer.
Task<Result<void>> ImageCopy::put_manifests() {
  const bool by_tag = request_.target_tag.has_value();
  std::vector<Task<Result<void>>> images;
  for (const Manifest& manifest : missing_)
    if (manifest.kind != ManifestKind::index && !(by_tag && manifest.digest == report_.digest))
      images.push_back(put_by_digest(manifest));
  const auto outcomes = co_await when_all(std::move(images));
  for (const auto& outcome : outcomes)
    if (!outcome.ok()) co_return outcome;
  for (const Manifest& manifest : missing_)
    if (manifest.kind == ManifestKind::index && !(by_tag && manifest.digest == report_.digest))
      PAWL_CO_CHECK(co_await put_by_digest(manifest));
  co_return Result<void>();
}

Task<Result<void>> ImageCopy::put_by_digest(Manifest manifest) {
  auto permit = co_await questions_.acquire();
  const std::string digest = manifest.digest.str();
  PAWL_CO_CHECK(co_await target_.put_manifest(std::move(manifest), digest));
  ++report_.manifests_copied;
  co_return Result<void>();
}

Task<Result<void>> ImageCopy::name_it(Manifest root) {
  if (!request_.target_tag || report_.was_there) co_return Result<void>();
  const std::string tag = *request_.target_tag;
  auto put = co_await target_.put_manifest(root, tag);
  if (!put.ok()) {
    const Manifest* instead = instead_of_index(root, put.error());
    if (instead == nullptr) co_return std::move(put).error();
    report_.warnings.push_back(
        fmt::format("{} takes no index: {}:{} names the manifest for {} alone", target_.full_name(),
                    target_.full_name(), tag, options_.report_platform.str()));
    report_.digest = instead->digest;
    PAWL_CO_CHECK(co_await target_.put_manifest(*instead, tag));
  }
  ++report_.manifests_copied;
  PAWL_CO_TRY(const auto now, co_await target_.head_manifest(tag));
  if (now && *now != report_.digest)
    co_return Error(ErrorKind::conflict,
                    fmt::format("{}:{} names {} although {} was just put there: someone else moves "
                                "the same tag",
                                target_.full_name(), tag, now->str(), report_.digest.str()));
  co_return Result<void>();
}

// What to name where a registry says that it does not know indexes; nullptr for any other error.
const Manifest* ImageCopy::instead_of_index(const Manifest& root, const Error& error) const {
  const int status = error.http_status();
  const bool is_refusal = status == 400 || status == 405 || status == 415;
  if (root.kind != ManifestKind::index || !is_refusal || !report_.has_platform) return nullptr;
  const auto found = std::find_if(family_.begin(), family_.end(), [this](const Manifest& manifest) {
    return manifest.digest == report_.platform_digest;
  });
  return found == family_.end() ? nullptr : &*found;
}

Task<Result<std::vector<ImageCopy::Attached>>> ImageCopy::list_referrers(
    std::vector<Manifest> subjects) {
  std::vector<Attached> all;
  if (!options_.referrers) co_return all;
  // Whether the source has the API is learnt from the first answer.
  for (const Manifest& subject : subjects) {
    auto listed = co_await source_.referrers(subject.digest);
    if (!listed.ok())
      co_return std::move(listed).error().while_doing("listing what is attached to " +
                                                      subject.digest.short_form());
    for (const Descriptor& referrer : *listed)
      if (manifests_seen_.insert(referrer.digest).second) all.push_back({referrer, subject.digest});
  }
  co_return all;
}

Task<Result<void>> ImageCopy::copy_referrers(std::vector<Attached> referrers, int depth) {
  for (const Attached& attached : referrers) PAWL_CO_CHECK(co_await copy_referrer(attached, depth));
  co_return Result<void>();
}

Task<Result<void>> ImageCopy::copy_referrer(Attached attached, int depth) {
  auto sent = from_source(attached.referrer.digest);
  auto asked = is_at_target(attached.referrer.digest);
  auto [got, there] = co_await both(std::move(sent), std::move(asked));
  PAWL_CO_TRY(Manifest manifest, std::move(got));
  PAWL_CO_TRY(const bool present, std::move(there));
  if (!present) {
    std::vector<Manifest> alone{manifest};
    PAWL_CO_CHECK(co_await copy_blobs(std::move(alone)));
    PAWL_CO_CHECK(co_await attach(manifest, attached.subject));
  }
  if (depth <= 1) co_return Result<void>();
  std::vector<Manifest> itself{std::move(manifest)};
  PAWL_CO_TRY(auto deeper, co_await list_referrers(std::move(itself)));
  co_return co_await copy_referrers(std::move(deeper), depth - 1);
}

// A target that refuses attachments (ECR has answered 405) still gets its image, with a warning.
Task<Result<void>> ImageCopy::attach(Manifest referrer, Digest subject) {
  auto put = co_await target_.put_manifest(referrer, referrer.digest.str());
  Result<void> noted;
  if (!put.ok())
    noted = std::move(put).error();
  else if (!put->subject_noted)
    noted = co_await note_referrer(target_, subject, referrer);
  if (noted.ok()) {
    ++report_.referrers_copied;
    co_return noted;
  }
  const Error& error = noted.error();
  if (error.kind() == ErrorKind::interrupted || is_transient(error.kind())) co_return noted;
  report_.warnings.push_back(fmt::format("{} could not be attached at {}: {}",
                                         referrer.digest.short_form(), target_.full_name(),
                                         error.message()));
  co_return Result<void>();
}

}  // namespace

Task<Result<CopyReport>> copy_image(Repository& source, Repository& target, CopyRequest request,
                                    CopyOptions options, CopyObserver* observer) {
  const std::string activity =
      fmt::format("copying {}{}{} to {}", source.full_name(),
                  request.source_reference.starts_with("sha256:") ? "@" : ":",
                  request.source_reference, target.full_name());
  ImageCopy copy(source, target, std::move(request), options, observer);
  auto report = co_await copy.run();
  co_return std::move(report).while_doing(activity);
}

}  // namespace pawl::oci
