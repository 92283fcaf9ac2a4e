#include "sim/cloud/cloudfront.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {

// What is asked for by an id is 13 or 14 capitals and digits.
std::string made_id(IdSource& ids, char first) {
  std::string id = first + ids.lower(13);
  for (char& c : id)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return id;
}

bool is_wildcard(const std::string& path) {
  return !path.empty() && path.back() == '*';
}

}  // namespace

Distribution CloudFront::create(std::string comment, WallTime now) {
  Distribution made{made_id(ids_, 'E'), std::move(comment), now};
  ledger_.record(now, "cloudfront", "CreateDistribution", made.id);
  return distributions_[made.id] = std::move(made);
}

Result<Distribution> CloudFront::find(const std::string& id) const {
  const auto found = distributions_.find(id);
  if (found == distributions_.end())
    return aws_error(404, "NoSuchDistribution", "The specified distribution does not exist.");
  return found->second;
}

std::vector<Distribution> CloudFront::list() const {
  std::vector<Distribution> all;
  for (const auto& [id, distribution] : distributions_) all.push_back(distribution);
  return all;
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
Result<void> CloudFront::check_paths(const std::vector<std::string>& paths, WallTime now) const {
  if (paths.empty())
    return aws_error(400, "InvalidArgument", "Your request contains no invalidation paths.");
  for (const std::string& path : paths)
    if (path.empty() || path.front() != '/')
      return aws_error(400, "InvalidArgument",
                       "Your request contains one or more invalid invalidation paths.");
  size_t in_progress = paths.size();
  auto wildcards = static_cast<size_t>(std::count_if(paths.begin(), paths.end(), is_wildcard));
  for (const Invalidation& each : invalidations_) {
    if (is_done(each, now)) continue;
    in_progress += each.paths.size();
    wildcards +=
        static_cast<size_t>(std::count_if(each.paths.begin(), each.paths.end(), is_wildcard));
  }
  if (in_progress > kMaxPathsInProgress || wildcards > kMaxWildcardsInProgress)
    return aws_error(400, "TooManyInvalidationsInProgress",
                     "Your request exceeds the limit of invalidations in progress.");
  return ok();
}

Result<Invalidation> CloudFront::invalidate(const std::string& distribution,
                                            std::vector<std::string> paths,
                                            const std::string& reference, WallTime now) {
  PAWL_CHECK(find(distribution));
  for (const Invalidation& each : invalidations_) {
    if (each.distribution != distribution || each.reference != reference) continue;
    if (each.paths == paths) return each;
    return aws_error(400, "InvalidationBatchAlreadyExists",
                     "The caller reference that you are using is already in use.");
  }
  PAWL_CHECK(check_paths(paths, now));
  if (reference.empty()) return aws_error(400, "InvalidArgument", "CallerReference is missing.");
  invalidations_.push_back({made_id(ids_, 'I'), distribution, reference, std::move(paths), now});
  const Invalidation& made = invalidations_.back();
  ledger_.record(now, "cloudfront", "CreateInvalidation", distribution,
                 {{"id", made.id}, {"paths", write_list(made.paths)}});
  return made;
}

Result<Invalidation> CloudFront::find_invalidation(const std::string& distribution,
                                                   const std::string& id) const {
  PAWL_CHECK(find(distribution));
  for (const Invalidation& each : invalidations_)
    if (each.distribution == distribution && each.id == id) return each;
  return aws_error(404, "NoSuchInvalidation", "The specified invalidation does not exist.");
}

Result<std::vector<Invalidation>> CloudFront::invalidations(const std::string& distribution) const {
  PAWL_CHECK(find(distribution));
  std::vector<Invalidation> all;
  for (const Invalidation& each : invalidations_)
    if (each.distribution == distribution) all.push_back(each);
  return all;
}

json::object CloudFront::to_json() const {
  json::array distributions;
  for (const auto& [id, each] : distributions_)
    distributions.push_back(
        json::object{{"id", id}, {"comment", each.comment}, {"created", each.created.unix_ms}});
  json::array invalidations;
  for (const Invalidation& each : invalidations_)
    invalidations.push_back(json::object{{"id", each.id},
                                         {"distribution", each.distribution},
                                         {"reference", each.reference},
                                         {"paths", write_list(each.paths)},
                                         {"created", each.created.unix_ms}});
  return {{"distributions", std::move(distributions)}, {"invalidations", std::move(invalidations)}};
}

Result<void> CloudFront::load(const json::object& object) {
  distributions_.clear();
  invalidations_.clear();
  for (const json::object* each : objects_in(object, "distributions")) {
    const std::string id = string_or(*each, "id");
    distributions_[id] = {id, string_or(*each, "comment"), time_or(*each, "created")};
  }
  for (const json::object* each : objects_in(object, "invalidations"))
    invalidations_.push_back({string_or(*each, "id"), string_or(*each, "distribution"),
                              string_or(*each, "reference"), read_list(*each, "paths"),
                              time_or(*each, "created")});
  return ok();
}

}  // namespace pawl::cloud
