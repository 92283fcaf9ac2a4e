#include "oci/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "oci/attachments.h"

namespace pawl::oci {
namespace {

// Indexes of indexes exist; deeper than this nobody means it.
constexpr int kMaxIndexDepth = 4;
constexpr size_t kMaxManifests = 1000;
constexpr size_t kMaxImageConfigBytes = 4u << 20;

class ImageCopy {
 public:
  ImageCopy(Repository& source, Repository& target, CopyRequest request, CopyOptions options,
            CopyObserver* observer)
      : work_{source, target, std::move(request), std::move(options), observer, {}},
        blobs_(work_),
        attachments_(work_, blobs_) {}

  Task<Result<CopyReport>> run() {
    PAWL_CO_TRY(const Manifest root, co_await find_root());
    PAWL_CO_CHECK(co_await gather(root));
    auto blobs = bring_blobs();
    auto question = attachments_.find(family_);
    auto [copied, found] = co_await both(std::move(blobs), std::move(question));
    PAWL_CO_CHECK(std::move(copied));
    PAWL_CO_TRY(auto attached, std::move(found));
    PAWL_CO_CHECK(co_await put_manifests());
    PAWL_CO_CHECK(co_await attachments_.copy(std::move(attached)));
    PAWL_CO_CHECK(co_await name_it(root));
    co_return std::move(work_.report);
  }

 private:
  Task<Result<Manifest>> find_root();
  Task<Result<std::optional<Digest>>> what_tag_names();
  Task<Result<std::optional<bool>>> has_what_is_asked_for();
  Task<Result<void>> choose_platform(Manifest* root);
  Task<Result<void>> check_platform(Manifest image, Platform wanted);
  Task<Result<void>> gather(Manifest root);
  Task<Result<void>> gather_child(Descriptor child, int depth);
  Task<Result<void>> gather_children(Manifest parent, bool is_present, int depth);
  Task<Result<void>> bring_blobs();
  Task<Result<void>> ask_for_root(Answer* needed);
  Task<Result<void>> put_manifests();
  Task<Result<void>> put_by_digest(Manifest manifest);
  Task<Result<void>> name_it(Manifest root);
  const Manifest* instead_of_index(const Manifest& root, const Error& error) const;

  CopyWork work_;
  BlobCopier blobs_;
  Attachments attachments_;
  std::optional<bool> root_is_there_;
  std::vector<Manifest> family_;   // the image and, of an index, what is in it
  std::vector<Manifest> missing_;  // of those, what the target lacks, children first
  std::set<Digest> seen_;
};

// What is to be copied, and whether the target has it already, under its tag or by its digest: both
// sides are asked at once.
Task<Result<Manifest>> ImageCopy::find_root() {
  auto asked = work_.source.get_manifest(work_.request.source_reference);
  auto named = what_tag_names();
  auto known = has_what_is_asked_for();
  auto at_target = both(std::move(named), std::move(known));
  auto [got, answers] = co_await both(std::move(asked), std::move(at_target));
  PAWL_CO_TRY(Manifest root, std::move(got));
  PAWL_CO_TRY(const std::optional<Digest> there, std::move(answers.first));
  PAWL_CO_TRY(root_is_there_, std::move(answers.second));
  PAWL_CO_CHECK(co_await choose_platform(&root));
  const CopyRequest& request = work_.request;
  if (request.expected && *request.expected != root.digest)
    co_return Error(
        ErrorKind::refused,
        fmt::format("{}:{} is {} now, and {} was asked for", work_.source.full_name(),
                    request.source_reference, root.digest.str(), request.expected->str()));
  work_.report.digest = root.digest;
  work_.report.was_there = there && *there == root.digest;
  if (work_.report.was_there) root_is_there_ = true;
  co_return root;
}

Task<Result<std::optional<Digest>>> ImageCopy::what_tag_names() {
  if (!work_.request.target_tag) co_return std::optional<Digest>();
  co_return co_await work_.target.head_manifest(*work_.request.target_tag);
}

// nullopt: that can only be asked when the source has said what its tag names.
Task<Result<std::optional<bool>>> ImageCopy::has_what_is_asked_for() {
  const auto digest = Digest::parse(work_.request.source_reference);
  if (!digest.ok() || work_.options.platform) co_return std::optional<bool>();
  PAWL_CO_TRY(const bool there, co_await work_.is_at_target(*digest));
  co_return std::optional(there);
}

Task<Result<void>> ImageCopy::choose_platform(Manifest* root) {
  CopyReport& report = work_.report;
  report.platform_digest = root->digest;
  report.has_platform = root->kind == ManifestKind::image;
  if (root->kind == ManifestKind::image && work_.options.platform)
    co_return co_await check_platform(*root, *work_.options.platform);
  if (root->kind != ManifestKind::index) co_return Result<void>();
  const Platform wanted = work_.options.platform.value_or(work_.options.report_platform);
  const Descriptor* entry = find_platform(*root, wanted);
  if (entry != nullptr) {
    report.platform_digest = entry->digest;
    report.has_platform = true;
  }
  if (!work_.options.platform) co_return Result<void>();
  if (entry == nullptr)
    co_return Error(
        ErrorKind::not_found,
        fmt::format("{}:{} has nothing for {}; it has {}", work_.source.full_name(),
                    work_.request.source_reference, wanted.str(), list_platforms(*root)));
  const std::string digest = entry->digest.str();
  PAWL_CO_TRY(*root, co_await work_.source.get_manifest(digest));
  co_return Result<void>();
}

// Of a single image only its config says what it runs on. What is no image of a program (a chart, a
// policy) says nothing, and is copied.
Task<Result<void>> ImageCopy::check_platform(Manifest image, Platform wanted) {
  if (image.blobs.empty()) co_return Result<void>();
  PAWL_CO_TRY(const std::string bytes,
              co_await work_.source.get_blob(image.blobs.front().digest, kMaxImageConfigBytes));
  const auto config = parse_json_object(bytes, "the image's config");
  if (!config.ok()) co_return Result<void>();
  const Platform held{string_or(*config, "os", wanted.os), string_or(*config, "architecture"),
                      string_or(*config, "variant")};
  if (held.architecture.empty() || held.satisfies(wanted)) co_return Result<void>();
  co_return Error(
      ErrorKind::not_found,
      fmt::format("{}:{} is a single image for {}, and {} was asked for", work_.source.full_name(),
                  work_.request.source_reference, held.str(), wanted.str()))
      .with_hint("leave --platform out to copy it as it is, or build it for " + wanted.str());
}

Task<Result<void>> ImageCopy::gather(Manifest root) {
  seen_.insert(root.digest);
  if (!root_is_there_ && root.kind == ManifestKind::image) {
    // Whether the target has it is asked together with whether it has the layers.
    family_.push_back(root);
    missing_.push_back(std::move(root));
    co_return Result<void>();
  }
  if (!root_is_there_) {
    PAWL_CO_TRY(root_is_there_, co_await work_.is_at_target(root.digest));
  }
  co_return co_await gather_children(std::move(root), *root_is_there_, kMaxIndexDepth);
}

// The target is asked while the source sends.
Task<Result<void>> ImageCopy::gather_child(Descriptor child, int depth) {
  auto sent = work_.from_source(child.digest.str());
  auto asked = work_.is_at_target(child.digest);
  auto [manifest, present] = co_await both(std::move(sent), std::move(asked));
  PAWL_CO_TRY(Manifest got, std::move(manifest));
  PAWL_CO_TRY(const bool is_present, std::move(present));
  co_return co_await gather_children(std::move(got), is_present, depth);
}

// A manifest that the target has is complete there: registries refuse those whose parts are
// missing.
Task<Result<void>> ImageCopy::gather_children(Manifest parent, bool is_present, int depth) {
  if (depth == 0 || seen_.size() > kMaxManifests)
    co_return Error(ErrorKind::corrupt, fmt::format("the index {} of {} holds too much",
                                                    parent.digest.str(), work_.source.full_name()));
  family_.push_back(parent);
  if (is_present) co_return Result<void>();
  std::vector<Task<Result<void>>> children;
  for (const Descriptor& child : parent.manifests)
    if (seen_.insert(child.digest).second) children.push_back(gather_child(child, depth - 1));
  const auto outcomes = co_await when_all(std::move(children));
  for (const auto& outcome : outcomes)
    if (!outcome.ok()) co_return outcome;
  missing_.push_back(std::move(parent));
  co_return Result<void>();
}

Task<Result<void>> ImageCopy::bring_blobs() {
  if (root_is_there_) co_return co_await blobs_.bring_all(missing_, nullptr);
  Answer needed;
  auto asked = ask_for_root(&needed);
  auto brought = blobs_.bring_all(missing_, &needed);
  auto [known, outcome] = co_await both(std::move(asked), std::move(brought));
  PAWL_CO_CHECK(std::move(known));
  PAWL_CO_CHECK(std::move(outcome));
  if (*root_is_there_) missing_.clear();
  co_return Result<void>();
}

Task<Result<void>> ImageCopy::ask_for_root(Answer* needed) {
  const auto there = co_await work_.is_at_target(work_.report.digest);
  root_is_there_ = there.ok() && *there;
  needed->say(there.ok() && !*there);
  if (!there.ok()) co_return there.error();
  co_return Result<void>();
}

// By digest, images before indexes: whoever looks never sees an index whose parts are missing. What
// the tag will name is put under the tag, in name_it(): one request fewer.
Task<Result<void>> ImageCopy::put_manifests() {
  const bool by_tag = work_.request.target_tag.has_value();
  const auto waits_for_its_name = [&](const Manifest& manifest) {
    return by_tag && manifest.digest == work_.report.digest;
  };
  std::vector<Task<Result<void>>> images;
  for (const Manifest& manifest : missing_)
    if (manifest.kind != ManifestKind::index && !waits_for_its_name(manifest))
      images.push_back(put_by_digest(manifest));
  const auto outcomes = co_await when_all(std::move(images));
  for (const auto& outcome : outcomes)
    if (!outcome.ok()) co_return outcome;
  for (const Manifest& manifest : missing_)
    if (manifest.kind == ManifestKind::index && !waits_for_its_name(manifest))
      PAWL_CO_CHECK(co_await put_by_digest(manifest));
  co_return Result<void>();
}

Task<Result<void>> ImageCopy::put_by_digest(Manifest manifest) {
  auto permit = co_await work_.questions.acquire();
  const std::string digest = manifest.digest.str();
  PAWL_CO_CHECK(co_await work_.target.put_manifest(std::move(manifest), digest));
  ++work_.report.manifests_copied;
  co_return Result<void>();
}

Task<Result<void>> ImageCopy::name_it(Manifest root) {
  CopyReport& report = work_.report;
  if (!work_.request.target_tag || report.was_there) co_return Result<void>();
  const std::string tag = *work_.request.target_tag;
  const std::string target = work_.target.full_name();
  auto put = co_await work_.target.put_manifest(root, tag);
  if (!put.ok()) {
    const Manifest* instead = instead_of_index(root, put.error());
    if (instead == nullptr) co_return std::move(put).error();
    report.warnings.push_back(
        fmt::format("{} takes no index: {}:{} names the manifest for {} alone", target, target, tag,
                    work_.options.report_platform.str()));
    report.digest = instead->digest;
    PAWL_CO_TRY(put, co_await work_.target.put_manifest(*instead, tag));
  }
  ++report.manifests_copied;
  // The answer has said what the tag names now; only where it does not is that worth a round trip.
  if (put->digest_said) co_return Result<void>();
  PAWL_CO_TRY(const auto now, co_await work_.target.head_manifest(tag));
  if (now && *now != report.digest)
    co_return Error(ErrorKind::conflict,
                    fmt::format("{}:{} names {} although {} was just put there: someone else moves "
                                "the same tag",
                                target, tag, now->str(), report.digest.str()));
  co_return Result<void>();
}

// What to name where a registry says that it does not know indexes; nullptr for any other error.
const Manifest* ImageCopy::instead_of_index(const Manifest& root, const Error& error) const {
  const int status = error.http_status();
  const bool is_refusal = status == 400 || status == 405 || status == 415;
  if (root.kind != ManifestKind::index || !is_refusal || !work_.report.has_platform) return nullptr;
  const auto found = std::find_if(family_.begin(), family_.end(), [this](const Manifest& manifest) {
    return manifest.digest == work_.report.platform_digest;
  });
  return found == family_.end() ? nullptr : &*found;
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
