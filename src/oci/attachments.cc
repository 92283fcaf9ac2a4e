#include "oci/attachments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "oci/referrers.h"

namespace pawl::oci {
namespace {

// Signatures of attestations of images.
constexpr int kMaxReferrerDepth = 3;
constexpr std::array<std::string_view, 3> kCosignSuffixes = {"sig", "att", "sbom"};

/// One that was stopped was stopped because of another, which is the one to tell.
template <class T>
Result<void> first_error(const std::vector<Result<T>>& outcomes) {
  Result<void> first;
  for (const auto& outcome : outcomes) {
    if (outcome.ok()) continue;
    if (outcome.error().kind() != ErrorKind::interrupted) return outcome.error();
    first = outcome.error();
  }
  return first;
}

// Layers, that is: the config lists them and differs.
bool holds_all_of(const Manifest& newer, const Manifest& older) {
  const auto is_in_newer = [&newer](const Descriptor& layer) {
    return std::any_of(newer.blobs.begin(), newer.blobs.end(),
                       [&layer](const Descriptor& each) { return each.digest == layer.digest; });
  };
  return older.blobs.empty() ||
         std::all_of(older.blobs.begin() + 1, older.blobs.end(), is_in_newer);
}

}  // namespace

std::string cosign_tag(const Digest& subject, std::string_view suffix) {
  return fmt::format("sha256-{}.{}", subject.hex(), suffix);
}

Task<Result<Attachments::Found>> Attachments::find(std::vector<Manifest> subjects) {
  Found found;
  if (!work_.options.referrers) co_return found;
  for (const Manifest& subject : subjects) seen_.insert(subject.digest);
  auto referrers = referrers_of(subjects);
  auto tags = cosign_tags_of(subjects);
  auto [listed, tagged] = co_await both(std::move(referrers), std::move(tags));
  PAWL_CO_TRY(found.referrers, std::move(listed));
  PAWL_CO_TRY(found.tags, std::move(tagged));
  co_return found;
}

Task<Result<std::vector<Attachments::Attached>>> Attachments::referrers_of(
    std::vector<Manifest> subjects) {
  std::vector<Result<std::vector<Descriptor>>> lists;
  // Whether the source has the API is learnt from the first answer; then all the others at once.
  if (!subjects.empty()) lists.push_back(co_await list(subjects.front().digest));
  std::vector<Task<Result<std::vector<Descriptor>>>> questions;
  for (size_t i = 1; i < subjects.size(); ++i) questions.push_back(list(subjects[i].digest));
  auto answers = co_await when_all(std::move(questions));
  for (auto& answer : answers) lists.push_back(std::move(answer));
  PAWL_CO_CHECK(first_error(lists));
  std::vector<Attached> all;
  for (size_t i = 0; i < lists.size(); ++i)
    for (const Descriptor& referrer : *lists[i])
      if (seen_.insert(referrer.digest).second) all.push_back({referrer, subjects[i].digest});
  co_return all;
}

Task<Result<std::vector<Descriptor>>> Attachments::list(Digest subject) {
  auto permit = co_await work_.questions.acquire();
  auto listed = co_await work_.source.referrers(subject);
  co_return std::move(listed).while_doing("listing what is attached to " + subject.short_form());
}

Task<Result<bool>> Attachments::has_tag(std::string tag) {
  auto permit = co_await work_.questions.acquire();
  // A question for the head is no pull, where pulls are counted.
  PAWL_CO_TRY(const auto digest, co_await work_.source.head_manifest(std::move(tag)));
  co_return digest.has_value();
}

Task<Result<std::vector<std::string>>> Attachments::cosign_tags_of(std::vector<Manifest> subjects) {
  std::vector<std::string> tags;
  for (const Manifest& subject : subjects)
    for (const std::string_view suffix : kCosignSuffixes)
      tags.push_back(cosign_tag(subject.digest, suffix));
  std::vector<Task<Result<bool>>> questions;
  for (const std::string& tag : tags) questions.push_back(has_tag(tag));
  const auto answers = co_await when_all(std::move(questions));
  PAWL_CO_CHECK(first_error(answers));
  std::vector<std::string> there;
  for (size_t i = 0; i < tags.size(); ++i)
    if (*answers[i]) there.push_back(tags[i]);
  co_return there;
}

Task<Result<void>> Attachments::copy(Found found) {
  std::vector<Task<Result<void>>> copies;
  copies.push_back(copy_all(std::move(found.referrers), kMaxReferrerDepth));
  for (const std::string& tag : found.tags) copies.push_back(copy_tag(tag));
  const auto outcomes = co_await when_all(std::move(copies));
  co_return first_error(outcomes);
}

Task<Result<void>> Attachments::copy_all(std::vector<Attached> referrers, int depth) {
  std::vector<Task<Result<void>>> copies;
  for (const Attached& attached : referrers) copies.push_back(copy_one(attached, depth));
  const auto outcomes = co_await when_all(std::move(copies));
  co_return first_error(outcomes);
}

Task<Result<void>> Attachments::copy_one(Attached attached, int depth) {
  const Digest digest = attached.referrer.digest;
  auto sent = work_.from_source(digest.str());
  auto asked = is_listed_at_target(attached.subject, digest);
  auto [got, there] = co_await both(std::move(sent), std::move(asked));
  PAWL_CO_TRY(Manifest manifest, std::move(got));
  PAWL_CO_TRY(const bool is_listed, std::move(there));
  if (!is_listed) {
    std::vector<Manifest> alone{manifest};
    PAWL_CO_CHECK(co_await blobs_.bring_all(std::move(alone), nullptr));
    PAWL_CO_CHECK(co_await attach(manifest, attached.subject));
  }
  if (depth <= 1) co_return Result<void>();
  std::vector<Manifest> itself{std::move(manifest)};
  PAWL_CO_TRY(auto deeper, co_await referrers_of(std::move(itself)));
  co_return co_await copy_all(std::move(deeper), depth - 1);
}

// There, and known to be attached: a copy that was cut off between the two left the list without
// it.
Task<Result<bool>> Attachments::is_listed_at_target(Digest subject, Digest referrer) {
  PAWL_CO_TRY(const bool present, co_await work_.is_at_target(referrer));
  if (!present) co_return false;
  const auto listed = co_await work_.target.referrers(subject);
  if (!listed.ok()) co_return false;
  co_return std::any_of(listed->begin(), listed->end(),
                        [&referrer](const Descriptor& each) { return each.digest == referrer; });
}

Task<Result<void>> Attachments::attach(Manifest referrer, Digest subject) {
  auto put = co_await work_.target.put_manifest(referrer, referrer.digest.str());
  Result<void> noted;
  if (!put.ok()) {
    noted = std::move(put).error();
  } else if (!put->subject_noted) {
    auto permit = co_await notes_.acquire();
    noted = co_await note_referrer(work_.target, subject, referrer);
  }
  co_return told(noted, referrer.digest.short_form());
}

Task<Result<void>> Attachments::copy_tag(std::string tag) {
  auto sent = work_.from_source(tag);
  auto asked = work_.target.head_manifest(tag);
  auto [got, there] = co_await both(std::move(sent), std::move(asked));
  PAWL_CO_TRY(Manifest manifest, std::move(got));
  PAWL_CO_TRY(const std::optional<Digest> at_target, std::move(there));
  if (at_target && *at_target == manifest.digest) co_return Result<void>();
  if (at_target) {
    // cosign adds to what is under the tag. What was added at the target alone would be lost.
    PAWL_CO_TRY(const Manifest older, co_await work_.target.get_manifest(tag));
    if (!holds_all_of(manifest, older)) {
      work_.report.warnings.push_back(
          fmt::format("{}:{} holds signatures that {} lacks; it was left as it is",
                      work_.target.full_name(), tag, work_.source.full_name()));
      co_return Result<void>();
    }
  }
  std::vector<Manifest> alone{manifest};
  PAWL_CO_CHECK(co_await blobs_.bring_all(std::move(alone), nullptr));
  auto put = co_await work_.target.put_manifest(std::move(manifest), tag);
  Result<void> outcome;
  if (!put.ok()) outcome = std::move(put).error();
  co_return told(outcome, tag);
}

Result<void> Attachments::told(const Result<void>& noted, std::string_view what) {
  if (noted.ok()) {
    ++work_.report.referrers_copied;
    return noted;
  }
  const Error& error = noted.error();
  if (error.kind() == ErrorKind::interrupted || is_transient(error.kind())) return noted;
  work_.report.warnings.push_back(fmt::format("{} could not be attached at {}: {}", what,
                                              work_.target.full_name(), error.message()));
  return ok();
}

}  // namespace pawl::oci
